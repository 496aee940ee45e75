"""What a training reports, for logs and terminals: what is trained, that its first step is compiled, each epoch."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from pnfrec_core import events
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays

Progress = Callable[[int, dict[str, float]], None]


def training_started(
    num_items: int,
    config: ModelConfig,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays | None,
    epochs_done: int,
) -> events.TrainingStarted:
    """The network by the settings that distinguish it, and how much it is trained and validated on.

    Args:
        num_items: Size of the catalogue.
        config: The network.
        training_data: Sequences of the training users.
        validation_data: Examples that decide when to stop; None where the number of steps is given.
        epochs_done: Epochs of an earlier, interrupted run.
    """
    variant = variant_of(config.variant)
    settings: dict[str, str | float] = {
        "variant": config.variant,
        "width": config.dim,
        "blocks": config.num_blocks,
        "histories of up to": config.max_length * (2 if variant.mixed else 1),
    }
    optional = {
        "alpha": config.alpha if variant.negative_loss else 0,
        "beta": config.beta if variant.contrastive else 0,
        "soft boundary": config.soft_boundary,
        "trend of days": config.trend_days,
        "eta": config.eta,
        "preference": config.preference,
    }
    settings |= {name: value for name, value in optional.items() if value}
    if variant.mixed:
        sequences = [training_data.mixed]
    else:
        reads_negatives = optional["alpha"] or optional["beta"] or config.places_dislikes
        sequences = [training_data.positive, training_data.negative if reads_negatives else None]
    return events.TrainingStarted(
        settings=settings,
        users=len(training_data),
        interactions=sum(int(np.count_nonzero(items)) for items in sequences if items is not None),
        items=num_items,
        validation_examples=0 if validation_data is None else len(validation_data),
        epochs_done=epochs_done,
    )


class ReportedProgress(keras.callbacks.Callback):
    """Reports as events that the first step is compiled, how long that took, and what came of each epoch.

    Args:
        report: Gets the events.
        epochs: The most that there will be.
        steps: Of an epoch.
    """

    def __init__(self, report: events.Report, epochs: int, steps: int) -> None:
        super().__init__()
        self._report, self._epochs, self._steps = report, epochs, steps
        self._compiling_since: float | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        del logs
        self._compiling_since = time.perf_counter()
        self._report(events.Compiling())

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Not the end of the first batch: a callback that looks at ends has Keras fetch the losses of every step.
        del logs
        if batch > 0:
            self._first_step_is_done()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        # Where an epoch has one step.
        del logs
        self._first_step_is_done()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        found = logs or {}
        loss, ndcg, hr = (float(found[name]) for name in ("loss", "val_ndcg_p", "val_hr_p"))
        self._report(events.EpochDone(epoch + 1, self._epochs, loss, ndcg, hr))

    def _first_step_is_done(self) -> None:
        if self._compiling_since is not None:
            self._report(events.FirstStepDone(time.perf_counter() - self._compiling_since, self._steps))
            self._compiling_since = None


class StepsProgress(ReportedProgress):
    """Reports as events that the first step is compiled, and how far a training is that ends after so many steps.

    Args:
        report: Gets the events.
        steps: That there will be.
        steps_per_epoch: Of an epoch; the last one may have fewer.
    """

    def __init__(self, report: events.Report, steps: int, steps_per_epoch: int) -> None:
        super().__init__(report, -(-steps // steps_per_epoch), steps_per_epoch)
        self._all = steps

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._first_step_is_done()
        done = min((epoch + 1) * self._steps, self._all)
        self._report(events.StepsDone(done, self._all, float((logs or {})["loss"])))


class EpochProgress(keras.callbacks.Callback):
    """Calls `progress(epoch, logs)` after each epoch, epochs counted from 1."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.progress(epoch + 1, {name: float(value) for name, value in (logs or {}).items()})
