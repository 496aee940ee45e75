"""The error of FeedbackGen, and how it comes out of a Beam pipeline unharmed."""

import re

from pnfrec_core.errors import FeedbackError

# Beam appends the step to the message of a worker's exception; from another process it comes as text in a RuntimeError.
_STEP = re.compile(r" \[while running .*", re.DOTALL)
_QUOTED = re.compile(r"FeedbackError: (.+)")


def feedback_error_within(error: BaseException) -> FeedbackError | None:
    """The FeedbackError that a worker raised, out of the error of the Beam runner and without its additions.

    Args:
        error: What the runner raised.

    Returns:
        A new error without causes; None if `error` is about something else.
    """
    message = str(error)
    if not isinstance(error, FeedbackError):
        found = _QUOTED.search(message)
        if found is None:
            return None
        message = found[1]
    return FeedbackError(_STEP.sub("", message))
