"""Fits a PNFRec: seeds, strategy, precision, early stopping with the best weights, resume, TensorBoard."""

import dataclasses
import functools
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from pnfrec_core import events
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import (
    EvaluationArrays,
    TrainingArrays,
    steps_per_epoch,
)
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.averages import AveragedWeights, has_averages, start_averages
from pnfrec_keras.training.build import begin, build_model, compile_model, make_deterministic
from pnfrec_keras.training.checks import (
    StopOnNan,
    check_config,
    check_kinds,
    check_training,
    check_validation,
    set_trend,
)
from pnfrec_keras.training.epochs import Epochs
from pnfrec_keras.training.patience import Patience
from pnfrec_keras.training.progress import EpochProgress, Progress, ReportedProgress, training_started
from pnfrec_keras.training.warm import WarmStart

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


# Settings that a model has already where `fit` gets it.
_OF_THE_MODEL = ("k", "precision", "strategy")
_OF_THE_OPTIMIZER = ("average_epochs", "jit_compile", "learning_rate")


def train(
    num_items: int,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays,
    model_config: ModelConfig,
    training: TrainingConfig,
    *,
    state_dir: str | Path,
    log_dir: str | Path | None = None,
    popularity: Any = None,
    initial: WarmStart | None = None,
    progress: Progress | None = None,
    report: events.Report | None = None,
    verbose: int | str = 0,
) -> TrainingResult:
    """Makes a model from settings and fits it (`fit`). The seed decides all of it: weights, order, dropout.

    Args:
        num_items: Size of the catalogue.
        training_data: Sequences of the training users.
        validation_data: Its positive targets decide when to stop: full catalogue, seen items filtered.
        model_config: The network.
        training: How it is fitted.
        state_dir: As of `fit`.
        log_dir: As of `fit`.
        popularity: (num_items + 1,), `Vocabulary.popularity`: ranks items for validation users without a known
            positive item, as the export does.
        initial: As of `fit`.
        progress: As of `fit`.
        report: As of `fit`.
        verbose: As of `fit`.

    Raises:
        ValueError: As of `fit`.
        FloatingPointError: As of `fit`.
    """
    begin(training)
    steps = steps_per_epoch(training_data, training.batch_size)
    model = build_model(num_items, model_config, training, steps)
    if popularity is not None:
        model.set_popularity(popularity)
    return fit(
        *(model, training_data, validation_data, training),
        initial=initial,
        state_dir=state_dir,
        log_dir=log_dir,
        progress=progress,
        report=report,
        verbose=verbose,
    )


