"""Where a training leaves its state: a folder named by all that the training depends on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.trainer.choice import MODEL, STATE_DIR, TRAINING, VOCABULARY_KEY
from components.warm.start import WARM
from pnfrec_core import schema
from pnfrec_core.provenance import Code, data_digest, matches, result_name

# Not how the model is exported: an export that failed, and was mended, goes on with the training that it has.
TRAINED = Code(("components.trainer.training",), libraries=("keras", "numpy", "tensorflow"))


def state_dir(settings: Mapping[str, Any], patterns: Sequence[str], initial: str = "") -> Path:
    """Where an interrupted run of the same code with the same settings and data has left its state.

    Args:
        settings: Of `run_fn`.
        patterns: Of the example files, training and validation.
        initial: Folder of the model that the training begins with; "" from scratch.
    """
    vocabulary = Path(settings.get(VOCABULARY_KEY, ""), schema.VOCABULARY_FILE)
    weights = matches([f"{initial}/variables/*", f"{initial}/{schema.EXTRA_ASSETS}/{schema.VOCABULARY_FILE}"])
    files: list[str | Path] = [*matches(patterns), vocabulary, *(weights if initial else [])]
    name = result_name(
        code=TRAINED.digest(),
        data=data_digest(files),
        settings=[settings[MODEL], settings[TRAINING], *([settings[WARM]] if initial else [])],
    )
    return Path(settings[STATE_DIR]) / name[:16]
