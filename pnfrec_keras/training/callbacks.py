"""Callbacks of training: an exact resume after an interruption, and progress for a log or a terminal of one's own."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from pnfrec_core import events
from pnfrec_core.arrays import read_arrays

_STATE_FILE = "state.npz"
_HISTORY_KEY = "history"
_COUNT_KEY = "variable_count"
_TRAINED_KEY = "trained"
# Of early stopping.
_COUNTERS = ("best", "wait", "best_epoch")

Progress = Callable[[int, dict[str, float]], None]

log = logging.getLogger(__name__)


class Patience(keras.callbacks.EarlyStopping):
    """Early stopping that keeps the best weights, and does not stop before a number of epochs.

    Unlike Keras' `start_from_epoch`, which forgets the first epochs, this counts them: one of them may be the best.

    Args:
        monitor: Name of the measure, of which more is better.
        patience: Epochs without a better one after which training stops.
        min_epochs: Before which it does not.
    """

    def __init__(self, monitor: str, patience: int, min_epochs: int = 0) -> None:
        super().__init__(monitor, mode="max", patience=patience, restore_best_weights=True)
        self.stopped_epoch: int = 0
        self.min_epochs = min_epochs

    def is_over(self, epochs: int, wait: int) -> bool:
        """Whether training stops after so many epochs, the last `wait` of them without a better measure."""
        return wait >= self.patience and epochs >= self.min_epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.stopped_epoch and not self.is_over(epoch + 1, self.wait):
            self.model.stop_training, self.stopped_epoch = False, 0


class AveragedWeights(keras.callbacks.Callback):
    """Validates, and has kept as best, the moving average of the weights that an optimizer with `use_ema` makes.

    The two change places before validation, and back once early stopping has seen the epoch: training goes on from its
    own weights. Put it after early stopping in the list, and before `ResumableState`. Values are moved, not added
    and subtracted as by Keras' `SwapEMAWeights`, so that a resumed run ends with the weights of an uninterrupted one.
    """

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        del logs
        self._change_places()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._change_places()

    def _change_places(self) -> None:
        for variable, average in _with_averages(self.model):
            values = variable.numpy()
            variable.assign(average)
            average.assign(values)


def start_averages(model: keras.Model) -> None:
    """Averages of the weights that there are: Keras' are zero until a first step that no scaled loss overflows in."""
    for variable, average in _with_averages(model):
        average.assign(variable)


def take_averages(model: keras.Model) -> None:
    """Leaves a model with the averages of its weights, where its optimizer makes some."""
    if has_averages(model):
        for variable, average in _with_averages(model):
            variable.assign(average)


def has_averages(model: keras.Model) -> bool:
    """Whether the optimizer of a model makes averages of its weights."""
    return bool(_optimizer(model).use_ema)


def _optimizer(model: keras.Model) -> Any:
    # With mixed_float16 it is inside that of the scaled loss.
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def _with_averages(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    return zip(model.trainable_variables, _optimizer(model)._model_variables_moving_average, strict=True)


class ResumableState(keras.callbacks.Callback):
    """Keeps everything that training needs to go on after a kill as if nothing had happened.

    After each epoch one file is replaced in one step: weights, optimizer, seed generators, the best weights and
    counters of early stopping, and the history. Together with `training_dataset`, whose order depends on the epoch
    alone, a resumed run ends with the same weights as an uninterrupted one.

    Args:
        folder: Where the state lives. None: nothing is kept on disk, only the history.
        early_stopping: Its counters are part of the state. Put it before this callback in the list. None: the training
            ends after a number of steps, and no epoch of it is the best.
        trained: What is trained (`what_is_trained.digest_for_resume`): a state of anything else is not gone on with.
    """

    def __init__(self, folder: str | Path | None, early_stopping: Patience | None, trained: str = "") -> None:
        super().__init__()
        self.path = None if folder is None else Path(folder) / _STATE_FILE
        self.early_stopping = early_stopping
        self._trained = trained
        self.history: list[dict[str, float]] = []
        self._counters: dict[str, Any] = {}
        self._best_weights: list[Any] | None = None

    def restore(self, model: keras.Model) -> int:
        """Puts a state that is there into the model and its built optimizer, and says how many epochs it had done."""
        state = self._found(model)
        if state:
            for number, variable in enumerate(_variables(model)):
                variable.assign(state[f"variable_{number}"])
            self.history = json.loads(str(state[_HISTORY_KEY]))
            self._counters = {name: state[name].item() for name in _COUNTERS if name in state}
            self._best_weights = [state[f"best_{number}"] for number in range(int(state["best_count"]))]
            log.info("Resuming after epoch %d from %s.", len(self.history), self.path)
        return len(self.history)

    def _found(self, model: keras.Model) -> dict[str, Any]:
        """What an earlier run has left; nothing where there is none."""
        return self._read(model, self.path) if self.path is not None and self.path.exists() else {}

    def _read(self, model: keras.Model, path: Path | BinaryIO) -> dict[str, Any]:
        """What the file holds; nothing, with a warning, if it is damaged or of another training."""
        try:
            state: dict[str, Any] = read_arrays(path)
            stored = [state[f"variable_{number}"].shape for number in range(int(state[_COUNT_KEY]))]
        except (OSError, KeyError, ValueError) as error:
            log.warning("%s cannot be read (%s): the training begins anew.", self.path, error)
            return {}
        if stored != [tuple(variable.shape) for variable in _variables(model)]:
            log.warning("%s is of another version of the network: the training begins anew.", self.path)
            return {}
        if str(state.get(_TRAINED_KEY, "")) != self._trained:
            log.warning(
                "%s is of a training on other data, or with other settings: the training begins anew.", self.path
            )
            return {}
        return state

    def is_finished(self, epochs: int) -> bool:
        """Whether the restored run had nothing left to do, and was killed before it could say so."""
        done, wait = len(self.history), self._counters.get("wait", 0)
        return done >= epochs or (self.early_stopping is not None and self.early_stopping.is_over(done, wait))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        # Early stopping forgets everything in its own on_train_begin, which came just before this one.
        del logs
        if self.early_stopping is None:
            return
        for name, value in self._counters.items():
            setattr(self.early_stopping, name, value)
        self.early_stopping.best_weights = self._best_weights

    def restore_best_weights(self, model: keras.Model) -> None:
        """Gives a finished run the weights that early stopping would have left it with."""
        if self._best_weights:
            model.set_weights(self._best_weights)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        if self.path is not None:
            self._write(self.path)

    def _write(self, path: Path) -> None:
        stopping = self.early_stopping
        best = [] if stopping is None else stopping.best_weights or []
        state: dict[str, Any] = {
            **({} if stopping is None else {name: getattr(stopping, name) for name in _COUNTERS}),
            "best_count": len(best),
            _HISTORY_KEY: json.dumps(self.history),
            _COUNT_KEY: len(_variables(self.model)),
            _TRAINED_KEY: self._trained,
        }
        state |= {f"variable_{number}": variable.numpy() for number, variable in enumerate(_variables(self.model))}
        state |= {f"best_{number}": weight for number, weight in enumerate(best)}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, **state)
        os.replace(unfinished, path)


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


def _variables(model: keras.Model) -> list[Any]:
    # Metrics start anew each epoch; all else counts, seed generators of the dropout layers included.
    metrics = {id(variable) for metric in model.metrics for variable in metric.variables}
    variables = [variable for variable in model.variables if id(variable) not in metrics]
    return [*variables, *model.optimizer.variables]
