"""Which code makes a result. As part of a cache key it keeps the results of other code from being taken for its own."""

import hashlib
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SUFFIXES = {".py", ".html"}


def code_version(*sources: str) -> str:
    """A digest of the version of this project and of some of its source files, which are read but not imported.

    Args:
        sources: Files, and folders with all that is beneath, from where the packages lie: "pnfrec_core/schema.py".

    Raises:
        FileNotFoundError: There is no such file, or nothing in the folder.
    """
    digest = hashlib.sha256(f"{metadata.version('pnfrec')}\n".encode())
    for file in source_files(*sources):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(_ROOT).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def source_files(*sources: str) -> list[Path]:
    """The files that `code_version` reads."""
    found: set[Path] = set()
    for source in sources:
        path = _ROOT / source
        files = {file for file in path.rglob("*") if file.suffix in _SUFFIXES} if path.is_dir() else {path}
        if not files:
            msg = f"{path} holds no source file. Reinstall pnfrec with its sources."
            raise FileNotFoundError(msg)
        found |= files
    return sorted(found)
