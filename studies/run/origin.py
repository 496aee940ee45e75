"""What a result comes from beside its settings: the data and the code. Other ones are another trial, and train anew."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from pnfrec_core.provenance import Code, data_digest, matches

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
    """

    data: str
    training: str
    trial: str


def origin_of(base: str, patterns: Iterable[str]) -> Origin:
    """What trials on feedback files come from; a missing file is left to FeedbackGen to name.

    Args:
        base: Folder that the patterns are taken from.
        patterns: `feedback.files`.
    """
    data = data_digest(matches(str(Path(base, pattern)) for pattern in patterns))
    training = f"{EXAMPLES.digest()} {TRAINING.digest()}"
    return Origin(data, training, f"{training} {TRIAL.digest()}")
