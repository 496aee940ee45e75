"""Why a trial failed, in a sentence, from how its process ended."""

import re
import signal
import textwrap
from typing import Final

# Folder of a study for what each trial that failed wrote last. It is not among `studies.outputs`, where a new name
# would have all stored trials run anew.
FAILURES: Final = "failures"
_TRACEBACK = "Traceback (most recent call last):\n"
# What follows the indented lines of a traceback: the name of the error, and its message unless that is empty.
_ERROR = re.compile(r"^(?:[A-Za-z_][\w.]*: )?(?=\S)", re.MULTILINE)
_MOST_LETTERS = 400


class TrialError(RuntimeError):
    """A trial failed.

    Args:
        message: Names the trial, and ends with what it wrote last.
        reason: One or two sentences on why.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ServerError(RuntimeError):
    """No trial can be run: there is nothing that they could be forked from. The message says why."""


def reason(status: int, errors: str) -> str:
    """Why a process failed.

    Args:
        status: Its exit status; below 0 the signal that ended it.
        errors: What it wrote to stderr.
    """
    if status < 0:
        return _killed(-status)
    _, traceback, last = errors.rpartition(_TRACEBACK)
    error = _ERROR.search(last) if traceback else None
    lines = errors.strip().splitlines()
    text = last[error.end() :] if error else lines[-1] if lines else f"It ended with status {status}."
    return textwrap.shorten(text, _MOST_LETTERS, placeholder=" ...")


def _killed(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        return (
            f"It was killed ({name}), as the system does when memory runs out. Run fewer trials at once (`--jobs`), "
            "lower `training.batch_size`, or use a machine with more memory."
        )
    return f"It was killed ({name})."
