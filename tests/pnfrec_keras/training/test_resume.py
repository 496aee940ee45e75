"""A training that is killed goes on as if nothing had happened."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.training import fitting
from pnfrec_keras.training.warm import WarmStart
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays, fit, keeping, kill_after


@pytest.mark.usefixtures("untraced")
def test_killed_while_patience_waits_it_goes_on_to_the_least_number_of_epochs(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=30, patience=2, min_epochs=7, batch_size=10, learning_rate=1e-12)
    kill_after(7, config, tmp_path / "7", keep={epoch: tmp_path / str(epoch) for epoch in (4, 6)})
    for stop_after in (4, 6, 7):
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
    for one, two in zip(resumed.model.get_weights(), whole.result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    validation = arrays()[1]
    again = resumed.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(epoch["val_ndcg_p"] for epoch in resumed.history), abs=1e-6)


@pytest.mark.usefixtures("untraced")  # What is looked at is the file.
def test_a_state_that_cannot_be_used_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
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


OTHER_DATA = {
    "another user": lambda train, validation: (dataclasses.replace(train, negative=train.negative[::-1]), validation),
    "another validation": lambda train, validation: (train, validation.part(0, 20)),
}


@pytest.mark.usefixtures("untraced")  # What is looked at is the file.
@pytest.mark.parametrize("change", OTHER_DATA.values(), ids=OTHER_DATA.keys())
def test_a_finished_training_of_other_data_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    first = fit(tmp_path, epochs=1)
    config = TrainingConfig(epochs=1, patience=6, batch_size=10, learning_rate=0.01)
    again = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "state")
    assert again.resumed_from == 1  # the same training is not done twice
    assert again.history == first.history
    training, validation = change(*arrays())
    other = fitting.train(ITEMS, training, validation, MODEL, config, state_dir=tmp_path / "state")
    assert other.resumed_from == 0
    assert "is of a training on other data, or with other settings" in caplog.text


@pytest.mark.usefixtures("untraced")  # What is looked at is the file.
def test_other_settings_begin_anew_and_more_epochs_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fit(tmp_path, epochs=1)
    assert fit(tmp_path, epochs=2, patience=3, evaluation_batch_size=7).resumed_from == 1
    assert caplog.text.count("other settings") == 0
    assert fit(tmp_path, epochs=2, seed=43).resumed_from == 0
    config = TrainingConfig(epochs=2, batch_size=10, learning_rate=0.01, seed=43)
    for network in (dataclasses.replace(MODEL, beta=0.5), dataclasses.replace(MODEL, beta=0.7)):
        assert fitting.train(ITEMS, *arrays(), network, config, state_dir=tmp_path / "state").resumed_from == 0
    assert caplog.text.count("other settings") == 3


@pytest.mark.usefixtures("untraced")  # What is looked at is the file.
def test_a_training_that_begins_with_an_earlier_model_goes_on_from_its_own_state_alone(tmp_path: Path) -> None:
    earlier = fit(tmp_path, "earlier", epochs=1).model
    items = Vocabulary([f"i{item}" for item in range(ITEMS)], np.ones(ITEMS, np.int64), np.ones(ITEMS, np.int64))
    config = TrainingConfig(epochs=1, batch_size=10, learning_rate=0.01)
    for initial, epochs in ((None, 0), (WarmStart(earlier, items, items), 0), (WarmStart(earlier, items, items), 1)):
        done = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "state", initial=initial)
        assert done.resumed_from == epochs
