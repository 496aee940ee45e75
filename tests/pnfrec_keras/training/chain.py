"""Users who walk along a chain of items: data that is learned in seconds, and trainings on it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.training import fitting
from pnfrec_keras.training.progress import Progress

ITEMS = 12
MODEL = ModelConfig(max_length=5, dim=8, num_blocks=1, dropout=0.2)


def arrays(users: int = 24) -> tuple[TrainingArrays, EvaluationArrays]:
    random = np.random.default_rng(0)
    rows = np.array([[(start + step) % ITEMS + 1 for step in range(7)] for start in random.integers(0, ITEMS, users)])
    rows = rows.astype(np.int32)
    negative = random.integers(1, ITEMS + 1, (users, 6)).astype(np.int32)
    validation = EvaluationArrays(rows[:, 1:6], list(rows[:, :6]), rows[:, 6], np.ones(users, np.int32))
    return TrainingArrays(rows[:, :6], negative), validation


def ragged_arrays() -> tuple[TrainingArrays, EvaluationArrays]:
    """25 users, which two devices cannot share evenly, with sequences of any length and targets of both polarities."""
    train, validation = arrays(25)
    random = np.random.default_rng(1)
    shorter = [np.arange(6) < random.integers(low, 7, (25, 1)) for low in (2, 0)]
    polarity = random.integers(0, 2, 25).astype(np.int32)
    return (
        TrainingArrays(train.positive * shorter[0], train.negative * shorter[1]),
        EvaluationArrays(validation.positive, validation.seen, validation.target, polarity),
    )


def fit(tmp_path: Path, name: str = "state", **settings: Any) -> fitting.TrainingResult:
    config = TrainingConfig(**{"epochs": 6, "patience": 6, "batch_size": 10, "learning_rate": 0.01, **settings})
    return fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / name)


def keeping(state_dir: Path, keep: Mapping[int, Path]) -> Progress:
    """Copies the state at the end of epochs, as a kill would leave it: at the place where `kill_after` cuts off."""

    def copy(done: int, logs: dict[str, float]) -> None:
        del logs
        if done in keep:
            shutil.copytree(state_dir, keep[done])

    return copy


def kill_after(epoch: int, config: TrainingConfig, state_dir: Path, keep: Mapping[int, Path] | None = None) -> None:
    """Trains, and is cut off at the end of an epoch; `keep` copies the state of earlier ones."""

    class Killed(BaseException):
        pass

    copy = keeping(state_dir, keep or {})

    def kill(done: int, logs: dict[str, float]) -> None:
        copy(done, logs)
        if done == epoch:
            raise Killed

    with pytest.raises(Killed):
        fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=state_dir, progress=kill)
