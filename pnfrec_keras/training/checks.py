"""What has to hold before a training and while it runs: data that there is something to learn from, a finite loss."""

import dataclasses
import math
from typing import Any

import keras
import tensorflow as tf

from pnfrec_core.kinds import check_kind
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.examples.batch import DISLIKED, MIXED
from pnfrec_keras.examples.of_catalogue import check_examples, check_items, check_padding
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.of_keras import check_trainable
from pnfrec_keras.ranking.trend import trend_of
from pnfrec_keras.training.warm import WarmStart

_READ_WITH = (
    "read the training data with `{}=True` of `pnfrec_keras.examples.records.read_training`, from records of the "
    "pipeline. `arrays_from_frame` has none."
)
_STRATEGIES = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)
_OF_A_TABLE = "`arrays_from_frame` makes the vocabulary, the training and the validation data of a table."


class StopOnNan(keras.callbacks.Callback):
    """A loss that is not a number never becomes one again: an error now beats a useless model later."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            msg = (
                f"The training loss became {loss} in epoch {epoch + 1}. Lower `training.learning_rate` or "
                "`model.beta`, or use `training.precision: float32`."
            )
            raise FloatingPointError(msg)


def check_kinds(model: Any, training_data: Any, validation_data: Any, config: Any, initial: Any) -> None:
    """Raises a TypeError where `fit` is given something else than it takes, such as a frame."""
    for name, value, kind in (
        ("model", model, PNFRec),
        ("training_data", training_data, TrainingArrays),
        ("validation_data", validation_data, EvaluationArrays),
        ("config", config, TrainingConfig),
        *([] if initial is None else [("initial", initial, WarmStart)]),
    ):
        check_kind(name, "`fit`", value, kind, _OF_A_TABLE)


def check_config(config: TrainingConfig, model: PNFRec) -> None:
    """Raises a ValueError where settings are others than those that a model was made or compiled with, and so idle.

    Those that stand at their defaults ask for nothing.
    """
    spread = isinstance(model.distribute_strategy, _STRATEGIES)
    has: dict[str, Any] = {"k": model.k, "precision": model.dtype_policy.name}
    has["strategy"] = config.strategy if spread else TrainingConfig.strategy
    if model.compiled:
        # With mixed_float16 it is inside that of the scaled loss.
        optimizer: Any = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        has["learning_rate"] = float(tf.convert_to_tensor(optimizer.learning_rate))
        has["average_epochs"] = config.average_epochs if optimizer.use_ema else 0.0
        has["jit_compile"] = model.jit_compile
    asked = {name: getattr(config, name) for name in has}
    idle = [
        name
        for name, value in asked.items()
        if value != getattr(TrainingConfig, name) and not (value == has[name] or _are_near(value, has[name]))
    ]
    if idle:
        said = ", ".join(f"{name} {asked[name]} (it has {has[name]})" for name in idle)
        msg = f"The model was made or compiled with other settings, so that these would do nothing: {said}."
        raise ValueError(msg)


def _are_near(value: Any, other: Any) -> bool:
    """Whether two numbers are one but for the digits that float32 keeps."""
    return isinstance(value, float) and math.isclose(value, other, rel_tol=1e-6)


def check_training(training_data: TrainingArrays, model: PNFRec) -> TrainingArrays:
    """The sequences as a model learns from them: with the places of dislikes only where it reads these.

    Raises:
        ValueError: No weight may be trained; or it cannot learn from them: they are too short, of another catalogue or
            another `max_length` than the model, or lack margins or places that it reads.
    """
    check_trainable(model)
    items = training_data.mixed if model.reads == MIXED else training_data.positive
    if items is None:
        msg = "This variant reads the mixed history: read the training data with `mixed=True`."
        raise ValueError(msg)
    _check_sequences(training_data, model)
    if not (items[:, 1:] > 0).any():
        msg = (
            "No training user has two items in a sequence: there is no next item to learn. Check `feedback.positive` "
            "(is the threshold too high?) and the filters."
        )
        raise ValueError(msg)
    training_data = _dislikes_for(model.config, training_data)
    if model.config.soft_boundary:
        _check_margins(training_data, model.reads)
    return training_data


def check_validation(validation_data: EvaluationArrays, num_items: int) -> None:
    """Raises a ValueError where no example can say when to stop, or they are of another catalogue than the model's."""
    check_examples(validation_data, num_items)
    if not validation_data.is_positive.any():
        msg = (
            "The validation split has no positive target, which early stopping needs. Check "
            "`feedback.split`, `feedback.test_quantile` and `feedback.positive`."
        )
        raise ValueError(msg)


