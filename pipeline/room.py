"""Room on disks: how much of it is left where a run writes, and the sentence for a run that found none."""

import dataclasses
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30
_NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT))
# How TensorFlow, Arrow, SQLite and Beam's workers say it, in messages of errors of their own.
_WORDS: Final = ("No space left on device", "Disk quota exceeded", "database or disk is full")


@dataclasses.dataclass(frozen=True)
class Room:
    """What is left on the disk of a folder.

    Attributes:
        folder: The nearest one that is there.
        device: The number of the disk.
        free: Bytes that this user may write.
        files: Files that may still be made; None where the file system sets no bound.
    """

    folder: Path
    device: int
    free: int
    files: int | None


def room_of(path: Path) -> Room:
    """The room on the disk that `path` is on, or will be on when it is made."""
    folder = nearest_folder(path)
    state = os.statvfs(folder)
    return Room(folder, folder.stat().st_dev, shutil.disk_usage(folder).free, state.f_favail if state.f_files else None)


def nearest_folder(path: Path) -> Path:
    """`path`, or the first of the folders above it that is there."""
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def in_words(count: int) -> str:
    """Bytes as people say them."""
    for unit, size in (("GiB", GIB), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def no_room(error: BaseException, places: Sequence[Path]) -> str | None:
    """The sentence for a run that ended since a disk is full; None where it ended for another reason.

    Args:
        error: What ended it, with its causes.
        places: Where a run writes. Where no error names a path, the fullest is meant.
    """
    chain = list(_chain(error))
    if not any(_is_no_room(each) for each in chain):
        return None
    names = [each.filename for each in chain if isinstance(each, OSError) and isinstance(each.filename, str)]
    fullest = min((*places, Path(tempfile.gettempdir())), key=lambda place: room_of(place).free)
    path = Path(names[0]) if names else fullest
    room = room_of(path)
    left = f"{in_words(room.free)} free"
    if room.files == 0:
        left += ", but no room for another file"
    return (
        f"{path}: the disk is full, or this user's share of it ({left} in {room.folder}). Make room there, or choose "
        "another disk (`output`, `serving`; TMPDIR for what is temporary), then run again: it goes on from what is "
        "complete."
    )


def _is_no_room(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    text = str(error)
    return any(words in text for words in _WORDS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes. Those of Beam and TFX may be circular."""
    met: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is not None and id(each) not in met:
            met.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]
