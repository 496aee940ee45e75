"""The file of ML Metadata, looked at without ML Metadata, which needs up to a minute and a half to say what is wrong.

It is an SQLite database. A missing or empty one is in order: ML Metadata fills it.
"""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# How long a run waits for a program that has locked the file, and after which time it says so.
PATIENCE_S: Final = 30.0
SILENCE_S: Final = 1.0
_LOCKS: Final = Path("/proc/locks")

log = logging.getLogger(__name__)


class MetadataError(RuntimeError):
    """The file of ML Metadata cannot be used."""


class DamagedMetadataError(MetadataError):
    """The file of ML Metadata cannot be read."""


class LockedMetadataError(MetadataError):
    """Another program has locked the file of ML Metadata."""


def check_metadata(path: Path) -> None:
    """Checks that the file can be read.

    Raises:
        DamagedMetadataError: The file is no database, or a damaged one.
    """
    if not path.exists():
        return
    found = _state(path) if path.is_file() else "it is no file"
    if found != "ok":
        msg = (
            f"{path}: the record of earlier runs is damaged ({' '.join(found.split())}). Put a copy of it back, or "
            "delete it: then every node runs anew and the gate has no last blessed model to compare with, while pushed "
            "models stay."
        )
        raise DamagedMetadataError(msg)


def _state(path: Path) -> str:
    """What SQLite finds wrong with the file; "ok" where that is nothing, or cannot be known now."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        # Such as a lock of somebody who looks into the file: no damage, and perhaps gone when it is needed.
        log.warning("%s could not be checked: %s", path, error)
        return "ok"
    except sqlite3.DatabaseError as error:
        return str(error)


def wait_until_free(path: Path, say: Callable[[str], None], patience: float = PATIENCE_S) -> None:
    """Returns as soon as no other program has locked the file.

    Args:
        path: The file.
        say: Gets a sentence on who is waited for, when that takes more than a moment.
        patience: Seconds to wait.

    Raises:
        LockedMetadataError: It is locked for longer.
    """
    begin = time.monotonic()
    silent = True
    while is_locked(path):
        waited = time.monotonic() - begin
        if waited >= patience:
            raise LockedMetadataError(locked_for(path, waited))
        if silent and waited >= SILENCE_S:
            silent = False
            say(f"waiting for {path}, which {holder(path)} has locked; for up to {patience:.0f} s")
        time.sleep(0.1)


def locked_for(path: Path, seconds: float, *ours: int) -> str:
    """The sentence with which to end after waiting; `ours` as in `other_holders`."""
    length = f", for {seconds:.0f} s by now" if seconds >= SILENCE_S else ""
    return (
        f"{path}: {holder(path, *ours)} has locked the record of earlier runs{length}. Close what has it open, such as "
        "a browser of databases, then run again."
    )


def is_locked(path: Path) -> bool:
    """Whether somebody reads or writes the file at this moment, so that it could not be written to."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:  # damaged, which `check_metadata` says
        return False
    return False


def holder(path: Path, *ours: int) -> str:
    """Who holds a lock on the file, as well as this system tells; `ours` as in `other_holders`."""
    return next(map(name_of, other_holders(path, *ours)), "another program")


def name_of(process: int) -> str:
    try:
        name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return f"process {process}"
    return f"process {process} ({name})"


def other_holders(path: Path, *ours: int) -> Iterator[int]:
    """Numbers of the processes that hold locks of the kind that SQLite takes, but for this one and `ours`.

    The list of locks is looked at, and not the file: to close it would give up the locks of this process.
    """
    try:
        inode = str(path.stat().st_ino)
        lines = _LOCKS.read_text(encoding="utf-8").splitlines()
    except OSError:  # no such list on this system
        return
    for line in lines:
        # 1: POSIX  ADVISORY  WRITE 1234 08:01:131090 1073741826 1073742335
        words = line.split()
        if "->" not in words and len(words) >= 6 and words[5].rpartition(":")[2] == inode:
            process = int(words[4])
            if process > 0 and process not in (os.getpid(), *ours):
                yield process
