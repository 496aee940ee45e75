"""Trained models on disk, each trained once for all arms and studies that need it."""

import dataclasses
import json
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pnfrec_core import schema
from pnfrec_core.arrays import read_arrays
from pnfrec_core.files import put, write
from pnfrec_core.locks import making
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from studies.outputs import TRAINING_FACTS, TRAINING_WEIGHTS

Progress = Callable[[int, dict[str, float]], None]


class DamagedTrainingError(ValueError):
    """What was kept of a training cannot be read."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model with the weights of its best epoch.

    Attributes:
        model: The model.
        facts: `best_epoch`, `epochs`, `history` (logs of each epoch), `training_seconds` (with those before a cut, up
            to the last whole epoch) and `training_peak_gib`.
    """

    model: PNFRec
    facts: dict[str, Any]


def trained(
    folder: Path, data: Path, model_config: ModelConfig, training: TrainingConfig, progress: Progress
) -> Trained:
    """The model in `folder`, trained now unless it is there; the folder appears complete or not at all.

    Args:
        folder: Named by everything that the training depends on (`Trial.training_key`).
        data: Prepared examples and vocabulary.
        model_config: The network.
        training: How it is fitted.
        progress: Called after each epoch.

    Raises:
        DamagedTrainingError: The folder holds something else than it was left with.
    """
    from pnfrec_keras.network.weights import set_named_weights
    from pnfrec_keras.training.build import build_model

    vocabulary = Vocabulary.read(data / "vocabulary" / schema.VOCABULARY_FILE)
    # For whoever else trains the same: a trial outlives a study that was killed, and studies share trainings.
    with making(folder):
        if not folder.is_dir():
            _train(folder, data, vocabulary, model_config, training, progress)
    model = build_model(len(vocabulary), model_config, training)
    model.set_popularity(vocabulary.popularity())
    try:
        set_named_weights(model, read_arrays(folder / TRAINING_WEIGHTS))
        return Trained(model, json.loads((folder / TRAINING_FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        msg = (
            f"{folder}: the training that is kept there is damaged ({error}). Remove the folder: the next call of the "
            "study trains it anew"
        )
        raise DamagedTrainingError(msg) from error


class _Clock:
    """Seconds of work up to the end of each epoch, those before a cut included."""

    def __init__(self, file: Path, progress: Progress) -> None:
        self._file, self._progress = file, progress
        self._before = float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
        self._begin = time.perf_counter()

    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._begin

    def __call__(self, epoch: int, logs: dict[str, float]) -> None:
        # In one step: what is killed here must not find half a number afterwards.
        write(self._file, f"{self.seconds()}")
        self._progress(epoch, logs)


def _train(
    folder: Path,
    data: Path,
    vocabulary: Vocabulary,
    model_config: ModelConfig,
    training: TrainingConfig,
    progress: Progress,
) -> None:
    from pnfrec_keras.examples.records import needs_of, read_evaluation, read_training
    from pnfrec_keras.network.weights import get_named_weights
    from pnfrec_keras.training.fitting import train

    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    clock = _Clock(partial / "seconds", progress)
    examples = str(data / "Split-train" / "*")
    result = train(
        len(vocabulary),
        read_training(examples, vocabulary, model_config.max_length, **needs_of(model_config)),
        read_evaluation(str(data / f"Split-{schema.VALIDATION_SPLIT}" / "*"), vocabulary, model_config.max_length),
        model_config,
        training,
        state_dir=partial / "state",
        popularity=vocabulary.popularity(),
        progress=clock,
    )
    facts = {
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        "history": [{name: float(value) for name, value in epoch.items()} for epoch in result.history],
        "training_seconds": clock.seconds(),
        "training_peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    np.savez(partial / TRAINING_WEIGHTS, **get_named_weights(result.model))  # type: ignore[arg-type]
    (partial / TRAINING_FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(partial / "state", ignore_errors=True)
    (partial / "seconds").unlink(missing_ok=True)
    put(partial, folder)
