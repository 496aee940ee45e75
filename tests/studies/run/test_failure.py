"""Why a trial failed, in words."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from studies.run import runner, trial_process
from studies.run.estimate import Estimate
from studies.run.failure import ServerError, TrialError, reason
from studies.run.forked import ForkError
from studies.study import Trial, load_study, trials

CONFIG = Path(__file__).parents[3] / "configs" / "movietweetings.yaml"
TRACEBACK = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: not this one

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 3, in <module>
"""


@pytest.mark.parametrize(
    ("status", "errors", "expected"),
    [
        (1, f"{TRACEBACK}FloatingPointError: The loss became nan.\n", "The loss became nan."),
        (1, f"{TRACEBACK}a.b.OpError: one\n  two\n\nthree\n", "one two three"),
        (1, f"{TRACEBACK}MemoryError\n", "MemoryError"),
        (1, f"{TRACEBACK}    f(x)\n    ^^^^\nKeyError: 'a: b'\n", "'a: b'"),
        (2, "no traceback\nthe last line\n\n", "the last line"),
        (3, "", "It ended with status 3."),
        (-9, "whatever", "It was killed (SIGKILL), as the system does when memory runs out. Run fewer trials at once"),
        (-15, "", "It was killed (SIGTERM)."),
        (-99, "", "It was killed (signal 99)."),
    ],
)
def test_the_reason_is_a_sentence(status: int, errors: str, expected: str) -> None:
    assert reason(status, errors).startswith(expected)


NONE = Estimate({}, 1, print)


def test_a_long_reason_is_cut() -> None:
    found = reason(1, "ValueError: " + "word " * 1000)
    assert len(found) <= 400
    assert found.endswith("word ...")


class Server:
    """Ends trials as it is told to."""

    def __init__(self, status: int, errors: str = "") -> None:
        self.answer = status, errors

    def heard(self, *_: Any) -> tuple[int, str]:
        return self.answer


def planned() -> list[Trial]:
    arms = {"PNFRec", "SASRec_p"}
    return [trial for trial in trials(load_study("negatives"), CONFIG, []) if trial.arm.name in arms][:4]


def test_a_trial_that_is_killed_says_so(tmp_path: Path) -> None:
    trial = planned()[0]
    server: Any = Server(-9, "last words")
    with pytest.raises(TrialError, match="ended with -9:\nlast words") as caught:
        trial_process.run_trial(trial, tmp_path / "trials" / "x", tmp_path, tmp_path / "models", server, print, NONE)
    assert caught.value.reason.startswith("It was killed (SIGKILL)")


def test_without_a_process_to_fork_from_nothing_goes_on(tmp_path: Path) -> None:
    class Gone:
        def heard(self, *_: Any) -> tuple[int, str]:
            msg = "The process that others are forked from has ended."
            raise ForkError(msg)

    server: Any = Gone()
    with pytest.raises(ServerError, match=r"could not start\. The process that others are forked from has ended"):
        trial_process.run_trial(planned()[0], tmp_path / "x", tmp_path, tmp_path / "models", server, print, NONE)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_trial_that_fails_stops_no_other_and_is_tried_again(
    jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = planned()
    bad = every[1].key
    tried: list[str] = []

    def run_trial(trial: Trial, folder: Path, *_: Any) -> None:
        tried.append(trial.key)
        if trial.key == bad:
            msg = "all that it wrote"
            raise TrialError(msg, "The loss became nan.")
        folder.mkdir(parents=True)
        (folder / "result.json").write_text('{"validation": {"ndcg_p": 0.5}}')

    monkeypatch.setattr(runner, "run_trial", run_trial)
    monkeypatch.setattr(runner, "prepared", lambda *_: tmp_path)
    monkeypatch.setattr(runner, "start", lambda _: None)
    said: list[str] = []
    ran = runner.run_trials(every, tmp_path / "study", said.append, jobs)
    assert sorted(tried) == sorted(trial.key for trial in every)
    assert ran.failures == {bad: "The loss became nan."}
    assert [folder.is_dir() for folder in ran.folders] == [True, False, True, True]
    assert sum(f"{trial_process.title(every[1])}: FAILED: The loss became nan." in line for line in said) == 1
    log = tmp_path / "study" / "failures" / f"{bad}.txt"
    assert log.read_text() == "all that it wrote\n"

    tried.clear()
    assert runner.run_trials(every, tmp_path / "study", said.append, jobs).failures == {bad: "The loss became nan."}
    assert tried == [bad]
    bad = ""
    assert runner.run_trials(every, tmp_path / "study", said.append, jobs) == dataclasses.replace(ran, failures={})
    assert not log.exists()
