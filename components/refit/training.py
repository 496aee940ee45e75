"""Refits a judged model: the same settings, as many steps, all rows."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.trainer.choice import MODEL, TRAINING, with_choice
from components.trainer.exporting import export, versions
from components.trainer.training import read_sequences
from components.warm.start import WARM, warm_start
from pnfrec_core import schema
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary

MANIFEST: Final = f"{schema.EXTRA_ASSETS}/manifest.json"


@dataclasses.dataclass(frozen=True)
class Judged:
    """What a refit takes over from the model that was judged.

    Attributes:
        best_epoch: Of its training.
        steps_per_epoch: Of its training.
        choice: What the Tuner chose for it.
        is_warm: Whether it began with an earlier model; then so does the refit.
    """

    best_epoch: int
    steps_per_epoch: int
    choice: Mapping[str, Any]
    is_warm: bool = False

    @property
    def steps(self) -> int:
        """Until its best epoch was over."""
        return self.best_epoch * self.steps_per_epoch


def read_judged(folder: Path) -> Judged:
    """Reads `manifest.json` of an export.

    Raises:
        ValueError: It does not say how long the model was trained.
    """
    path = folder / MANIFEST
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Judged(int(found["best_epoch"]), int(found["steps_per_epoch"]), found.get("tuner", {}), WARM in found)
    except KeyError as error:
        msg = f"{path} does not say {error}, which a refit needs: train the model again, by --set cache=false."
        raise ValueError(msg) from error


def refit(
    settings: Mapping[str, Any],
    judged: Judged,
    files: Sequence[str],
    vocabulary: Vocabulary,
    target: str,
    state: Path,
    log_dir: str | None = None,
    initial: str = "",
) -> None:
    """Trains and exports.

    Args:
        settings: Of the Trainer: "model", "training", "export", "resolved_config".
        judged: What was judged.
        files: Globs of the examples of everything.
        vocabulary: Their catalogue.
        target: Folder of the SavedModel.
        state: Where an interrupted refit leaves its state.
        log_dir: Where TensorBoard's events go; None writes none.
        initial: Folder of the earlier model that the refit begins with; "" from scratch.

    Raises:
        ValueError: There is nothing to learn from, or the judged model began with an earlier one and there is none that
            the refit could begin with.
    """
    from pnfrec_keras.training.refitting import Schedule, train_steps

    settings = with_choice(settings, judged.choice)
    model_config = ModelConfig(**settings[MODEL])
    start = warm_start(initial, settings[WARM], vocabulary, model_config) if initial else None
    if judged.is_warm and start is None:
        # So few steps from scratch would make no model.
        msg = "The judged model began with an earlier one, and its refit has none: set `training.warm_start: false`."
        raise ValueError(msg)
    data = read_sequences(files, vocabulary, model_config)
    found = train_steps(
        *(len(vocabulary), data, model_config, TrainingConfig(**settings[TRAINING])),
        Schedule(judged.steps, judged.steps_per_epoch),
        state_dir=state,
        log_dir=log_dir,
        popularity=vocabulary.popularity(),
        initial=start,
    )
    facts = {
        "refitted": True,
        "steps": judged.steps,
        "epochs": len(found.losses),
        "training_losses": found.losses[-1],
        "training_users": len(data),
        "items": len(vocabulary),
        "versions": versions(),
        **({"tuner": dict(judged.choice)} if judged.choice else {}),
        **({WARM: {"from": initial}} if initial else {}),
    }
    export(found.model, vocabulary, target, settings, facts)
