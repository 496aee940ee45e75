"""What a result comes from beside its settings: the data and the code. Other ones are another trial, and train anew."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from pnfrec_core.provenance import Code, data_digest

_LIBRARIES = ("keras", "numpy", "tensorflow")
# How a model is exported, and how results are drawn, is no part of these.
EXAMPLES = Code(("components.feedback.run",), "syntax", ("apache-beam", "numpy", "pandas", "pyarrow"))
TRAINING = Code(("studies.run.trained",), "syntax", _LIBRARIES)
TRIAL = Code(("studies.run.trial",), "syntax", _LIBRARIES)


@dataclasses.dataclass(frozen=True)
class Origin:
    """Digests of what is no setting.

    Attributes:
        data: What the feedback files hold, wherever they lie.
        training: Code of the examples and of the training.
        trial: Code of these, and of how a trial ranks with what was trained.
        groups: What the table of titles holds, where items have groups: diversity reads these, and no training does.
    """

    data: str
    training: str
    trial: str
    groups: str = ""


def origin_of(base: str, patterns: Iterable[str], groups: str | None = None) -> Origin:
    """What trials on feedback files come from; a missing file is left to FeedbackGen to name.

    Args:
        base: Folder that the patterns are taken from.
        patterns: `feedback.files`.
        groups: The file that has the groups of items, if there is one.
    """
    data, of_groups = digest_of(base, patterns), "" if groups is None else digest_of(base, [groups])
    training = f"{EXAMPLES.digest()} {TRAINING.digest()}"
    return Origin(data, training, f"{training} {TRIAL.digest()}", of_groups)


def digest_of(base: str, patterns: Iterable[str]) -> str:
    """What the files hold, and what the names of their folders say of them (`column=value`), wherever they lie."""
    from components.feedback.reading.files import path_columns

    files = sorted({file for pattern in patterns for file in _files(base, pattern)})
    of_paths = [path_columns(file) for file in files]
    return data_digest(files) + (json.dumps(of_paths) if any(of_paths) else "")


def _files(base: str, pattern: str) -> list[str]:
    """The files that FeedbackGen reads; the path itself where there is none."""
    from components.feedback.reading.files import absolute, is_remote, match_files
    from pnfrec_core.errors import FeedbackError

    if is_remote(path := absolute(base, pattern)):
        # Counts by its name: nobody asks the store for it here.
        return [path]
    try:
        return match_files(base, pattern, "feedback.files")
    except FeedbackError:
        return [str(Path(base, pattern))]
