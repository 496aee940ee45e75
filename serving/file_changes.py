"""Whether a file has changed."""

import os
from typing import NamedTuple


class Stamp(NamedTuple):
    """What differs when a file was written anew or replaced."""

    device: int
    inode: int
    size: int
    changed_ns: int


def stamp_of(path: str | os.PathLike[str]) -> Stamp | None:
    """The stamp of the file that `path` leads to; None where there is none, or it may not be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
