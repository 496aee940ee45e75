"""Half versions that killed pushes leave in a serving folder: how they are known for ours, and removed.

Other exporters write into the same folder, and a folder without `saved_model.pb` may be one of theirs that is not yet
complete. So the Pusher keeps a file `.pushing-<version>` beside each folder that it makes or deletes, and the lock of
that file for as long as it does so. A lock ends with its process, and the file says which folder was meant.
"""

import contextlib
import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from pnfrec_core import locks, versions

_BEGINNING: Final = ".pushing-"
# Locks of another machine may not be seen here, in some file systems; a push takes minutes.
_ELSEWHERE_S: Final = 86_400.0

log = logging.getLogger(__name__)


class Working:
    """The mark of a version that is being written or deleted.

    Args:
        file: Open, its lock held.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file, self._folder = file, ""

    def folder_is(self, folder: str) -> None:
        """Says which folder it is, now that it is there."""
        self._file.truncate(0)
        found, self._folder = os.stat(folder), folder
        said = {"host": socket.gethostname(), "name": os.path.basename(folder), "folder": [found.st_dev, found.st_ino]}
        json.dump(said, self._file)
        self._file.flush()

    @property
    def is_half(self) -> bool:
        """Whether the folder is there, and is no version."""
        return bool(self._folder) and os.path.isdir(self._folder) and not _is_complete(self._folder)


@contextlib.contextmanager
def working(base: str, version: int) -> Iterator[Working | None]:
    """Marks a version for as long as it is worked at, and beyond where half of it is left; None where another does.

    A folder in a store has no marks, as there are no locks.

    Args:
        base: The serving folder, which is there.
        version: The number.
    """
    path = Path(base) / f"{_BEGINNING}{version}"
    while True:
        with path.open("a", encoding="utf-8") as file:
            try:
                locks.take(file, 0.0)
            except locks.HeldError:
                yield None
                return
            except OSError:  # a file system without locks: nobody could tell whether somebody still writes
                path.unlink(missing_ok=True)
                yield Working(file)
                return
            if not _is_there(path, file):
                # It was cleared away between the opening and the lock.
                continue
            mark = Working(file)
            try:
                yield mark
            finally:
                if not mark.is_half:
                    path.unlink(missing_ok=True)
            return


def clear_unfinished(base: str) -> list[int]:
    """Removes the half versions of pushes and deletions that were killed; returns which.

    What was never marked, what is complete, and what somebody works at, stays. One that cannot be removed stays with a
    warning.
    """
    gone: list[int] = []
    if "://" in base or not os.path.isdir(base):
        return gone
    for path in sorted(Path(base).glob(f"{_BEGINNING}*")):
        version = versions.version_of(path.name.removeprefix(_BEGINNING))
        if version is None:
            continue
        try:
            with path.open("r+", encoding="utf-8") as file:
                locks.take(file, 0.0)
                if _is_there(path, file) and _clear(version, path, file):
                    gone.append(version)
        except locks.HeldError:
            continue
        except OSError as error:
            log.warning("%s, which a killed push has left, cannot be cleared away: %s", path, error)
    if gone:
        log.info("Removed half versions of killed pushes from %s: %s.", base, ", ".join(map(str, gone)))
    return gone


def _clear(version: int, path: Path, file: IO[str]) -> bool:
    """Removes what a killed process has left, and its mark; whether there was a half version."""
    said = _said(file)
    if said.get("host", socket.gethostname()) != socket.gethostname():
        age = time.time() - os.fstat(file.fileno()).st_mtime
        if age < _ELSEWHERE_S:
            return False
    name = str(said.get("name", ""))
    folder = path.parent / name
    is_half = versions.version_of(name) == version and _is_ours(folder, said.get("folder")) and not _is_complete(folder)
    if is_half:
        shutil.rmtree(folder)
    path.unlink(missing_ok=True)
    return is_half


def _said(file: IO[str]) -> dict[str, Any]:
    """What a mark says; nothing where its process was killed before it had said anything."""
    try:
        said = json.loads(file.read())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _is_ours(folder: Path, said: object) -> bool:
    try:
        found = os.stat(folder, follow_symlinks=False)
    except OSError:
        return False
    return [found.st_dev, found.st_ino] == said


def _is_complete(folder: str | os.PathLike[str]) -> bool:
    return os.path.exists(os.path.join(folder, versions.SAVED_MODEL_FILE))


def _is_there(path: Path, file: IO[str]) -> bool:
    """Whether the open file is the one that has its name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
