"""How long a study may take, told once its first training has shown what an epoch takes."""

import time
from pathlib import Path

import pytest

from studies.run.estimate import Estimate, to_do
from studies.study import load_study, trials

CONFIG = Path(__file__).parents[3] / "configs" / "movietweetings.yaml"


def epochs(estimate: Estimate, clock: pytest.MonkeyPatch, name: str, ends: dict[int, float]) -> None:
    for number, second in ends.items():
        clock.setattr(time, "monotonic", lambda second=second: second)
        estimate.epoch(name, number)


def test_it_is_told_once_and_without_the_epoch_that_builds_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    estimate = Estimate({"a": 100, "b": 100, "c": 50}, 1, said.append)
    epochs(estimate, monkeypatch, "PNFRec, seed 1", {1: 60.0, 2: 66.0})
    assert said == []
    epochs(estimate, monkeypatch, "PNFRec, seed 1", {3: 72.0, 4: 90.0})
    epochs(estimate, monkeypatch, "SASRec_p, seed 1", {1: 100.0, 2: 101.0, 3: 102.0})
    assert said == [
        "    PNFRec, seed 1: 6.0 s an epoch. If each of the 3 trainings took as long and none stopped before its last "
        "epoch, all would take 25 min."
    ]


def test_a_training_that_goes_on_and_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    estimate = Estimate({"a": 100, "b": 100}, 2, said.append)
    epochs(estimate, monkeypatch, "x", {41: 10.0})
    epochs(estimate, monkeypatch, "y", {1: 20.0})
    epochs(estimate, monkeypatch, "x", {42: 50.0, 43: 90.0})
    assert said[0].endswith("all would take 1 h 07 min.")


def test_one_training_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    epochs(Estimate({"a": 100}, 1, said.append), monkeypatch, "x", {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0})
    assert said == []


def test_what_is_trained_already_is_not_counted(tmp_path: Path) -> None:
    planned = trials(load_study("negatives"), CONFIG, ["training.epochs=7"])
    places = [place for place, trial in enumerate(planned) if trial.arm.name in ("PNFRec", "PNFRec, like rate")]
    names = {str(planned[place].training_key) for place in places}
    assert len(names) < len(places), "they share trainings"
    assert to_do(planned, places, tmp_path) == dict.fromkeys(names, 7)
    (tmp_path / min(names)).mkdir()
    assert set(to_do(planned, places, tmp_path)) == names - {min(names)}
