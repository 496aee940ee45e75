"""By what a model is known again, whatever number it was pushed under: the digest of its files."""

import hashlib
import json
import os
from pathlib import Path

from pnfrec_core import versions
from pnfrec_core.provenance import data_digest
from pnfrec_core.schema import EXTRA_ASSETS


def model_digest(folder: str | os.PathLike[str]) -> str:
    """The digest of a SavedModel: a version of a serving folder, or the artifact that it was pushed from.

    Names and contents of all files count, but for those that the run wrote beside the model when it pushed it.

    Args:
        folder: That of `saved_model.pb`, on this machine.

    Returns:
        64 hexadecimal digits. A model that is trained or exported anew may have others, even of the same data.

    Raises:
        OSError: A file cannot be read.
    """
    root = Path(folder)
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    names = [name for name in found if name not in versions.OF_THE_RUN]
    content = data_digest(root / name for name in names)
    return hashlib.sha256("\n".join([*names, content]).encode()).hexdigest()


def judged_digest(folder: str | os.PathLike[str]) -> str:
    """The digest of the model that the gate judged in the place of a version that was refitted; "" for any other.

    Args:
        folder: Of the version.
    """
    try:
        record = json.loads((Path(folder) / EXTRA_ASSETS / versions.REFIT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    return str(record.get("judged", {}).get("digest", ""))
