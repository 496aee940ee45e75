"""Writing files that appear complete or not at all."""

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Puts `content` in the place of `path`; text as UTF-8 with plain newlines."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    os.replace(unfinished, path)
