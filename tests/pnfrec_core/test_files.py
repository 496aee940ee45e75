"""Files and folders appear whole, and are on the disk before they have their name."""

import errno
import os
from pathlib import Path

import pytest

from pnfrec_core import files


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put on the disk, and what gets its name, in their order."""
    told: list[str] = []
    sync, replace, rename = os.fsync, os.replace, os.rename

    def fsync(descriptor: int) -> None:
        told.append(f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))}")
        sync(descriptor)

    def renaming(one: str | Path, other: str | Path) -> None:
        told.append(f"name {os.path.basename(other)}")
        replace(one, other)

    assert replace is not rename
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", renaming)
    monkeypatch.setattr(os, "rename", renaming)
    return told


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, order: list[str]) -> None:
    files.write(tmp_path / "a", "ü\n")
    assert (tmp_path / "a").read_bytes() == "ü\n".encode()
    assert order == ["sync .a.unfinished", "name a"]
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    files.write(tmp_path / "a", "old")

    def half() -> None:
        with files.replacing(tmp_path / "a") as unfinished:
            unfinished.write_text("ne")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        half()
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_all_of_a_folder_is_on_the_disk_before_it_has_its_name(tmp_path: Path, order: list[str]) -> None:
    folder = tmp_path / "partial"
    (folder / "inner").mkdir(parents=True)
    for name in ("a", "inner/b"):
        (folder / name).write_text(name)
    files.put(folder, tmp_path / "whole")
    assert order[-1] == "name whole"
    assert sorted(order[:-1]) == ["sync a", "sync b", "sync inner", "sync partial"]
    assert (tmp_path / "whole" / "inner" / "b").read_text() == "inner/b"


@pytest.mark.parametrize(("number", "stops"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_sync_stops_nothing_and_a_broken_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, stops: bool
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if stops:
        with pytest.raises(OSError, match="Input/output error"):
            files.write(tmp_path / "a", "text")
        assert not os.listdir(tmp_path)
    else:
        files.write(tmp_path / "a", "text")
        assert (tmp_path / "a").read_text() == "text"
