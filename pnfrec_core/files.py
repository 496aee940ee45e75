"""Writing files that appear complete or not at all."""

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Puts `content` in the place of `path`; text as UTF-8 with plain newlines."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as stream:
        stream.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        # Else a machine that loses its power may have renamed a file that has no content yet.
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(unfinished, path)
