"""What is heard of a trial while it runs."""

import importlib.util
import json
import time

import pytest

from studies.run.estimate import Estimate
from studies.run.trial_process import PRELOADED, Epochs


def test_epochs_are_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    said: list[str] = []
    epochs = Epochs("PNFRec, seed 3", 100, said.append, Estimate({}, 1, said.append))
    for epoch, second in enumerate((10.0, 31.0, 45.0, 62.0), start=1):
        now[0] = second
        epochs(json.dumps({"epoch": epoch, "ndcg": 0.01 * epoch}) + "\n")
        epochs("what a library writes\n")
        epochs("[1]\n")
        epochs('{"epoch": 1}\n')
    assert said == [
        "    PNFRec, seed 3: epoch 2 of at most 100, validation NDCG 0.0200",
        "    PNFRec, seed 3: epoch 4 of at most 100, validation NDCG 0.0400",
    ]


def test_epochs_tell_how_long_all_trainings_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    epochs = Epochs("PNFRec, seed 3", 50, said.append, Estimate({"a": 50, "b": 50}, 1, said.append))
    for epoch, second in enumerate((10.0, 12.0, 14.0), start=1):
        monkeypatch.setattr(time, "monotonic", lambda second=second: second)
        epochs(json.dumps({"epoch": epoch, "ndcg": 0.01}) + "\n")
    assert said == [
        "    PNFRec, seed 3: 2.0 s an epoch. If each of the 2 trainings took as long and none stopped before its last "
        "epoch, all would take 3 min."
    ]


def test_what_is_preloaded_exists() -> None:
    # A name that is not found would be passed over, and each trial would import for itself.
    assert [name for name in PRELOADED if importlib.util.find_spec(name) is None] == []
