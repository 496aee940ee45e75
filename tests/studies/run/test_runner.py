"""Several trials at once: side by side where they may, one after the other where they share a training."""

import threading
from pathlib import Path
from typing import Any

import pytest

from studies.run import runner
from studies.run.estimate import Estimate
from studies.study import Trial, load_study, trials

CONFIG = Path(__file__).parents[3] / "configs" / "movietweetings.yaml"


@pytest.mark.parametrize("jobs", [1, 2])
def test_trials_of_one_training_never_run_side_by_side(
    jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[str | None] = []
    seen: list[list[str | None]] = []
    lock = threading.Lock()
    # Two wait for each other, so that no luck is needed for them to be seen together.
    meeting = threading.Barrier(jobs)

    def timed(trial: Trial, *_: Any) -> float:
        with lock:
            running.append(trial.training_key)
            seen.append(list(running))
        if trial.arm.name in ("PNFRec", "SASRec_p") and trial.seed == 1:
            meeting.wait(timeout=120)
        with lock:
            running.remove(trial.training_key)
        return 0.0

    monkeypatch.setattr(runner, "_timed", timed)
    monkeypatch.setattr(runner, "prepared", lambda *_: tmp_path)
    arms = {"PNFRec", "PNFRec, like rate", "SASRec_p"}
    planned = [trial for trial in trials(load_study("negatives"), CONFIG, []) if trial.arm.name in arms]
    folders = [tmp_path / trial.key for trial in planned]
    server: Any = None
    places = range(len(planned))
    done = [
        place
        for place, _ in runner._run_all(
            planned, places, folders, tmp_path, server, jobs, print, Estimate({}, jobs, print)
        )
    ]
    assert sorted(done) == list(range(len(planned)))
    assert all(len(set(together)) == len(together) for together in seen), "no training twice at once"
    assert max(map(len, seen)) == jobs
