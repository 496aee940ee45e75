"""By what a model is known again, whatever number it was pushed under: the digest of its files."""

import hashlib
import os
from pathlib import Path

from pnfrec_core import versions
from pnfrec_core.provenance import data_digest


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
