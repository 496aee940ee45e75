"""Whether the input stays what it is while it is read: half of one file and half of its next version are neither."""

import os
from typing import TYPE_CHECKING

from components.feedback.reading.files import absolute, is_remote, match_files
from components.feedback.reading.input_files import expand_files
from components.feedback.reading.stores import contents
from pnfrec_core.errors import FeedbackError

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig

_REMEDY = (
    "Nothing is made of it. Have files written under another name and renamed when they are complete, and run again."
)


def paths_of(config: "FeedbackConfig") -> list[str]:
    """All files that the settings name, in order, with that of the titles last.

    Raises:
        FeedbackError: As `find_input` does.
    """
    paths = expand_files(config)
    if config.titles is not None:
        # A glob or a folder may stand for it too. One that is missing is told by who reads it.
        name = config.titles.file
        try:
            paths += match_files(config.base, name, "feedback.titles.file")
        except FeedbackError:
            paths.append(absolute(config.base, name))
    return paths


class SteadyInput:
    """The files of the input as they are at one moment, before anything of them is read."""

    def __init__(self, config: "FeedbackConfig") -> None:
        """Looks at the files, not into them.

        Raises:
            FeedbackError: As `find_input` does.
        """
        self._states = _states(paths_of(config))

    def check(self) -> None:
        """Checks that each is still what it was; call it when all is read.

        Raises:
            FeedbackError: One has changed, was replaced, or is gone.
        """
        for path, state in _states(list(self._states)).items():
            if state != self._states[path]:
                what = "is gone since the run began to read it" if state == _GONE else "has changed while it was read"
                msg = f"{path}: the file {what}. {_REMEDY}"
                raise FeedbackError(msg)


_GONE = "gone"


def _states(paths: list[str]) -> dict[str, object]:
    """What each file is told by: size, time of the last change and number; in a store, what the store says."""
    remote = contents([path for path in paths if is_remote(path)])
    return {path: remote[path].text if path in remote else _state(path) for path in paths}


def _state(path: str) -> object:
    try:
        # Of the file that a link leads to. The time of the last change of anything is left out: it moves with each
        # hard link and each change of permissions.
        found = os.stat(path)
    except FileNotFoundError:
        return _GONE
    return found.st_size, found.st_mtime_ns, found.st_ino
