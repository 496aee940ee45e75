"""Writing files and folders that appear complete or not at all, whatever ends the process or the machine.

What is renamed is on the disk before it has its name: else a machine that loses its power may keep the new name with
an empty file. Whether the renaming itself outlives a power cut is not promised: then what was there before stands.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# File systems that cannot put a file or a folder on the disk by itself say so by one of these.
_CANNOT: Final = frozenset((errno.EINVAL, errno.ENOTSUP))


def write(path: Path, content: str | bytes) -> None:
    """Puts `content` in the place of `path`; text as UTF-8 with plain newlines."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives the name of a file beside `path` to write to, which takes its place at the end, unless the block raises."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        # On a full disk it would take the room that the next try needs.
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def put(folder: Path, target: Path) -> None:
    """Gives a folder that is complete its name, on the disk first. `target` is missing, or an empty folder."""
    sync_tree(folder)
    os.rename(folder, target)


def sync_tree(folder: str | os.PathLike[str]) -> None:
    """Puts all that is in a folder on the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            sync(os.path.join(root, name))
        sync(root)


def sync(path: str | os.PathLike[str]) -> None:
    """Puts one file, or the names that a folder holds, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(descriptor)
