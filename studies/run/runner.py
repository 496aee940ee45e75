"""Runs the trials of a study, and goes on where it was cut off."""

import concurrent.futures
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pnfrec_core.files import write
from studies.outputs import TRIAL_RESULT
from studies.run.data import prepared
from studies.run.estimate import Estimate, to_do
from studies.run.failure import FAILURES, TrialError
from studies.run.forked import ForkServer
from studies.run.trial_process import Say, run_trial, start, title
from studies.study import Trial


@dataclasses.dataclass(frozen=True)
class Ran:
    """What became of the trials of a study.

    Attributes:
        folders: Of each trial, in their order; those of trials that failed hold no result.
        failures: Key of each trial that failed to why.
    """

    folders: list[Path]
    failures: dict[str, str] = dataclasses.field(default_factory=dict)


def run_trials(trials: Sequence[Trial], output: Path, say: Say, jobs: int = 1) -> Ran:
    """Runs what is not done yet; a killed study loses at most the epoch that was running.

    A trial that fails stops no other. What it wrote last is kept under `failures` of the study, and the next call tries
    it again.

    Args:
        trials: All of the study.
        output: Folder of the study; `data` and `models` beside it hold prepared data and trainings for all studies.
        say: Gets lines of progress.
        jobs: Trials at once, each with its share of the processors.

    Raises:
        ServerError: No trial can be started any more; those that were done or running stay.
    """
    folders = [output / "trials" / trial.key for trial in trials]
    waiting = [place for place, folder in enumerate(folders) if not (folder / TRIAL_RESULT).is_file()]
    say(f"{len(trials)} trials, {len(trials) - len(waiting)} of them done.")
    if not waiting:
        return Ran(folders)
    prepared(trials[waiting[0]].config, output.parent / "data")  # first, as what is wrong with the data is found soon
    server = start(jobs)
    begin = time.monotonic()
    estimate = Estimate(to_do(trials, waiting, output.parent / "models"), jobs, say)
    done = _run_all(trials, waiting, folders, output.parent, server, jobs, say, estimate)
    failures: dict[str, str] = {}
    for count, (place, future) in enumerate(done, start=1):
        trial = trials[place]
        log = output / FAILURES / f"{trial.key}.txt"
        try:
            took = future.result()
            found = f"{_summary(folders[place])}, {took:.0f} s"
            log.unlink(missing_ok=True)
        except TrialError as error:
            failures[trial.key] = error.reason
            found = f"FAILED: {error.reason}"
            log.parent.mkdir(parents=True, exist_ok=True)
            write(log, f"{error}\n")
        left = _left(time.monotonic() - begin, count, len(waiting))
        say(f"  {count}/{len(waiting)} {title(trial)}: {found}{left}")
    return Ran(folders, failures)


def _run_all(
    trials: Sequence[Trial],
    waiting: Sequence[int],
    folders: Sequence[Path],
    shared: Path,
    server: ForkServer,
    jobs: int,
    say: Say,
    estimate: Estimate,
) -> Iterator[tuple[int, "concurrent.futures.Future[float]"]]:
    """Yields the place of each trial when it has ended, and its seconds or its error. Trials of one training never run
    side by side: the second finds the model of the first.
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
                models = shared / "models"
                running[pool.submit(_timed, trials[ready], folders[ready], data, models, server, say, estimate)] = ready
                continue
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future


def _left(passed: float, count: int, total: int) -> str:
    """Time left, as long as what was done so far took on average."""
    if count == total:
        return ""
    minutes = passed / count * (total - count) / 60
    return f"; about {minutes:.0f} min left" if minutes >= 1 else "; less than a minute left"


def _summary(folder: Path) -> str:
    result = json.loads((folder / TRIAL_RESULT).read_text(encoding="utf-8"))
    epoch = f"best epoch {result['best_epoch']}, " if "best_epoch" in result else ""
    gamma = f"gamma {result['gamma']:g}, " if result.get("gamma_validation") else ""
    return f"{epoch}{gamma}validation NDCG {result['validation']['ndcg_p']:.4f}"


def _timed(
    trial: Trial, folder: Path, data: Path, models: Path, server: ForkServer, say: Say, estimate: Estimate
) -> float:
    begin = time.monotonic()
    run_trial(trial, folder, data, models, server, say, estimate)
    return time.monotonic() - begin
