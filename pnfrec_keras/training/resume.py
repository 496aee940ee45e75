"""An exact resume of a training after an interruption: one file with all that it needs to go on."""

import json
import logging
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from pnfrec_core.arrays import read_arrays
from pnfrec_core.files import replacing
from pnfrec_keras.training.patience import Patience

_STATE_FILE = "state.npz"
_HISTORY_KEY = "history"
_COUNT_KEY = "variable_count"
_TRAINED_KEY = "trained"
# Of early stopping.
_COUNTERS = ("best", "wait", "best_epoch")

log = logging.getLogger(__name__)


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
        with replacing(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, **state)


def _variables(model: keras.Model) -> list[Any]:
    # Metrics start anew each epoch; all else counts, seed generators of the dropout layers included.
    metrics = {id(variable) for metric in model.metrics for variable in metric.variables}
    variables = [variable for variable in model.variables if id(variable) not in metrics]
    return [*variables, *model.optimizer.variables]
