"""Counts that somebody gives in a script. No dependency."""

import numbers
from typing import Any


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """The value as an int, of whichever type of whole numbers it is.

    Args:
        name: Of the argument, for the message.
        value: What was given.
        least: The smallest that can be meant.

    Raises:
        ValueError: It is no whole number, or below `least`.

    >>> whole_number("k", 10)
    10
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        msg = f"`{name}` must be a whole number of at least {least}. Received: {value!r}."
        raise ValueError(msg)
    return int(value)
