"""Fits a PNFRec: seeds, strategy, precision, early stopping with the best weights, resume, TensorBoard."""

import dataclasses
import functools
import logging
import math
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pnfrec_core import events
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import (
    EvaluationArrays,
    TrainingArrays,
    evaluation_dataset,
    even_batches,
    steps_per_epoch,
    training_dataset,
)
from pnfrec_keras.network.model import MIXED, POSITIVE, PNFRec
from pnfrec_keras.ranking.trend import trend_of
from pnfrec_keras.training.callbacks import (
    AveragedWeights,
    EpochProgress,
    Patience,
    Progress,
    ReportedProgress,
    ResumableState,
    start_averages,
)

MONITOR = "val_ndcg_p"

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """A fitted model, with the weights of its best epoch.

    Attributes:
        model: The model.
        history: One dict of losses and measures an epoch.
        best_epoch: From 1.
        resumed_from: Epochs that an earlier, interrupted run had done.
    """

    model: PNFRec
    history: list[dict[str, float]]
    best_epoch: int
    resumed_from: int


def build_model(
    num_items: int, model_config: ModelConfig, training: TrainingConfig, steps: int | None = None
) -> PNFRec:
    """A compiled model under the strategy and precision of the settings.

    Args:
        num_items: Size of the catalogue.
        model_config: The network.
        training: How it is fitted.
        steps: Of an epoch, which `average_epochs` counts in; None: to rank, without an average.
    """
    average: dict[str, Any] = {}
    if training.average_epochs and steps:
        average = {"use_ema": True, "ema_momentum": math.exp(-1.0 / (training.average_epochs * steps))}
    with make_strategy(training.strategy).scope():
        model = PNFRec(num_items, **dataclasses.asdict(model_config), k=training.k, dtype=training.precision)
        optimizer = keras.optimizers.Adam(training.learning_rate, **average)
        model.compile(optimizer=optimizer, jit_compile=training.jit_compile)
        # Its variables must exist before a state can be restored into them.
        model.optimizer.build(model.trainable_variables)
        if average:
            start_averages(model)
    return model


