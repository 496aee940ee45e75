"""Which files of a `Model` artifact the Evaluator loads. No TFX, so that the command can ask for them at once."""

import os
from collections.abc import Callable
from typing import Final

# Of the artifact's folder, as TFX names it.
SERVING: Final = "Format-Serving"
SAVED_MODEL: Final = "saved_model.pb"
_FILES: Final = (SAVED_MODEL, os.path.join("variables", "variables.index"))


def is_whole(uri: str, exists: Callable[[str], bool]) -> bool:
    """Whether the files are still there: somebody may have deleted a model to win room.

    Args:
        uri: Where the artifact lies.
        exists: Whether there is a file of that path.
    """
    return all(exists(os.path.join(uri, SERVING, file)) for file in _FILES)
