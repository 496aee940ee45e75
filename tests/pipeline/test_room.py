"""Room on disks."""

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import room
from pipeline.room import Room, in_words, nearest_folder, no_room, room_of


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder on a disk with 3 KiB of room; all others have 5 GiB."""

    def made_up(path: Path) -> Room:
        is_full = path.is_relative_to(tmp_path / "full")
        return Room(nearest_folder(path), int(is_full), 3072 if is_full else 5 << 30, None)

    monkeypatch.setattr(room, "room_of", made_up)
    (tmp_path / "full").mkdir()
    return tmp_path / "full"


def rest(folder: Path) -> str:
    return (
        f": the disk is full, or this user's share of it (3.0 KiB free in {folder}). Make room there, or choose "
        "another disk (`output`, `serving`; TMPDIR for what is temporary), then run again: it goes on from what is "
        "complete."
    )


def test_the_path_that_could_not_be_written_is_named(full: Path, tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", str(full / "a" / "b"))
    assert no_room(error, [tmp_path]) == f"{full / 'a' / 'b'}{rest(full)}"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Traceback ... OSError: [Errno 28] No space left on device [while running 'Write']"),
        pa.ArrowInvalid("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),
        RuntimeError("INTERNAL: database or disk is full"),
    ],
    ids=["bare", "quota", "worker", "arrow", "sqlite"],
)
def test_without_a_path_the_fullest_place_is_named(full: Path, tmp_path: Path, error: Exception) -> None:
    assert no_room(error, [tmp_path / "other", full / "serving"]) == f"{full / 'serving'}{rest(full)}"


def test_the_reason_may_lie_deep_in_a_circle_of_causes(full: Path) -> None:
    inner, outer = OSError(errno.ENOSPC, "No space left on device"), RuntimeError("the node failed")
    outer.__cause__, inner.__context__ = inner, outer
    assert no_room(outer, [full]) == f"{full}{rest(full)}"
    outer = RuntimeError("the node failed")
    outer.__context__ = inner
    assert no_room(outer, [full]) == f"{full}{rest(full)}"


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "/x"), ValueError("28"), MemoryError()])
def test_other_errors_are_no_want_of_room(error: Exception) -> None:
    assert no_room(error, []) is None


def test_a_disk_may_want_for_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "room_of", lambda path: Room(path, 1, 7 << 30, 0))
    text = no_room(OSError(errno.ENOSPC, "No space left on device"), [tmp_path])
    assert text is not None
    assert "(7.0 GiB free, but no room for another file in " in text


def test_a_device_that_is_full_says_so(tmp_path: Path) -> None:
    """The one full disk that every Linux has."""
    with pytest.raises(OSError, match="No space left") as caught, open("/dev/full", "wb", buffering=0) as stream:
        stream.write(b"x")
    text = no_room(caught.value, [tmp_path])
    assert text is not None
    assert "the disk is full" in text


def test_the_room_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "a" / "b", tmp_path / "file" / "c"):
        assert nearest_folder(path) == tmp_path
        found = room_of(path)
        assert found.folder == tmp_path
        assert found.device == tmp_path.stat().st_dev
        assert found.free <= os.statvfs(tmp_path).f_bfree * os.statvfs(tmp_path).f_frsize
    assert nearest_folder(Path("/nowhere/at/all")) == Path("/")


def test_bytes_in_words() -> None:
    assert [in_words(count) for count in (0, 1023, 1024, 5 << 20, 3 << 29)] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "5.0 MiB",
        "1.5 GiB",
    ]
