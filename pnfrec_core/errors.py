"""The error of feedback that cannot be used, wherever it is read."""

import errno
from collections.abc import Iterator


class FeedbackError(ValueError):
    """The input or its settings cannot be used. The message is one line: what, where, what was expected, the remedy."""


# How the system, and TensorFlow, Arrow, SQLite and Beam's workers in errors of their own, say that a disk is full.
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))
_NO_ROOM_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full")


def is_no_room(error: BaseException) -> bool:
    """Whether an error, or one behind it, comes of a full disk or of a user's share of it."""
    return any(
        (isinstance(each, OSError) and each.errno in _NO_ROOM) or any(words in str(each) for words in _NO_ROOM_WORDS)
        for each in causes(error)
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes. Those of Beam and TFX may be circular."""
    met: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is not None and id(each) not in met:
            met.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]