def fit(
    model: PNFRec,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays,
    config: TrainingConfig | None = None,
    *,
    initial: WarmStart | None = None,
    state_dir: str | Path | None = None,
    log_dir: str | Path | None = None,
    progress: Progress | None = None,
    report: events.Report | None = None,
    verbose: int | str = "auto",
    own_rows: bool = False,
    **settings: Any,
) -> TrainingResult:
    """Trains until validation NDCG@k of the positive group has not risen for `patience` epochs.

    It does not stop before `min_epochs`, and after `epochs` in any case; the model is left with the weights of its best
    epoch. A model that is not compiled gets Adam; one that is keeps its own optimizer.

    Args:
        model: A new model, or one to train further.
        training_data: Sequences of the training users.
        validation_data: Its positive targets decide when to stop: full catalogue, seen items filtered.
        config: How it is fitted; None: `TrainingConfig()`. Its k, precision and strategy are for `train`: here they
            are those of the model, as are those of the optimizer where it is compiled. Others are refused.
        initial: The weights that the training begins with, of an earlier model; None leaves those that the model has.
        state_dir: Where an interrupted run leaves its state, and finds it again, if its data and its settings are the
            same: else it begins anew, with a warning. A finished run stays there too until `discard_state`, which is to
            be called once its model is safe. None: nothing is kept.
        log_dir: Where TensorBoard events go; none are written without it.
        progress: Called after each epoch with its number, from 1, and its losses and measures.
        report: Gets what happens as events: what is trained, that the first step is compiled, each epoch, the best. By
            default they are logged.
        verbose: Of Keras' own progress bar.
        own_rows: For a model in the scope of `join_workers`: whether each process was given training users of its own,
            such as those of every n-th file, and nobody all of them. Each batch then holds equally many of each.
        **settings: Fields of `pnfrec_keras.config.TrainingConfig`, which say more than `config`: `epochs=20`.

    Raises:
        TypeError: There is no such setting, or the model or the data is of another type.
        ValueError: Validation has no positive target, or training no pair of neighbours to learn from, or not the
            margins or the times that `soft_boundary` or `trend_days` of the model need; the network of `initial` is
            another one; or a setting means nothing for this model.
        FloatingPointError: The loss is not a number any more.
        WorkerLostError: Another of several processes is gone (`pnfrec_keras.training.workers`).
    """
    config = TrainingConfig() if config is None else config
    check_kinds(model, training_data, validation_data, config, initial)
    config = _with_settings(config, settings, compiled=model.compiled)
    check_config(config, model)
    make_deterministic(config)
    training_data = check_training(training_data, model)
    check_validation(validation_data, model.num_items)
    epochs = Epochs(model, config, own_rows)
    epochs.check_own_rows(initial)
    if not model.compiled:
        with model.distribute_strategy.scope():
            compile_model(model, config, epochs.steps(training_data))
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    epochs.check(training_data, validation_data)
    if initial is not None:
        initial.apply(model, training_data)
    if model.trend_weights:
        training_data = set_trend(model, training_data)
    if has_averages(model):
        start_averages(model)  # An earlier fit has left those of its last epoch, beside the weights of its best one.
    patience = Patience(MONITOR, config.patience, config.min_epochs)
    state = epochs.state(state_dir, patience, training_data, validation_data, initial)
    first_epoch = state.restore(model)
    report = (report or functools.partial(events.report, log)) if epochs.reports else events.ignore
    started = training_started(model.num_items, model.config, training_data, validation_data, first_epoch)
    report(epochs.of_all(started))
    # The order of the callbacks matters: see their docstrings.
    callbacks: list[Any] = [StopOnNan(), state.early_stopping, *([AveragedWeights()] if has_averages(model) else [])]
    callbacks += [state, ReportedProgress(report, config.epochs, epochs.steps(training_data))]
    if progress is not None and epochs.reports:
        callbacks.append(EpochProgress(progress))
    if log_dir is not None and epochs.reports:
        callbacks.append(keras.callbacks.TensorBoard(str(log_dir), write_graph=False))
    if state.is_finished(config.epochs):
        state.restore_best_weights(model)
    else:
        epochs.run(training_data, validation_data, first_epoch, config.epochs, callbacks, verbose)
    history = state.history
    best_epoch = 1 + max(range(len(history)), key=lambda epoch: history[epoch][MONITOR])
    best = history[best_epoch - 1][MONITOR]
    report(events.TrainingDone(len(history), best_epoch, best))
    return TrainingResult(model, history, best_epoch, first_epoch)


def _with_settings(config: TrainingConfig, settings: Mapping[str, Any], *, compiled: bool) -> TrainingConfig:
    names = [field.name for field in dataclasses.fields(config) if field.name not in _OF_THE_MODEL]
    if unknown := sorted(set(settings) - set(names)):
        msg = f"`fit` has no setting {', '.join(unknown)}. It has: {', '.join(names)}."
        raise TypeError(msg)
    if compiled and (idle := sorted(set(settings) & set(_OF_THE_OPTIMIZER))):
        msg = f"The model is compiled, so that {', '.join(idle)} would do nothing: leave that out, or `compile`."
        raise ValueError(msg)
    return dataclasses.replace(config, **settings)


def discard_state(state_dir: str | Path) -> None:
    """Removes what `fit` left for a resume: the model is safe elsewhere."""
    shutil.rmtree(state_dir, ignore_errors=True)