def set_trend(model: PNFRec, training_data: TrainingArrays) -> TrainingArrays:
    """Gives the model the trends of its sequences, and returns the data with the periods of these trends."""
    days = training_data.days or {}
    if missing := [name for name in model.trend_weights if name not in days]:
        msg = (
            f"`model.trend_days` needs the times of interactions, and the {' and the '.join(missing)} sequences have "
            f"none: {_READ_WITH.format('days')}"
        )
        raise ValueError(msg)
    end = max(float(when.max(initial=0.0)) for when in days.values())
    trends = {
        name: trend_of(getattr(training_data, name), days[name], model.num_items, model.trend_days, end)
        for name in model.trend_weights
    }
    model.set_trend(trends)
    # What was chosen when something was disliked, too, where the model learns from that.
    of = {name: name for name in trends} | ({DISLIKED: model.reads} if DISLIKED in days else {})
    return dataclasses.replace(training_data, periods={name: trends[of[name]].periods(days[name]) for name in of})


def _dislikes_for(config: ModelConfig, training_data: TrainingArrays) -> TrainingArrays:
    if not config.places_dislikes:
        return dataclasses.replace(training_data, disliked=None, disliked_at=None)
    if training_data.disliked is None:
        msg = (
            "`model.eta` and `model.preference` need the places of dislikes: read the training data with "
            "`dislikes=True`."
        )
        raise ValueError(msg)
    if not training_data.disliked.any():
        msg = (
            "No training user has a dislike after a like, so that `model.eta` and `model.preference` would do nothing. "
            "Check `feedback.positive` (is any value below the threshold?), or set both to 0."
        )
        raise ValueError(msg)
    return training_data


def _check_margins(training_data: TrainingArrays, sequence: str) -> None:
    margins = training_data.margins or {}
    wanted = [sequence] if training_data.disliked is None else [sequence, DISLIKED]
    if not margins.keys() >= set(wanted):
        msg = f"`model.soft_boundary` needs the margins of interactions: {_READ_WITH.format('margins')}"
        raise ValueError(msg)
    if not margins[sequence][:, 1:].any():
        msg = (
            "All values to learn from lie on the boundary, so that with `model.soft_boundary` none would count. Check "
            "`feedback.positive` (is any value below the threshold?), or set `model.soft_boundary: 0`."
        )
        raise ValueError(msg)


def _check_sequences(training_data: TrainingArrays, model: PNFRec) -> None:
    """Raises a ValueError where the data are of another catalogue or another `max_length` than the model."""
    length = model.config.max_length
    lengths = {"positive": length + 1, "negative": length + 1, "mixed": 2 * length + 1, DISLIKED: length}
    for name, wanted in lengths.items():
        sequence = getattr(training_data, name)
        if sequence is None:
            continue
        check_items(sequence, model.num_items, f"The {name} sequences of the training data")
        check_padding(sequence, f"The {name} sequences of the training data")
        if sequence.shape[1] != wanted:
            msg = (
                f"The {name} sequences of the training data are {sequence.shape[1]} long, and a model of `max_length` "
                f"{length} needs {wanted}: from shorter ones it would not learn all positions that it ranks by. Make "
                "model and data with one `max_length`."
            )
            raise ValueError(msg)
