"""Training for a number of steps: on the same data it comes to the very weights that were judged."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_core import events
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import steps_per_epoch
from pnfrec_keras.training import fitting
from pnfrec_keras.training.refitting import RefitResult, Schedule, train_steps
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays

pytestmark = pytest.mark.tensorflow


def refit(folder: Path | None, config: TrainingConfig, steps: int, an_epoch: int, **options: Any) -> RefitResult:
    return train_steps(ITEMS, arrays()[0], MODEL, config, Schedule(steps, an_epoch), state_dir=folder, **options)


@pytest.mark.parametrize("average", [0.0, 1.5], ids="average of {} epochs".format)
def test_on_the_same_data_it_is_the_model_that_was_judged(tmp_path: Path, average: float) -> None:
    config = TrainingConfig(epochs=5, patience=5, batch_size=10, learning_rate=0.01, average_epochs=average)
    judged = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "judged")
    an_epoch = steps_per_epoch(arrays()[0], 10)
    found = refit(None, config, judged.best_epoch * an_epoch, an_epoch)
    for one, two in zip(found.model.get_weights(), judged.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [epoch["loss"] for epoch in found.losses] == [epoch["loss"] for epoch in judged.history[: judged.best_epoch]]


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_it_learns_from_dislikes_as_the_judged_one_did(tmp_path: Path, eta: float) -> None:
    """Also where the data tell places that the model does not read."""
    train, validation = arrays()
    train = dataclasses.replace(train, disliked=train.negative[:, :5], disliked_at=np.zeros((24, 5), np.int32))
    network = dataclasses.replace(MODEL, eta=eta)
    config = TrainingConfig(epochs=3, patience=3, batch_size=10, learning_rate=0.01)
    judged = fitting.train(ITEMS, train, validation, network, config, state_dir=tmp_path)
    an_epoch = steps_per_epoch(train, 10)
    schedule = Schedule(judged.best_epoch * an_epoch, an_epoch)
    found = train_steps(ITEMS, train, network, config, schedule, state_dir=None)
    for one, two in zip(found.model.get_weights(), judged.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    if eta:
        with pytest.raises(ValueError, match="need the places of dislikes"):
            train_steps(ITEMS, arrays()[0], network, config, schedule, state_dir=None)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("average", [0.0, 1.5], ids="average of {} epochs".format)
def test_it_ends_in_the_midst_of_an_epoch_and_goes_on_after_a_kill(tmp_path: Path, average: float) -> None:
    config = TrainingConfig(batch_size=10, learning_rate=0.01, average_epochs=average)
    an_epoch = steps_per_epoch(arrays()[0], 10)
    assert an_epoch > 1
    steps = 2 * an_epoch + 1
    reported: list[events.Event] = []
    whole = refit(None, config, steps, an_epoch + 3, report=reported.append)
    done = [event.step for event in reported if isinstance(event, events.StepsDone)]
    assert done == [an_epoch, 2 * an_epoch, steps]
    assert int(whole.model.optimizer.iterations) == steps

    class Killed(Exception):  # noqa: N818 (no error)
        pass

    def kill(event: events.Event) -> None:
        if isinstance(event, events.StepsDone) and event.step == 2 * an_epoch:
            raise Killed

    with pytest.raises(Killed):
        refit(tmp_path, config, steps, an_epoch + 3, report=kill)
    for resumed_from in (2, 3):  # the second time nothing is left to do
        resumed = refit(tmp_path, config, steps, an_epoch + 3)
        assert resumed.resumed_from == resumed_from
        for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_schedule_has_steps() -> None:
    with pytest.raises(ValueError, match=r"`steps` of a schedule must be at least 1. Received: 0"):
        Schedule(0, 4)
