"""What files hold, read again when they change."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

logger = logging.getLogger(__name__)

_Held = TypeVar("_Held")


class Stamp(NamedTuple):
    """What differs when a file was written anew or replaced, or when other users may read it."""

    device: int
    inode: int
    size: int
    written_ns: int
    changed_ns: int


def stamp_of(path: str | os.PathLike[str]) -> Stamp | None:
    """The stamp of the file that `path` leads to; None where there is none, or it may not be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    # The last is the time of the inode: a new file may come with its old time, or be given to the server's user only
    # after it was put in its place.
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Followed(Generic[_Held]):
    """What some files hold. Safe to use from several threads.

    Files that cannot be used leave it as it was, which is told in the log.

    Args:
        paths: The files; "" is none.
        read: Reads them all; raises OSError or ValueError where it cannot.
        told: What is logged before the reason, such as "The tokens stay as they were".

    Attributes:
        held: What was read last.

    Raises:
        OSError, ValueError: As of `read`.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], read: Callable[[], _Held], told: str) -> None:
        self._paths = [path for path in paths if path]
        self._read = read
        self._told = told
        self._lock = threading.Lock()
        self._problem = ""
        self._stamps = self._look()
        self.held = read()

    def refresh(self) -> bool:
        """Reads the files if they have changed; whether there is something new."""
        with self._lock:
            stamps = self._look()
            if stamps == self._stamps:
                self._problem = ""
                return False
            try:
                found = self._read()
            except OSError as error:
                # It may pass without a change of the files, as where too many are open: so it is tried again.
                if str(error) != self._problem:
                    logger.error("%s: %s", self._told, error)
                self._problem = str(error)
                return False
            except ValueError as error:
                logger.error("%s: %s", self._told, error)
                self._stamps = stamps
                return False
            if self._look() != stamps:
                return False  # They are still being written: the next look reads them.
            self.held, self._stamps, self._problem = found, stamps, ""
            return True

    def _look(self) -> list[Stamp | None]:
        return [stamp_of(path) for path in self._paths]
