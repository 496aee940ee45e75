"""The folder that a pipeline pushes to: `<base>/<version>/saved_model.pb`. Standard library only."""

import os
from pathlib import Path

from pnfrec_core.versions import SAVED_MODEL_FILE, by_version


def version_folders(base: str | Path) -> dict[int, Path]:
    """Folders of `base` that are versions, by number.

    Raises:
        OSError: `base` cannot be read.
    """
    found = by_version(entry.name for entry in os.scandir(base) if entry.is_dir())
    return {version: Path(base) / name for version, name in found.items()}


def is_complete(folder: Path) -> bool:
    """True once the file is there that a pusher writes last."""
    return (folder / SAVED_MODEL_FILE).is_file()
