"""The folder that a pipeline pushes to: `<base>/<version>/saved_model.pb`. Standard library only."""

import contextlib
import os
from pathlib import Path
from typing import Final

from pnfrec_core.versions import SAVED_MODEL_FILE, by_version

# Of every file and folder what a change of it changes, permissions included.
Fingerprint = tuple[tuple[str, int, int, int], ...]


def version_folders(base: str | Path) -> dict[int, Path]:
    """Folders of `base` that are versions, by number.

    Raises:
        OSError: `base` cannot be read.
    """
    found = by_version(entry.name for entry in os.scandir(base) if entry.is_dir())
    return {version: Path(base) / name for version, name in found.items()}


# What TensorFlow takes for a pattern that the path itself does not fit, where it looks for the variables of a model.
_NO_NAME: Final = ("[", "\\")


def check_path(folder: Path) -> None:
    """Raises a ValueError for a path below which TensorFlow's Python finds no variables, whole as they may be."""
    if signs := [sign for sign in _NO_NAME if sign in str(folder)]:
        msg = (
            f"{folder} holds {' and '.join(signs)}, which TensorFlow takes for a pattern, and so finds no model there. "
            "Serve from a folder without."
        )
        raise ValueError(msg)


def is_complete(folder: Path) -> bool:
    """True once the file is there that a pusher writes last."""
    return (folder / SAVED_MODEL_FILE).is_file()


def fingerprint_of(folder: Path) -> Fingerprint:
    """What a failed load is judged by before it is tried again."""
    found = []
    for root, folders_here, files in os.walk(folder):
        for name in ("", *folders_here, *files):
            path = os.path.join(root, name)
            with contextlib.suppress(OSError):  # removed meanwhile
                stat = os.stat(path)
                # The time of a change of permissions or of the owner is that of the inode.
                found.append((path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(sorted(found))
