"""The one sentence that a user needs of an exception that came through Beam and TFX."""

import re
from pathlib import Path

# What Beam appends to a worker's message.
_BEAM_SUFFIX = re.compile(r"\s*\[while running '.*?'\]", re.DOTALL)
# Beam puts a worker's traceback into the message of a RuntimeError; its last line begins with the error itself.
_ERROR_NAME = re.compile(r"^(?:[\w.]*\.)?\w+(?:Error|Exception): ", re.MULTILINE)

_ROOT = Path(__file__).resolve().parent.parent
_OUR_FOLDERS = {
    path.parent
    for name in ("components", "pipeline", "pnfrec_core", "pnfrec_keras", "serving")
    for path in (_ROOT / name).rglob("*.py")
}


def root_cause(error: BaseException) -> str:
    """What this project says of an error, or else the message of its first cause, without Beam's wrapping."""
    error = _root(error)
    text = _BEAM_SUFFIX.sub("", str(error)).strip()
    if "Traceback (most recent call last)" in text:
        names = list(_ERROR_NAME.finditer(text))
        text = text[names[-1].end() :].strip() if names else text
    return text or type(error).__name__


def name_of_cause(error: BaseException) -> str:
    """The name of the class of the error that `root_cause` speaks of."""
    return type(_root(error)).__name__


def _root(error: BaseException) -> BaseException:
    """The first error of this project in a chain, or else the first cause."""
    # Beam's and TFX's chains of exceptions may be circular.
    met = {id(error)}
    while not _is_ours(error):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in met:
            break
        met.add(id(cause))
        error = cause
    return error


def _is_ours(error: BaseException) -> bool:
    """Whether this project's code raised the exception: then its message was written for the user."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and Path(frame.tb_frame.f_code.co_filename).parent in _OUR_FOLDERS
