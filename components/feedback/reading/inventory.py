"""Which files FeedbackGen reads, and in which state: part of its cache key."""

import hashlib
import os

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.files import absolute, expand_files, is_remote


def inventory(config: FeedbackConfig) -> str:
    """A digest of path, size and time of change of every local file that the settings name.

    TFX's own fingerprint takes the sum of the sizes and whole seconds, and its globs know no `**`: a renamed file,
    which changes the order of ties, or a changed one in a sub-folder would go unnoticed.

    Returns:
        Hexadecimal; of nothing where a file is missing, which the run itself reports.
    """
    digest = hashlib.sha256()
    try:
        files = expand_files(config)
    except FeedbackError:
        return digest.hexdigest()
    if config.titles is not None:
        files = [*files, absolute(config.base, config.titles.file)]
    for file in files:
        if not is_remote(file) and os.path.isfile(file):
            state = os.stat(file)
            digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
