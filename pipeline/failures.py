"""The one sentence that a user needs of an exception that came through Beam and TFX."""

import re

# What Beam appends to a worker's message.
_BEAM_SUFFIX = re.compile(r"\s*\[while running '.*?'\]", re.DOTALL)
# Beam puts a worker's traceback into the message of a RuntimeError, its last line being the error itself.
_LAST_LINE = re.compile(r"^(?:[\w.]*\.)?(\w+(?:Error|Exception)): (.*)\Z", re.DOTALL | re.MULTILINE)


def root_cause(error: BaseException) -> str:
    """The message of the first cause, without Beam's wrapping."""
    while error.__cause__ is not None or (error.__context__ is not None and not error.__suppress_context__):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = _BEAM_SUFFIX.sub("", str(error)).strip()
    if "Traceback (most recent call last)" in text:
        found = list(_LAST_LINE.finditer(text))
        text = found[-1].group(2).strip() if found else text
    return text or type(error).__name__
