"""Runs the trials of a study, and goes on where it was cut off."""

import concurrent.futures
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.data import prepared
from experiments.study import Trial

# Of a trial's folder: written by `experiments.trial`, which imports TensorFlow.
RESULT = "result.json"

Say = Callable[[str], None]


class TrialError(RuntimeError):
    """A trial failed; the message ends with what it printed last."""


def run_trials(trials: Sequence[Trial], output: Path, say: Say, jobs: int = 1) -> list[Path]:
    """Runs what is not done yet; a killed study loses at most the epoch that was running.

    Args:
        trials: All of the study.
        output: Folder of the study; `data` and `models` beside it hold prepared data and trainings for all studies.
        say: Gets lines of progress.
        jobs: Trials at once, each with its share of the processors.

    Returns:
        Folder of each trial.

    Raises:
        TrialError: A trial failed; those that were done or running stay.
    """
    folders = [output / "trials" / trial.key for trial in trials]
    waiting = [place for place, folder in enumerate(folders) if not (folder / RESULT).is_file()]
    say(f"{len(trials)} trials, {len(trials) - len(waiting)} of them done.")
    begin = time.monotonic()
    for count, (place, took) in enumerate(_run_all(trials, waiting, folders, output.parent, jobs), start=1):
        left = _left(time.monotonic() - begin, count, len(waiting))
        say(f"  {count}/{len(waiting)} {_title(trials[place])}: {_summary(folders[place])}, {took:.0f} s{left}")
    return folders


def _run_all(
    trials: Sequence[Trial], waiting: Sequence[int], folders: Sequence[Path], shared: Path, jobs: int
) -> Iterator[tuple[int, float]]:
    """Yields the place of each trial when it is done, and its seconds. Trials of one training never run side by side:
    the second finds the model of the first.
    """
    queue = list(waiting)
    running: dict[concurrent.futures.Future[float], int] = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        while queue or running:
            busy = {trials[place].training_key for place in running.values()} - {None}
            ready = next((place for place in queue if trials[place].training_key not in busy), None)
            if ready is not None and len(running) < jobs:
                queue.remove(ready)
                # Prepared by this thread, so that no two do it at once.
                data = prepared(trials[ready].config, shared / "data")
                running[pool.submit(_timed, trials[ready], folders[ready], data, shared / "models", jobs)] = ready
                continue
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                place = running.pop(future)
                yield place, future.result()


def _title(trial: Trial) -> str:
    return trial.arm.name if trial.seed is None else f"{trial.arm.name}, seed {trial.seed}"


def _left(passed: float, count: int, total: int) -> str:
    """Time left, as long as what was done so far took on average."""
    if count == total:
        return ""
    minutes = passed / count * (total - count) / 60
    return f"; about {minutes:.0f} min left" if minutes >= 1 else "; less than a minute left"


def _summary(folder: Path) -> str:
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    epoch = f"best epoch {result['best_epoch']}, " if "best_epoch" in result else ""
    gamma = f"gamma {result['gamma']:g}, " if result.get("gamma_validation") else ""
    return f"{epoch}{gamma}validation NDCG {result['validation']['ndcg_p']:.4f}"


def _timed(trial: Trial, folder: Path, data: Path, models: Path, jobs: int) -> float:
    begin = time.monotonic()
    _run(trial, folder, data, models, jobs)
    return time.monotonic() - begin


def _run(trial: Trial, folder: Path, data: Path, models: Path, jobs: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)
    request: dict[str, Any] = {
        "arm": trial.arm.name,
        "baseline": trial.arm.baseline,
        "inference": dataclasses.asdict(trial.arm.inference),
        "seed": trial.seed,
        "model": dataclasses.asdict(trial.config.model),
        "training": dataclasses.asdict(trial.config.training),
        "data": str(data),
        "trained": str(models / trial.training_key) if trial.training_key else "",
        "target": str(folder),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        command = [sys.executable, "-m", "experiments.trial", file.name]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", **_share(jobs)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"The trial {trial.key} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        raise TrialError(msg)


def _share(jobs: int) -> dict[str, str]:
    """Threads of each of several trials at once; nothing is said where one has the machine to itself."""
    if jobs == 1:
        return {}
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), threads)
