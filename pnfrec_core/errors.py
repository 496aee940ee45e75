"""The error of feedback that cannot be used, wherever it is read."""


class FeedbackError(ValueError):
    """The input or its settings cannot be used. The message is one line: what, where, what was expected, the remedy."""
