"""Types of what somebody gives in a script. No dependency."""

from typing import Any


def check_kind(name: str, of: str, value: Any, kind: type, remedy: str = "") -> None:
    """Raises a TypeError where a value is of another type.

    Args:
        name: Of the argument.
        of: What takes it, such as "an export".
        value: What was given.
        kind: The type that it must have.
        remedy: A sentence on where one comes from.

    >>> check_kind("model", "an export", "my_model", int)
    Traceback (most recent call last):
    TypeError: `model` of an export must be of the type int. Received: str.
    """
    if not isinstance(value, kind):
        msg = f"`{name}` of {of} must be of the type {kind.__name__}. Received: {type(value).__name__}."
        raise TypeError(f"{msg} {remedy}".rstrip())
