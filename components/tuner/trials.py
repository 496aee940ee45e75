"""Trains one set of values as the Trainer would, once: what came of it is kept for a search that comes again."""

import dataclasses
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.trainer.choice import MODEL, with_choice
from components.trainer.state import state_dir
from components.trainer.training import read_data, train
from pnfrec_core import events
from pnfrec_core.files import write
from pnfrec_keras.config import ModelConfig

_OUTCOME_FILE = "outcome.json"

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Attributes:
        history: Losses and measures of each epoch.
        best_epoch: The one whose weights early stopping keeps, from 1.
        seconds: How long the training took.
    """

    history: list[dict[str, float]]
    best_epoch: int
    seconds: float

    @property
    def measures(self) -> dict[str, float]:
        """Of the best epoch."""
        return self.history[self.best_epoch - 1]


class Trials:
    """Trains sets of values on one vocabulary and one set of examples.

    An outcome depends on the settings of the training, the data and the code alone. So it is kept under their digest,
    whatever the search: one that was cut off, or that has more trials or another objective now, trains only what has
    not been trained, and goes on within the trial that was cut off.

    Args:
        fn_args: `tfx.components.FnArgs`: train_files, eval_files and custom_config.
        settings: Of `fn_args`, with the epochs and the patience of a trial.
    """

    def __init__(self, fn_args: Any, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._patterns = [*fn_args.train_files, *fn_args.eval_files]
        self._data = read_data(fn_args, ModelConfig(**settings[MODEL]))
        self.validation = self._data.validation

    def outcome(self, number: int, values: Mapping[str, Any]) -> Outcome:
        """Trains with `values`, or says what came of it before.

        Args:
            number: Of the trial, for the log.
            values: As in `components.trainer.choice.with_choice`.

        Raises:
            FloatingPointError: The loss is not a number any more.
        """
        settings = with_choice(self._settings, values)
        folder = state_dir(settings, self._patterns)
        known = _read(folder / _OUTCOME_FILE)
        return known or self._trained(number, settings, folder)

    def _trained(self, number: int, settings: Mapping[str, Any], folder: Path) -> Outcome:
        import keras

        from pnfrec_keras.training import fitting

        begin = time.perf_counter()
        try:
            result = train(self._data, settings, folder / "state", report=_log_events(number))
        except Exception:
            # It would come to the same end again.
            fitting.discard_state(folder / "state")
            raise
        outcome = Outcome(result.history, result.best_epoch, time.perf_counter() - begin)
        # The graphs of one trial would stay in memory for all the others.
        del result
        keras.utils.clear_session()
        _write(folder / _OUTCOME_FILE, outcome)
        fitting.discard_state(folder / "state")
        return outcome


def _read(path: Path) -> Outcome | None:
    """The outcome that `_write` left; None where there is none, or no whole one."""
    try:
        return Outcome(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s cannot be read (%s): that trial is trained again.", path, error)
        return None


def _write(path: Path, outcome: Outcome) -> None:
    write(path, json.dumps(dataclasses.asdict(outcome)))


def _log_events(number: int) -> events.Report:
    """Logs what happens in a trial, in words only: whoever follows the search hears of whole trials."""

    def report(happened: events.Event) -> None:
        log.info("In trial %d: %s", number, happened)

    return report
