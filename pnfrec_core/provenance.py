"""What a result comes from: the code, the data and the settings. Together they name it, in caches and on disk.

Code is found by following the imports of what runs, data goes by what it holds, settings go by their values.
"""

import dataclasses
import functools
import glob
import hashlib
import json
import os
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pnfrec_core.imports import Graph, own_graph
from pnfrec_core.source import meaning

_READ_BYTES = 1 << 22


@dataclasses.dataclass(frozen=True)
class Code:
    """The code behind a result: all own files that the modules reach which run to make it, and libraries.

    Attributes:
        modules: Where to begin, "components.trainer.run_fn".
        by: What of a source counts. "bytes": all of it, and the version of pnfrec; for artifacts of a pipeline, which
            are made anew where in doubt. "syntax": what it does, so that comments, docstrings and layout are no
            matter; for studies, where hours of training lie behind a result. Data files that the code reads beside
            itself count by their bytes in either case.
        libraries: Distributions whose version counts.
    """

    modules: tuple[str, ...]
    by: Literal["bytes", "syntax"] = "bytes"
    libraries: tuple[str, ...] = ()

    def digest(self, graph: Graph | None = None) -> str:
        """Hexadecimal; the same wherever the sources lie.

        Args:
            graph: Of sources elsewhere. Those of this process are read once: it goes on with the code that it began
                with, whatever is edited meanwhile.

        Raises:
            ModuleNotFoundError: There is no such module.
        """
        return _digest_here(self) if graph is None else _digest(self, graph)


def data_digest(files: Iterable[str | Path]) -> str:
    """Digest of what files hold, in their order, whatever their names are.

    All bytes are read, once in a process while size and time of change stay: about a second a gigabyte from memory, and
    as fast as the disk is otherwise. That is little beside what reads them next, and tells a file that was written anew
    with the same size from one that was only touched or copied.

    Args:
        files: Paths. One with a scheme (`gs://`), or of no file, counts by its name.
    """
    parts = [_content(Path(os.path.abspath(file))) if _is_local_file(file) else f"name {file}" for file in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def matches(patterns: Iterable[str]) -> list[str]:
    """The local files of glob patterns, sorted and each once; a pattern that matches none, or is remote, as it is."""
    found: set[str] = set()
    for pattern in patterns:
        found.update([file for file in glob.glob(pattern, recursive=True) if _is_local_file(file)] or [pattern])
    return sorted(found)


def result_name(*, code: str, data: str, settings: Any) -> str:
    """One name for what comes of code, data and settings.

    Args:
        code: Of `Code.digest`; of several, joined.
        data: Of `data_digest`.
        settings: Plain values.

    Returns:
        Hexadecimal. The first 12 digits tell millions of results apart.
    """
    values = {"code": code, "data": data, "settings": settings}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@functools.cache
def _digest_here(code: Code) -> str:
    return _digest(code, own_graph())


def _digest(code: Code, graph: Graph) -> str:
    named = code.libraries if code.by == "syntax" else ("pnfrec", *code.libraries)
    lines = [f"{name} {_version(name)}" for name in named]
    for file in graph.closure(*code.modules):
        count = _meaning if code.by == "syntax" and file.suffix == ".py" else _content
        lines.append(f"{file.relative_to(graph.root).as_posix()} {count(file)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _is_local_file(path: str | Path) -> bool:
    return "://" not in str(path) and Path(path).is_file()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "none"


def _content(file: Path) -> str:
    state = file.stat()
    return _content_digest(file, state.st_size, state.st_mtime_ns)


@functools.cache
def _content_digest(file: Path, size: int, modified: int) -> str:
    del size, modified  # of the cache's key
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()


def _meaning(file: Path) -> str:
    state = file.stat()
    return _meaning_digest(file, state.st_size, state.st_mtime_ns)


@functools.cache
def _meaning_digest(file: Path, size: int, modified: int) -> str:
    del size, modified  # of the cache's key
    return hashlib.sha256(meaning(file.read_bytes()).encode()).hexdigest()
