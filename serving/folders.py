"""The folder that a pipeline pushes to: `<base>/<version>/saved_model.pb`. Standard library only."""

import os
from pathlib import Path
from typing import Final

SAVED_MODEL_FILE: Final = "saved_model.pb"


def version_folders(base: str | Path) -> dict[int, Path]:
    """Folders of `base` whose name is a number, by that number.

    Raises:
        OSError: `base` cannot be read.
    """
    names = sorted(entry.name for entry in os.scandir(base) if entry.is_dir())
    # "7" and "007" are one version; the shorter name, which sorts last, wins.
    versions = {int(name): Path(base) / name for name in names if name.isascii() and name.isdecimal()}
    # A version is an int64 in TensorFlow Serving's messages.
    return {version: folder for version, folder in versions.items() if version < 1 << 63}


def is_complete(folder: Path) -> bool:
    """True once the file is there that a pusher writes last."""
    return (folder / SAVED_MODEL_FILE).is_file()
