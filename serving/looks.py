"""What each look at a serving folder reads: the versions, and the marks beside them."""

import logging
from pathlib import Path

from pnfrec_core import model_marks
from pnfrec_core.model_marks import Marks, MarksError
from serving import folders

logger = logging.getLogger(__name__)


class FolderReader:
    """The versions of a serving folder, complete or not."""

    def __init__(self, base: Path, poll_seconds: float) -> None:
        self._base = base
        self._poll_seconds = poll_seconds
        self._problem = ""

    def read(self) -> dict[int, Path] | None:
        """Version folders by number, or None if the base cannot be read."""
        try:
            found = folders.version_folders(self._base)
        except OSError as error:
            if str(error) != self._problem:
                logger.warning("Cannot read the model folder: %s. Looking again every %g s.", error, self._poll_seconds)
            self._problem = str(error)
            return None
        self._problem = ""
        return found


class MarksReader:
    """The marks of a serving folder, read again with each look at it.

    A file that is damaged leaves the marks as they were read last, and is told once.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._last: Marks | None = None
        self.problem = ""

    def read(self) -> Marks | None:
        """The marks; None where they cannot be read and never were, so that nobody knows what is bad."""
        try:
            self._last = model_marks.read(self._base)
        except MarksError as error:
            if str(error) != self.problem:
                logger.error("%s", error)
            self.problem = str(error)
            return self._last
        if self.problem:
            logger.info("The marks of %s can be read again.", self._base)
        self.problem = ""
        return self._last
