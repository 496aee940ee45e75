"""Locks that go with the process that holds them, however it ends: a killed one leaves none behind."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

_EVERY_S: Final = 0.1


class HeldError(RuntimeError):
    """Another process holds a lock, and goes on for longer than it was waited for."""


@contextlib.contextmanager
def holding(file: Path, patience: float | None = None) -> Iterator[None]:
    """Holds the lock of a file, which is made where there is none and stays.

    Args:
        file: The file; its folder is there.
        patience: Seconds to wait for whoever holds it; None for as long as it takes.

    Raises:
        HeldError: It is still held then.
        OSError: The file cannot be made.
    """
    with file.open("a") as lock:
        take(lock, patience)
        yield


def making(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Waits for whoever else makes the same folder, and keeps others waiting; the lock lies beside it.

    Raises:
        OSError: The folder that it lies in is missing or cannot be written to.
    """
    return holding(folder.with_name(f".{folder.name}.lock"))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder itself, in which no file is made for it. A file system without locks has none to keep.

    Raises:
        HeldError: Another process holds it.
        OSError: The folder is missing.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            take(handle, 0.0)
        yield
    finally:
        os.close(handle)


def take(lock: IO[str] | IO[bytes] | int, patience: float | None = None) -> None:
    """Takes the lock of an open file or folder, which is held until that is closed.

    Raises:
        HeldError: As of `holding`.
    """
    if patience is None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= end:
                msg = "Another process holds the lock."
                raise HeldError(msg) from error
            time.sleep(_EVERY_S)
        else:
            return