def make_strategy(name: str) -> Any:
    """The `tf.distribute` strategy of a setting: "none" or "mirrored".

    Raises:
        ValueError: Unknown name.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    msg = f"`training.strategy` must be 'none' or 'mirrored'. Received: {name!r}."
    raise ValueError(msg)


def fit(
    num_items: int,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays,
    model_config: ModelConfig,
    training: TrainingConfig,
    *,
    state_dir: str | Path,
    log_dir: str | Path | None = None,
    popularity: Any = None,
    progress: Progress | None = None,
    report: events.Report | None = None,
    verbose: int | str = 0,
) -> TrainingResult:
    """Trains until validation NDCG@k of the positive group has not risen for `patience` epochs.

    It does not stop before `min_epochs`, and after `epochs` in any case.

    Args:
        num_items: Size of the catalogue.
        training_data: Sequences of the training users.
        validation_data: Its positive targets decide when to stop: full catalogue, seen items filtered.
        model_config: The network.
        training: How it is fitted.
        state_dir: Where an interrupted run leaves its state, and finds it again: name it by the settings and the data.
            A finished run stays there too until `discard_state`, which is to be called once its model is safe.
        log_dir: Where TensorBoard events go; none are written without it.
        popularity: (num_items + 1,), `Vocabulary.popularity`: ranks items for validation users without a known
            positive item, as the export does.
        progress: Called after each epoch with its number, from 1, and its losses and measures.
        report: Gets what happens as events: what is trained, that the first step is compiled, each epoch, the best. By
            default they are logged.
        verbose: Of Keras' own progress bar.

    Raises:
        ValueError: Validation has no positive target, or training no pair of neighbours to learn from, or not the
            margins or the times that `model.soft_boundary` or `model.trend_days` need.
        FloatingPointError: The loss is not a number any more.
    """
    report = report or functools.partial(events.report, log)
    _check_data(training_data, validation_data, variant_of(model_config.variant).mixed)
    if model_config.soft_boundary:
        _check_margins(training_data, MIXED if variant_of(model_config.variant).mixed else POSITIVE)
    keras.utils.set_random_seed(training.seed)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    steps = steps_per_epoch(training_data, training.batch_size)
    model = build_model(num_items, model_config, training, steps)
    if popularity is not None:
        model.set_popularity(popularity)
    if model_config.trend_days:
        training_data = _set_trend(model, training_data)
    early_stopping = Patience(MONITOR, training.patience, training.min_epochs)
    state = ResumableState(state_dir, early_stopping)
    first_epoch = state.restore(model)
    averaged = [AveragedWeights()] if training.average_epochs else []
    report(_started(num_items, training_data, validation_data, model_config, first_epoch))
    callbacks: list[Any] = [_StopOnNan(), early_stopping, *averaged, state]
    callbacks.append(ReportedProgress(report, training.epochs, steps))
    if progress is not None:
        callbacks.append(EpochProgress(progress))
    if log_dir is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(log_dir), write_graph=False))
    if state.is_finished(training.epochs):
        state.restore_best_weights(model)
    else:
        replicas = model.distribute_strategy.num_replicas_in_sync
        batches = training_dataset(training_data, training.batch_size, training.seed, first_epoch, training.epochs)
        validation = evaluation_dataset(validation_data, training.evaluation_batch_size)
        model.fit(
            even_batches(batches, replicas),
            steps_per_epoch=steps,
            initial_epoch=first_epoch,
            epochs=training.epochs,
            validation_data=even_batches(validation, replicas),
            callbacks=callbacks,
            verbose=verbose,
        )
    history = state.history
    best_epoch = 1 + max(range(len(history)), key=lambda epoch: history[epoch][MONITOR])
    best = history[best_epoch - 1][MONITOR]
    report(events.TrainingDone(len(history), best_epoch, best))
    return TrainingResult(model, history, best_epoch, first_epoch)


def _started(
    num_items: int,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays,
    model_config: ModelConfig,
    epochs_done: int,
) -> events.TrainingStarted:
    """What is about to be trained, for the reader of the log or the terminal."""
    variant = variant_of(model_config.variant)
    settings: dict[str, str | float] = {
        "variant": model_config.variant,
        "width": model_config.dim,
        "blocks": model_config.num_blocks,
        "histories of up to": model_config.max_length,
    }
    optional = {
        "alpha": model_config.alpha if variant.negative_loss else 0,
        "beta": model_config.beta if variant.contrastive else 0,
        "soft boundary": model_config.soft_boundary,
        "trend days": model_config.trend_days,
    }
    settings |= {name: value for name, value in optional.items() if value}
    if variant.mixed:
        sequences = [training_data.mixed]
    else:
        reads_negatives = optional["alpha"] or optional["beta"]
        sequences = [training_data.positive, training_data.negative if reads_negatives else None]
    return events.TrainingStarted(
        settings=settings,
        users=len(training_data),
        interactions=sum(int(np.count_nonzero(items)) for items in sequences if items is not None),
        items=num_items,
        validation_examples=len(validation_data),
        epochs_done=epochs_done,
    )


def _set_trend(model: PNFRec, training_data: TrainingArrays) -> TrainingArrays:
    """Gives the model the trends of its sequences, and returns the data with the periods of these trends."""
    days = training_data.days or {}
    if missing := [name for name in model.trend_weights if name not in days]:
        msg = (
            f"`model.trend_days` needs the times of interactions, and the {' and the '.join(missing)} sequences have "
            "none: read the training data with `days=True`."
        )
        raise ValueError(msg)
    end = max(float(when.max(initial=0.0)) for when in days.values())
    trends = {
        name: trend_of(getattr(training_data, name), days[name], model.num_items, model.trend_days, end)
        for name in model.trend_weights
    }
    model.set_trend(trends)
    return dataclasses.replace(training_data, periods={name: trends[name].periods(days[name]) for name in trends})


def discard_state(state_dir: str | Path) -> None:
    """Removes what `fit` left for a resume: the model is safe elsewhere."""
    shutil.rmtree(state_dir, ignore_errors=True)


class _StopOnNan(keras.callbacks.Callback):
    """A loss that is not a number never becomes one again: an error now beats a useless model later."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            msg = (
                f"The training loss became {loss} in epoch {epoch + 1}. Lower `training.learning_rate` or "
                "`model.beta`, or use `training.precision: float32`."
            )
            raise FloatingPointError(msg)


def _check_margins(training_data: TrainingArrays, sequence: str) -> None:
    margins = (training_data.margins or {}).get(sequence)
    if margins is None:
        msg = "`model.soft_boundary` needs the margins of interactions: read the training data with `margins=True`."
        raise ValueError(msg)
    if not margins[:, 1:].any():
        msg = (
            "All values to learn from lie on the boundary, so that with `model.soft_boundary` none would count. Check "
            "`feedback.positive` (is any value below the threshold?), or set `model.soft_boundary: 0`."
        )
        raise ValueError(msg)


def _check_data(training_data: TrainingArrays, validation_data: EvaluationArrays, mixed: bool) -> None:
    items = training_data.mixed if mixed else training_data.positive
    if items is None:
        msg = "This variant reads the mixed history: read the training data with `mixed=True`."
        raise ValueError(msg)
    if not (items[:, 1:] > 0).any():
        msg = (
            "No training user has two items in a sequence: there is no next item to learn. Check `feedback.positive` "
            "(is the threshold too high?) and the filters."
        )
        raise ValueError(msg)
    if not validation_data.is_positive.any():
        msg = (
            "The validation split has no positive target, which early stopping needs. Check "
            "`feedback.split`, `feedback.test_quantile` and `feedback.positive`."
        )
        raise ValueError(msg)
