"""Which files FeedbackGen reads, and what they hold: part of its cache key."""

import hashlib
import json
from collections.abc import Sequence

from components.feedback.config import FeedbackConfig
from components.feedback.reading.files import is_remote
from components.feedback.reading.steady import paths_of
from components.feedback.reading.stores import contents
from pnfrec_core.errors import FeedbackError
from pnfrec_core.provenance import data_digest


def inventory(config: FeedbackConfig) -> str:
    """A digest of path and content of every file that the settings name; of a remote one, of what its store says of it.

    TFX's own fingerprint takes the sum of the sizes and whole seconds, and its globs know no `**`: a renamed file,
    which changes the order of ties, or a changed one in a sub-folder would go unnoticed.

    Returns:
        Hexadecimal; of nothing where a file is missing, which the run itself reports.
    """
    try:
        files = paths_of(config)
    except FeedbackError:
        return _digest([])
    remote = contents([file for file in files if is_remote(file)])
    return _digest([[file, remote[file].text if file in remote else data_digest([file])] for file in files])


def _digest(contents: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()


def is_current(config: FeedbackConfig, recorded: str) -> bool:
    """Whether the files are still those that a result is recorded under.

    Args:
        config: The settings.
        recorded: What `inventory` said of them when the run was set up; "" where it was not asked.
    """
    return not recorded or inventory(config) == recorded
