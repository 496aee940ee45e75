"""The one sentence that a user needs of an exception that came through Beam and TFX."""

import re

# What Beam appends to a worker's message.
_BEAM_SUFFIX = re.compile(r"\s*\[while running '.*?'\]", re.DOTALL)
# Beam puts a worker's traceback into the message of a RuntimeError; its last line begins with the error itself.
_ERROR_NAME = re.compile(r"^(?:[\w.]*\.)?\w+(?:Error|Exception): ", re.MULTILINE)


def root_cause(error: BaseException) -> str:
    """The message of the first cause, without Beam's wrapping."""
    while error.__cause__ is not None or (error.__context__ is not None and not error.__suppress_context__):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = _BEAM_SUFFIX.sub("", str(error)).strip()
    if "Traceback (most recent call last)" in text:
        names = list(_ERROR_NAME.finditer(text))
        text = text[names[-1].end() :].strip() if names else text
    return text or type(error).__name__
