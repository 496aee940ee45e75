"""How a training is kept to itself and timed; what it trains is tested with the study."""

import threading
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from pnfrec_core import schema
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary
from studies.outputs import TRAINING_FACTS, TRAINING_WEIGHTS
from studies.run import trained


def test_who_trains_the_same_waits_and_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, begun, ended = tmp_path / "model", threading.Event(), threading.Event()
    trainings: list[str] = []

    def train(target: Path, *_: object) -> None:
        trainings.append(target.name)
        begun.set()
        assert ended.wait(60)
        target.mkdir()

    def call() -> None:
        with pytest.raises(trained.DamagedTrainingError):
            trained.trained(folder, tmp_path, ModelConfig(), TrainingConfig(), lambda *_: None)

    monkeypatch.setattr(trained, "_train", train)
    monkeypatch.setattr(Vocabulary, "read", mock.MagicMock())
    monkeypatch.setattr("pnfrec_keras.training.build.build_model", mock.MagicMock())
    both = [threading.Thread(target=call) for _ in range(2)]
    both[0].start()
    assert begun.wait(60)
    both[1].start()
    both[1].join(timeout=0.3)
    assert both[1].is_alive(), "it waits"
    ended.set()
    for each in both:
        each.join(timeout=120)
    assert trainings == ["model"]


def test_seconds_before_a_cut_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    said: list[tuple[int, dict[str, float]]] = []
    first = trained._Clock(tmp_path / "seconds", lambda *each: said.append(each))
    now[0] = 107.0
    first(1, {"loss": 2.0})
    now[0] = 109.0  # of an epoch that is cut off, and trained again
    again = trained._Clock(tmp_path / "seconds", lambda *each: said.append(each))
    now[0] = 112.0
    again(2, {"loss": 1.0})
    assert again.seconds() == 10.0
    assert said == [(1, {"loss": 2.0}), (2, {"loss": 1.0})]
    assert [path.name for path in tmp_path.iterdir()] == ["seconds"]


@pytest.mark.parametrize("file", [TRAINING_WEIGHTS, TRAINING_FACTS])
def test_a_training_that_was_damaged_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    from pnfrec_keras.network import weights
    from pnfrec_keras.training import build

    vocabulary = tmp_path / "data" / "vocabulary"
    vocabulary.mkdir(parents=True)
    (vocabulary / schema.VOCABULARY_FILE).write_text("")
    monkeypatch.setattr(Vocabulary, "read", lambda _: mock.MagicMock(__len__=lambda _: 3))
    monkeypatch.setattr(build, "build_model", mock.Mock())
    monkeypatch.setattr(weights, "set_named_weights", mock.Mock())
    folder = tmp_path / "models" / "one"
    folder.mkdir(parents=True)
    np.savez(folder / TRAINING_WEIGHTS, a=np.zeros(3))
    (folder / TRAINING_FACTS).write_text('{"epochs": 3}')

    def read() -> trained.Trained:
        return trained.trained(folder, tmp_path / "data", ModelConfig(), TrainingConfig(), lambda *_: None)

    assert read().facts == {"epochs": 3}
    (folder / file).write_bytes((folder / file).read_bytes()[:-5])
    with pytest.raises(trained.DamagedTrainingError, match=f"{folder}: .* is damaged .*Remove the folder"):
        read()
