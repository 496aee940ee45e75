"""Room on disks: how much of it is left where a run writes, and the sentence for a run that found none."""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pnfrec_core.errors import causes, is_no_room

GIB: Final = 1 << 30


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
    if not is_no_room(error):
        return None
    names = [each.filename for each in causes(error) if isinstance(each, OSError) and isinstance(each.filename, str)]
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
