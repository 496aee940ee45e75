"""A refit learns what was held out, with each loss and each way to train: the newest item follows the last one."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.evaluation.evaluate import evaluate
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, steps_per_epoch
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.training.refitting import Schedule, train_steps
from pnfrec_keras.training.warm import WarmStart

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("untraced")]
KNOWN, USERS, LENGTH = 12, 48, 6
NEW = KNOWN + 1
MODEL = ModelConfig(variant="SASRec_p", max_length=LENGTH, dim=16, num_blocks=1, dropout=0.0)
TRAINING = TrainingConfig(batch_size=24, learning_rate=0.02)


def rows(newest: int) -> TrainingArrays:
    """Users walk along the items by their numbers, round and round: to the first one after the newest."""
    walks = ((np.arange(USERS)[:, None] + np.arange(LENGTH + 1)) % newest + 1).astype(np.int32)
    days = {"positive": np.tile(np.arange(LENGTH + 1, dtype=np.float32), (USERS, 1))}
    return TrainingArrays(walks, np.zeros((USERS, LENGTH + 1), np.int32), days=days)


def next_of_the_last() -> EvaluationArrays:
    """Who has just met the last item that the judged model knew."""
    history = np.arange(NEW - LENGTH, NEW, dtype=np.int32)[None]
    return EvaluationArrays(history, [history[0]], np.array([NEW], np.int32), np.ones(1, np.int32))


def first(model: Any) -> bool:
    return evaluate(model, next_of_the_last())["ndcg_p"] == pytest.approx(1.0)


def refit(network: ModelConfig, training: TrainingConfig, data: TrainingArrays, **more: Any) -> Any:
    an_epoch = steps_per_epoch(data, training.batch_size)
    return train_steps(NEW, data, network, training, Schedule(60, an_epoch), state_dir=None, **more).model


@pytest.mark.parametrize(
    ("network", "training"),
    [
        ({"loss": "softmax"}, {}),
        ({"loss": "sampled_softmax", "sampled_items": 6}, {}),
        ({"loss": "gbce", "sampled_items": 6}, {}),
        ({}, {"average_epochs": 2.0}),
        ({"trend_days": 3.0}, {}),
        ({"loss": "gbce", "sampled_items": 6}, {"average_epochs": 2.0}),
    ],
    ids=lambda each: " ".join(f"{name} {value}" for name, value in each.items()) or "plain",
)
def test_it_learns_what_was_held_out(network: dict[str, Any], training: dict[str, Any]) -> None:
    settings = dataclasses.replace(MODEL, **network), dataclasses.replace(TRAINING, **training)
    assert first(refit(*settings, rows(NEW)))
    # The same network and steps without the newest rows do not know: it is the rows that teach.
    assert not first(refit(*settings, rows(KNOWN)))


def test_a_warm_one_learns_it_too() -> None:
    ids = [f"item {number}" for number in range(1, NEW + 1)]
    earlier = train_steps(KNOWN, rows(KNOWN), MODEL, TRAINING, Schedule(60, 2), state_dir=None).model
    counts = np.arange(NEW, 0, -1)
    known, all_items = (Vocabulary(ids[:number], counts[:number], counts[:number]) for number in (KNOWN, NEW))
    start = WarmStart(earlier, known, all_items)
    assert first(refit(MODEL, TRAINING, rows(NEW), initial=start))
