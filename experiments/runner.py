"""Runs the trials of a study one after another, and goes on where it was cut off."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.data import prepared
from experiments.study import Trial

# Of a trial's folder: written by `experiments.trial`, which imports TensorFlow.
RESULT = "result.json"

Say = Callable[[str], None]


class TrialError(RuntimeError):
    """A trial failed; the message ends with what it printed last."""


def run_trials(trials: Sequence[Trial], output: Path, say: Say) -> list[Path]:
    """Runs what is not done yet; a killed study loses at most the epoch that was running.

    Args:
        trials: All of the study.
        output: Folder of the study; `data` beside it holds prepared data for all studies.
        say: Gets lines of progress.

    Returns:
        Folder of each trial.

    Raises:
        TrialError: A trial failed; those before it stay.
    """
    folders = [output / "trials" / trial.key for trial in trials]
    waiting = [place for place, folder in enumerate(folders) if not (folder / RESULT).is_file()]
    say(f"{len(trials)} trials, {len(trials) - len(waiting)} of them done.")
    seconds: list[float] = []
    for number, place in enumerate(waiting, start=1):
        trial, folder = trials[place], folders[place]
        name = trial.arm.name if trial.seed is None else f"{trial.arm.name}, seed {trial.seed}"
        begin = time.monotonic()
        _run(trial, folder, prepared(trial.config, output.parent / "data"))
        took = time.monotonic() - begin
        if trial.seed is not None:
            seconds.append(took)
        left = _left(trials, waiting[number:], seconds)
        say(f"  {number}/{len(waiting)} {name}: {_summary(folder)}, {took:.0f} s{left}")
    return folders


def _left(trials: Sequence[Trial], waiting: Sequence[int], seconds: Sequence[float]) -> str:
    """Time left, as long as the trainings so far took on average; baselines take next to none."""
    trainings = sum(trials[place].seed is not None for place in waiting)
    if not trainings or not seconds:
        return ""
    minutes = trainings * statistics.mean(seconds) / 60
    return f"; about {minutes:.0f} min left" if minutes >= 1 else "; less than a minute left"


def _summary(folder: Path) -> str:
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    epoch = f"best epoch {result['best_epoch']}, " if "best_epoch" in result else ""
    return f"{epoch}validation NDCG {result['validation']['ndcg_p']:.4f}"


def _run(trial: Trial, folder: Path, data: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    request: dict[str, Any] = {
        "arm": trial.arm.name,
        "baseline": trial.arm.baseline,
        "seed": trial.seed,
        "model": dataclasses.asdict(trial.config.model),
        "training": dataclasses.asdict(trial.config.training),
        "data": str(data),
        "target": str(folder),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        command = [sys.executable, "-m", "experiments.trial", file.name]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"The trial {trial.key} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        raise TrialError(msg)
