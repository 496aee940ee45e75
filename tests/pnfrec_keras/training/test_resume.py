"""A training that is killed goes on as if nothing had happened."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training import fitting
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays, fit, keeping, kill_after


def test_killed_while_patience_waits_it_goes_on_to_the_least_number_of_epochs(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=30, patience=2, min_epochs=7, batch_size=10, learning_rate=1e-12)
    kill_after(7, config, tmp_path / "7", keep={4: tmp_path / "4"})
    for stop_after in (4, 7):
        resumed = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / str(stop_after))
        assert (resumed.resumed_from, len(resumed.history), resumed.best_epoch) == (stop_after, 7, 1)


@dataclasses.dataclass(frozen=True)
class Whole:
    """A training that nothing interrupts.

    Attributes:
        config: Its settings.
        result: What it gives.
        states: For each epoch the folder that a kill after it would leave.
    """

    config: TrainingConfig
    result: fitting.TrainingResult
    states: dict[int, Path]


@pytest.fixture(scope="module", params=[0.0, 1.5], ids="average of {} epochs".format)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    config = TrainingConfig(epochs=6, patience=6, batch_size=10, learning_rate=0.01, average_epochs=request.param)
    states = {epoch: folder / f"after-{epoch}" for epoch in (1, 3, 6)}
    keep = keeping(folder / "state", states)
    result = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=folder / "state", progress=keep)
    return Whole(config, result, states)


@pytest.mark.parametrize("stop_after", [1, 3])
def test_killed_and_resumed_it_ends_like_the_uninterrupted_run(whole: Whole, stop_after: int) -> None:
    assert (whole.states[stop_after] / "state.npz").exists()
    resumed = fitting.train(ITEMS, *arrays(), MODEL, whole.config, state_dir=whole.states[stop_after])
    assert resumed.resumed_from == stop_after
    assert resumed.best_epoch == whole.result.best_epoch
    for one, two in zip(resumed.history, whole.result.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    for one, two in zip(resumed.model.get_weights(), whole.result.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_killed_after_the_last_epoch_it_only_finishes(whole: Whole) -> None:
    resumed = fitting.train(ITEMS, *arrays(), MODEL, whole.config, state_dir=whole.states[6])
    assert resumed.resumed_from == 6
    validation = arrays()[1]
    again = resumed.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(epoch["val_ndcg_p"] for epoch in resumed.history), abs=1e-6)


def test_a_state_that_cannot_be_used_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is looked at is the file; trainings of three steps are faster untraced.
    monkeypatch.setattr(PNFRec, "compile", functools.partialmethod(PNFRec.compile, run_eagerly=True))
    fit(tmp_path, epochs=1)
    file = tmp_path / "state" / "state.npz"
    whole = file.read_bytes()
    for damaged, reason in ((whole[: len(whole) // 2], "cannot be read"), (b"", "cannot be read")):
        file.write_bytes(damaged)
        assert fit(tmp_path, epochs=1).resumed_from == 0
        assert reason in caplog.text
        caplog.clear()
    wider = dataclasses.replace(MODEL, dim=16)
    config = TrainingConfig(epochs=1, batch_size=10)
    other = fitting.train(ITEMS, *arrays(), wider, config, state_dir=tmp_path / "state")
    assert other.resumed_from == 0
    assert "another version of the network" in caplog.text
