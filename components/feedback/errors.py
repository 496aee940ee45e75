"""The error of FeedbackGen, and how it comes out of a Beam pipeline unharmed."""

import re

# Beam quotes a worker's exception as text inside a RuntimeError and appends the step to its message.
_QUOTED = re.compile(r"FeedbackError: (.+?)(?: \[while running |\n|$)")


class FeedbackError(ValueError):
    """The input or its settings cannot be used. The message is one line: what, where, what was expected, the remedy."""


def feedback_error_within(error: BaseException) -> FeedbackError | None:
    """The FeedbackError that a worker raised, out of the error of the Beam runner; None where there is none."""
    if isinstance(error, FeedbackError):
        return error
    found = _QUOTED.search(str(error))
    return FeedbackError(found.group(1)) if found else None
