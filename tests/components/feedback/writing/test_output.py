"""Files appear when they are complete, whatever becomes of the worker that writes them."""

import os
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems

from components.feedback.writing.output import Folders, remove_unfinished, write_bytes, write_shard


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(*(str(tmp_path / name) for name in ("examples", "vocabulary", "statistics")))


def files(folder: str) -> list[str]:
    return sorted(os.path.relpath(path, folder) for path in Path(folder).rglob("*") if path.is_file())


def test_a_shard_that_was_not_finished_is_in_no_folder_of_a_split(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard(folders, "train", 0, 2, b"whole")
    monkeypatch.setattr(FileSystems, "rename", lambda *_: None)
    write_shard(folders, "train", 1, 2, b"half")
    assert files(folders.examples)[1:] == ["Split-train/data_tfrecord-00000-of-00002.gz"]
    assert files(folders.examples)[0].startswith(".data_tfrecord-00001-of-00002.gz.")


def test_what_killed_workers_left_is_removed_at_the_end(folders: Folders) -> None:
    write_shard(folders, "train", 0, 1, b"whole")
    (Path(folders.examples) / ".data_tfrecord-00000-of-00001.gz.0123").write_bytes(b"ha")
    remove_unfinished(folders)
    remove_unfinished(folders)
    assert files(folders.examples) == ["Split-train/data_tfrecord-00000-of-00001.gz"]


def test_a_shard_that_is_written_again_takes_the_place_of_the_first(folders: Folders) -> None:
    for _ in range(2):
        write_shard(folders, "test", 3, 10, b"same")
    assert files(folders.examples) == ["Split-test/data_tfrecord-00003-of-00010.gz"]


def test_other_files_are_written_in_their_own_folder(tmp_path: Path) -> None:
    write_bytes(str(tmp_path / "new" / "a.txt"), b"text")
    assert files(str(tmp_path)) == ["new/a.txt"]
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"text"
