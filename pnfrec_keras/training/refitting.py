"""Fits a PNFRec for a number of steps: everything is trained on, and nothing is left to say when to stop."""

import dataclasses
import functools
import logging
from pathlib import Path
from typing import Any

import keras

from pnfrec_core import events
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, steps_per_epoch
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.averages import take_averages
from pnfrec_keras.training.build import begin, build_model
from pnfrec_keras.training.checks import StopOnNan, check_training, set_trend
from pnfrec_keras.training.epochs import Epochs
from pnfrec_keras.training.progress import StepsProgress, training_started
from pnfrec_keras.training.warm import WarmStart

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a model is refitted, by a training that something has judged.

    Steps, not epochs: with more users an epoch has more of them, and what was found to be best is how far the weights
    have moved, the half-life of a weighting and the reach of an average among it, all of which count steps.

    Attributes:
        steps: Until the best epoch of that training was over.
        steps_per_epoch: Of that training, which `average_epochs` counts in.
    """

    steps: int
    steps_per_epoch: int

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value < 1:
                msg = f"`{name}` of a schedule must be at least 1. Received: {value}."
                raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class RefitResult:
    """A model after the last step.

    Attributes:
        model: The model, with the averages of its weights where `average_epochs` asks for them.
        losses: One dict of mean training losses an epoch, of which the last may be cut short.
        resumed_from: Epochs that an earlier, interrupted run had done.
    """

    model: PNFRec
    losses: list[dict[str, float]]
    resumed_from: int


class _StopAfter(keras.callbacks.Callback):
    """Ends training after a number of steps, in the midst of an epoch too.

    One call of Keras' `fit` has to do them all: at its end that puts averages in the place of the weights.
    """

    def __init__(self, steps: int, steps_per_epoch: int) -> None:
        super().__init__()
        self._last_epoch, self._last_batch = divmod(steps - 1, steps_per_epoch)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del logs
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Keras looks after the step. A callback that looks at ends has it fetch the losses of every step.
        del logs
        if (self._epoch, batch) == (self._last_epoch, self._last_batch):
            self.model.stop_training = True


def train_steps(
    num_items: int,
    training_data: TrainingArrays,
    model_config: ModelConfig,
    training: TrainingConfig,
    schedule: Schedule,
    *,
    state_dir: str | Path | None,
    log_dir: str | Path | None = None,
    popularity: Any = None,
    initial: WarmStart | None = None,
    report: events.Report | None = None,
    verbose: int | str = 0,
) -> RefitResult:
    """Makes a model from settings, as `fitting.train` does, and fits it for a number of steps.

    Args:
        num_items: Size of the catalogue.
        training_data: Sequences of the users.
        model_config: The network.
        training: How it is fitted; `epochs`, `patience` and `min_epochs` do nothing.
        schedule: How long.
        state_dir: Where an interrupted run leaves its state, and finds it again, as of `fitting.fit`; None keeps none.
        log_dir: Where TensorBoard events go; none are written without it.
        popularity: (num_items + 1,), `Vocabulary.popularity`.
        initial: The weights that the training begins with, of an earlier model.
        report: Gets what happens as events. By default they are logged.
        verbose: Of Keras' own progress bar.

    Raises:
        ValueError: There is nothing to learn from, or the network of `initial` is another one.
        FloatingPointError: The loss is not a number any more.
    """
    begin(training)
    model = build_model(num_items, model_config, training, schedule.steps_per_epoch)
    if popularity is not None:
        model.set_popularity(popularity)
    training_data = check_training(training_data, model)
    run = Epochs(model, training)
    run.check(training_data, None)
    if initial is not None:
        initial.apply(model, training_data)
    if model.trend_weights:
        training_data = set_trend(model, training_data)
    state = run.state(state_dir, None, training_data, None, initial)
    first_epoch = state.restore(model)
    report = (report or functools.partial(events.report, log)) if run.reports else events.ignore
    report(training_started(num_items, model.config, training_data, None, first_epoch))
    an_epoch = steps_per_epoch(training_data, training.batch_size)
    callbacks: list[Any] = [
        _StopAfter(schedule.steps, an_epoch),
        StopOnNan(),
        state,
        StepsProgress(report, schedule.steps, an_epoch),
    ]
    if log_dir is not None and run.reports:
        callbacks.append(keras.callbacks.TensorBoard(str(log_dir), write_graph=False))
    epochs = -(-schedule.steps // an_epoch)
    if first_epoch < epochs:
        run.run(training_data, None, first_epoch, epochs, callbacks, verbose)
    take_averages(model)
    return RefitResult(model, state.history, first_epoch)
