"""Runs one trial in a process of its own, and tells how far it is."""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studies.run.estimate import Estimate
from studies.run.failure import ServerError, TrialError, reason
from studies.run.forked import ForkError, ForkServer
from studies.study import Trial

Say = Callable[[str], None]

# Between two lines on the epochs of one trial.
_EVERY_SECONDS = 30.0
# Letters of what a trial that failed wrote last.
_TAIL = 3000
# All that a trial imports, so that none mixes code from before an edit with code from after it.
PRELOADED = (
    "studies.run.trial_process",
    "studies.run.trial",
    "studies.run.trained",
    "pnfrec_keras.examples.records",
    "pnfrec_keras.training.fitting",
    "pnfrec_keras.network.weights",
)


def title(trial: Trial) -> str:
    """How lines of progress call a trial."""
    return trial.arm.name if trial.seed is None else f"{trial.arm.name}, seed {trial.seed}"


def run_trial(
    trial: Trial, folder: Path, data: Path, models: Path, server: ForkServer, say: Say, estimate: Estimate
) -> None:
    """Runs `studies.run.trial` to its end.

    Args:
        trial: What to run.
        folder: Where its result goes; appears complete or not at all.
        data: Prepared examples and vocabulary.
        models: Folder of all trainings.
        server: Of `start`.
        say: Gets a line on the epochs now and then, those of other trials in between.
        estimate: Is told of each epoch.

    Raises:
        TrialError: It failed.
        ServerError: It could not start, and no other would.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)
    request: dict[str, Any] = {
        "arm": trial.arm.name,
        "baseline": trial.arm.baseline,
        "inference": dataclasses.asdict(trial.arm.inference),
        "seed": trial.seed,
        "model": dataclasses.asdict(trial.config.model),
        "training": dataclasses.asdict(trial.config.training.fitting()),
        "data": str(data),
        "trained": str(models / trial.training_key) if trial.training_key else "",
        "target": str(folder),
        **trial.further,
    }
    epochs = Epochs(title(trial), trial.config.training.epochs, say, estimate)
    try:
        code, errors = server.heard(_run, request, epochs)
    except ForkError as error:
        msg = f"The trial {trial.key} could not start. {error}"
        raise ServerError(msg) from error
    if code:
        msg = f"The trial {trial.key} ended with {code}:\n{errors[-_TAIL:]}"
        raise TrialError(msg, reason(code, errors))


class Epochs:
    """Says how far a training is, at most every half minute.

    Args:
        name: Of the trial.
        most: Epochs that it may take; it may stop before.
        say: Gets the lines.
        estimate: Is told of each epoch.
    """

    def __init__(self, name: str, most: int, say: Say, estimate: Estimate) -> None:
        self._name, self._most, self._say, self._estimate = name, most, say, estimate
        self._last = time.monotonic()

    def __call__(self, line: str) -> None:
        """Takes a line that `studies.run.trial` wrote; libraries may write others."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            found = json.loads(line)
            text = (
                f"    {self._name}: epoch {found['epoch']} of at most {self._most}, validation NDCG {found['ndcg']:.4f}"
            )
            self._estimate.epoch(self._name, int(found["epoch"]))
            if time.monotonic() - self._last >= _EVERY_SECONDS:
                self._last = time.monotonic()
                self._say(text)


def start(jobs: int) -> ForkServer:
    """Imports what all trials need, TensorFlow above all, in a process that they are then forked from.

    Raises:
        ServerError: It cannot be imported.
    """
    try:
        return ForkServer(PRELOADED, {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", **_share(jobs)})
    except ForkError as error:
        msg = f"No trial can be run. {error}"
        raise ServerError(msg) from error


def _run(request: dict[str, Any]) -> None:
    from studies.run.trial import Request, run

    run(Request(**request))


def _share(jobs: int) -> dict[str, str]:
    """Threads of each of several trials at once; nothing is said where one has the machine to itself."""
    if jobs == 1:
        return {}
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), threads)
