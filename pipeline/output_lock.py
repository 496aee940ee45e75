"""One run at a time in an output folder: the lock that a run holds for as long as it lives."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pnfrec_core import locks
from pnfrec_core.settings.errors import ConfigError

# How long a run that was just killed may take to let go of its folder: the system frees its memory first.
PATIENCE_S = 3.0
LOCK_FILE = ".lock"
_OPTION = "--set output=..."


class OutputInUseError(RuntimeError):
    """Another run is working in the same output folder."""


@contextlib.contextmanager
def exclusive(output: Path, option: str = _OPTION) -> Iterator[None]:
    """Holds the output folder for this process. The lock goes with the process, however it ends.

    Args:
        output: The folder; it is made where there is none.
        option: What names another folder, for the error.

    Raises:
        OutputInUseError: Another process holds it.
        ConfigError: The folder cannot be made or written to.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = (output / LOCK_FILE).open("a+")
    except OSError as error:
        raise ConfigError(unwritable("output", output, error)) from error
    with lock:
        _take(lock, output, PATIENCE_S, option)
        yield


def check_free(output: Path, patience: float = PATIENCE_S) -> None:
    """Checks that no run works in the output folder, and makes nothing there.

    Raises:
        OutputInUseError: One does, and goes on for longer than `patience`.
    """
    with contextlib.suppress(OSError), (output / LOCK_FILE).open("rb") as lock:
        _take(lock, output, patience)


def unwritable(key: str, folder: Path, error: OSError) -> str:
    """The sentence for a folder that is written to, and cannot be."""
    return f"`{key}`: {folder} cannot be made or written to ({error.strerror}). Choose another folder or its owner."


def _take(lock: IO[str] | IO[bytes], output: Path, patience: float, option: str = _OPTION) -> None:
    try:
        locks.take(lock, patience)
    except locks.HeldError as error:
        msg = f"Another run is working in {output}. Wait for it, or choose another folder ({option})."
        raise OutputInUseError(msg) from error
