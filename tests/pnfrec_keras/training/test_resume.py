"""A training that is killed goes on as if nothing had happened."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.training import fitting
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays, fit, kill_after


@pytest.mark.parametrize("stop_after", [4, 7])
def test_killed_while_patience_waits_it_goes_on_to_the_least_number_of_epochs(tmp_path: Path, stop_after: int) -> None:
    config = TrainingConfig(epochs=30, patience=2, min_epochs=7, batch_size=10, learning_rate=1e-12)
    kill_after(stop_after, config, tmp_path)
    resumed = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path)
    assert (resumed.resumed_from, len(resumed.history), resumed.best_epoch) == (stop_after, 7, 1)


@pytest.mark.parametrize("average_epochs", [0.0, 1.5])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_killed_and_resumed_it_ends_like_the_uninterrupted_run(
    tmp_path: Path, stop_after: int, average_epochs: float
) -> None:
    config = TrainingConfig(epochs=6, patience=6, batch_size=10, learning_rate=0.01, average_epochs=average_epochs)
    kill_after(stop_after, config, tmp_path / "killed")
    assert (tmp_path / "killed" / "state.npz").exists()
    resumed = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "killed")
    whole = fit(tmp_path, "whole", average_epochs=average_epochs)
    assert resumed.resumed_from == stop_after
    assert resumed.best_epoch == whole.best_epoch
    for one, two in zip(resumed.history, whole.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("average_epochs", [0.0, 1.5])
def test_killed_after_the_last_epoch_it_only_finishes(tmp_path: Path, average_epochs: float) -> None:
    config = TrainingConfig(epochs=6, patience=6, batch_size=10, learning_rate=0.01, average_epochs=average_epochs)
    kill_after(6, config, tmp_path / "killed")
    resumed = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "killed")
    assert resumed.resumed_from == 6
    validation = arrays()[1]
    again = resumed.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(epoch["val_ndcg_p"] for epoch in resumed.history), abs=1e-6)


def test_a_state_that_cannot_be_used_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fit(tmp_path, epochs=2)
    file = tmp_path / "state" / "state.npz"
    whole = file.read_bytes()
    for damaged, reason in ((whole[: len(whole) // 2], "cannot be read"), (b"", "cannot be read")):
        file.write_bytes(damaged)
        assert fit(tmp_path, epochs=2).resumed_from == 0
        assert reason in caplog.text
        caplog.clear()
    wider = dataclasses.replace(MODEL, dim=16)
    config = TrainingConfig(epochs=2, batch_size=10)
    other = fitting.train(ITEMS, *arrays(), wider, config, state_dir=tmp_path / "state")
    assert other.resumed_from == 0
    assert "another version of the network" in caplog.text
