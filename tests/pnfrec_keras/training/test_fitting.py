"""Training: early stopping, resume, strategies and refusals."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_core import events
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.training import fitting

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
    return fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / name)


def test_what_is_trained_and_what_comes_of_it_is_reported(tmp_path: Path) -> None:
    seen: list[events.Event] = []
    config = TrainingConfig(epochs=3, batch_size=10, learning_rate=0.01)
    result = fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path, report=seen.append)
    started, compiling, first_step, *epochs, done = seen
    assert started == events.TrainingStarted(
        settings={
            "variant": "PNFRec",
            "width": 8,
            "blocks": 1,
            "histories of up to": 5,
            "alpha": MODEL.alpha,
            "beta": MODEL.beta,
        },
        users=24,
        interactions=24 * 6 * 2,
        items=ITEMS,
        validation_examples=24,
    )
    assert compiling == events.Compiling()
    assert isinstance(first_step, events.FirstStepDone)
    assert (first_step.steps, first_step.seconds > 0) == (3, True)
    assert epochs == [
        events.EpochDone(number, 3, epoch["loss"], epoch["val_ndcg_p"], epoch["val_hr_p"])
        for number, epoch in enumerate(result.history, 1)
    ]
    best = result.history[result.best_epoch - 1]
    assert done == events.TrainingDone(len(result.history), result.best_epoch, best["val_ndcg_p"])


@pytest.mark.parametrize(
    ("variant", "names", "sequences"),
    [("SASRec_p", (), 1), ("PNFRec_pn", ("alpha",), 2), ("PNFRec_pc", ("beta",), 2)],
)
def test_only_weights_and_sequences_that_count_are_reported(
    tmp_path: Path, variant: str, names: tuple[str, ...], sequences: int
) -> None:
    seen: list[events.Event] = []
    model = dataclasses.replace(MODEL, variant=variant)  # type: ignore[arg-type]
    config = TrainingConfig(epochs=1, batch_size=30)
    fitting.fit(ITEMS, *arrays(), model, config, state_dir=tmp_path, report=seen.append)
    started = seen[0]
    assert isinstance(started, events.TrainingStarted)
    assert tuple(started.settings) == ("variant", "width", "blocks", "histories of up to", *names)
    assert started.interactions == 24 * 6 * sequences
    assert isinstance(seen[2], events.FirstStepDone), "also where an epoch has one step"


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    seen: list[int] = []
    train, validation = arrays()
    config = TrainingConfig(epochs=6, batch_size=10, learning_rate=0.01)
    result = fitting.fit(
        *(ITEMS, train, validation, MODEL, config),
        state_dir=tmp_path / "state",
        log_dir=tmp_path / "logs",
        progress=lambda epoch, _: seen.append(epoch),
    )
    scores = [epoch["val_ndcg_p"] for epoch in result.history]
    assert seen == list(range(1, len(scores) + 1))
    assert result.best_epoch == 1 + int(np.argmax(scores))
    again = result.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(scores), abs=1e-6)
    fitting.discard_state(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize(("learning_rate", "average_epochs"), [(0.3, 0.0), (1.0, 0.0), (0.3, 0.5)])
def test_worse_epochs_after_the_best_do_not_spoil_the_weights(
    tmp_path: Path, learning_rate: float, average_epochs: float
) -> None:
    """Steps far too long, so that the last epoch is not the best."""
    result = fit(tmp_path, learning_rate=learning_rate, average_epochs=average_epochs)
    scores = [epoch["val_ndcg_p"] for epoch in result.history]
    assert scores[-1] < max(scores) - 0.01
    assert result.best_epoch < len(scores)
    again = result.model.evaluate(*arrays()[1].inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(scores), abs=1e-6)


def test_histories_without_a_known_item_are_ranked_by_the_popularity_given(tmp_path: Path) -> None:
    train, validation = arrays()
    nothing = EvaluationArrays(
        np.zeros_like(validation.positive),
        [np.zeros(0, np.int32)] * len(validation.target),
        np.full_like(validation.target, 7),
        validation.is_positive,
    )
    popularity = np.zeros(ITEMS + 1)
    popularity[[7, 3]] = 2.0, 5.0
    config = TrainingConfig(epochs=1, batch_size=10)
    result = fitting.fit(ITEMS, train, nothing, MODEL, config, state_dir=tmp_path, popularity=popularity)
    # Item 7 is the second of all.
    assert result.history[0]["val_mrr_p"] == pytest.approx(0.5)


def kill_after(epoch: int, config: TrainingConfig, state_dir: Path) -> None:
    """Trains, and is cut off at the end of an epoch."""

    class Killed(BaseException):
        pass

    def kill(done: int, logs: dict[str, float]) -> None:
        del logs
        if done == epoch:
            raise Killed

    with pytest.raises(Killed):
        fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=state_dir, progress=kill)


@pytest.mark.parametrize("average_epochs", [0.0, 1.5])
def test_it_stops_when_validation_no_longer_improves(tmp_path: Path, average_epochs: float) -> None:
    # A step of no size learns nothing: every epoch after the first is no better.
    result = fit(tmp_path, epochs=30, patience=2, learning_rate=1e-12, average_epochs=average_epochs)
    assert len(result.history) == 3
    assert result.best_epoch == 1


@pytest.mark.parametrize(("min_epochs", "epochs"), [(2, 3), (3, 3), (4, 4), (7, 7), (50, 30)])
def test_patience_waits_for_the_least_number_of_epochs(tmp_path: Path, min_epochs: int, epochs: int) -> None:
    result = fit(tmp_path, epochs=30, patience=2, min_epochs=min_epochs, learning_rate=1e-12)
    assert len(result.history) == epochs
    assert result.best_epoch == 1, "an epoch before it may be the best"


@pytest.mark.parametrize("stop_after", [4, 7])
def test_killed_while_patience_waits_it_goes_on_to_the_least_number_of_epochs(tmp_path: Path, stop_after: int) -> None:
    config = TrainingConfig(epochs=30, patience=2, min_epochs=7, batch_size=10, learning_rate=1e-12)
    kill_after(stop_after, config, tmp_path)
    resumed = fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path)
    assert (resumed.resumed_from, len(resumed.history), resumed.best_epoch) == (stop_after, 7, 1)


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    first, second, other = fit(tmp_path, "a"), fit(tmp_path, "b"), fit(tmp_path, "c", seed=43)
    assert first.history == second.history
    for one, two in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert first.history != other.history


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_kept_is_the_average_of_the_weights_of_the_steps(tmp_path: Path, precision: str) -> None:
    """An epoch is one step here, and the state after each holds the weights that training goes on from."""
    steps: list[list[Any]] = []

    def keep(epoch: int, logs: dict[str, float]) -> None:
        del epoch, logs
        with np.load(tmp_path / "state.npz") as state:
            steps.append([state[f"variable_{number}"] for number in range(int(state["variable_count"]))])

    config = TrainingConfig(
        epochs=8,
        batch_size=24,
        learning_rate=0.01,
        average_epochs=2.0,
        precision=precision,  # type: ignore[arg-type]
    )
    train, validation = arrays()
    result = fitting.fit(ITEMS, train, validation, MODEL, config, state_dir=tmp_path, progress=keep)
    assert result.best_epoch > 1, "an average of one step tells nothing"
    place = {id(variable): number for number, variable in enumerate(result.model.variables)}
    decay = np.exp(-1 / 2)
    for variable in result.model.trainable_variables:
        own = [step[place[id(variable)]] for step in steps[: result.best_epoch]]
        average = own[0]
        for weights in own[1:]:
            average = decay * average + (1 - decay) * weights
        np.testing.assert_allclose(variable.numpy(), average, rtol=1e-4, atol=1e-6)
        assert not np.allclose(average, own[-1], rtol=1e-3), "training goes on from its own weights"
    again = result.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(result.history[result.best_epoch - 1]["val_ndcg_p"], abs=1e-6)


def test_before_the_first_step_the_average_is_of_the_weights_that_there_are() -> None:
    """A scaled loss may overflow in all steps of the first epoch, which is then judged by this."""
    config = TrainingConfig(average_epochs=1.0, precision="mixed_float16")
    model = fitting.build_model(ITEMS, MODEL, config, steps=3)
    averages = [variable for variable in model.optimizer.variables if variable.path.endswith("_average")]
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(average, variable)


def test_training_itself_takes_no_notice_of_the_average(tmp_path: Path) -> None:
    plain, averaged = fit(tmp_path, "plain"), fit(tmp_path, "averaged", average_epochs=1.0)
    assert [epoch["loss"] for epoch in averaged.history] == [epoch["loss"] for epoch in plain.history]
    assert [epoch["val_mrr_p"] for epoch in averaged.history] != [epoch["val_mrr_p"] for epoch in plain.history]


def test_a_compiled_step_averages_the_same(tmp_path: Path) -> None:
    model = dataclasses.replace(MODEL, dropout=0.0)
    plain, compiled = (
        fitting.fit(
            *(ITEMS, *arrays(), model),
            TrainingConfig(epochs=3, batch_size=12, learning_rate=0.01, average_epochs=1.0, jit_compile=jit_compile),
            state_dir=tmp_path / str(jit_compile),
        )
        for jit_compile in (False, True)
    )
    for one, two in zip(plain.history, compiled.history, strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    for one, two in zip(plain.model.get_weights(), compiled.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("average_epochs", [0.0, 1.5])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_killed_and_resumed_it_ends_like_the_uninterrupted_run(
    tmp_path: Path, stop_after: int, average_epochs: float
) -> None:
    config = TrainingConfig(epochs=6, patience=6, batch_size=10, learning_rate=0.01, average_epochs=average_epochs)
    kill_after(stop_after, config, tmp_path / "killed")
    assert (tmp_path / "killed" / "state.npz").exists()
    resumed = fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "killed")
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
    resumed = fitting.fit(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "killed")
    assert resumed.resumed_from == 6
    validation = arrays()[1]
    again = resumed.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(max(epoch["val_ndcg_p"] for epoch in resumed.history), abs=1e-6)


_MIRRORED = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.pnfrec_keras.training.test_fitting import MODEL, ITEMS, ragged_arrays
from pnfrec_keras import training
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.examples.vocabulary import Vocabulary
ids = [f"item {number}" for number in range(1, ITEMS + 1)]
vocabulary = Vocabulary(ids, np.arange(ITEMS, 0, -1), np.arange(ITEMS, 0, -1))
request = {
    "positive_item_ids": tf.constant([ids[:4], [*ids[5:8], ""]]),
    "exclude_item_ids": tf.constant([ids[:2], ids[5:7]]),
    "k": tf.constant([5]),
}
found = {}
for name, strategy, precision, average in (
    ("one", "none", "float32", 0.0), ("two", "mirrored", "float32", 0.0), ("half", "mirrored", "mixed_bfloat16", 0.0),
    ("one, averaged", "none", "float32", 1.0), ("two, averaged", "mirrored", "float32", 1.0),
):
    config = TrainingConfig(
        epochs=2, batch_size=9, evaluation_batch_size=8, learning_rate=0.01, strategy=strategy, precision=precision,
        average_epochs=average)
    model = dataclasses.replace(MODEL, dropout=0.0)
    folder = Path(sys.argv[1]) / name
    result = training.fit(ITEMS, *ragged_arrays(), model, config, state_dir=folder / "state")
    assert (result.model.distribute_strategy.num_replicas_in_sync == 2) == (strategy == "mirrored")
    found[name] = {"history": result.history}
    if average:
        continue
    export_saved_model(result.model, vocabulary, folder / "export")
    served = tf.saved_model.load(str(folder / "export")).signatures["serving_default"](**request)
    found[name] |= {
        "items": [[item.decode() for item in row] for row in served["item_ids"].numpy()],
        "scores": served["scores"].numpy().tolist(),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two epochs and an export on one device, on two, and on two in half precision."""
    folder = tmp_path_factory.mktemp("mirrored")
    done = subprocess.run(
        [sys.executable, "-c", _MIRRORED, str(folder)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("averaged", ["", ", averaged"])
def test_two_mirrored_devices_take_the_same_steps_as_one(mirrored: dict[str, Any], averaged: str) -> None:
    for one, two in zip(mirrored[f"one{averaged}"]["history"], mirrored[f"two{averaged}"]["history"], strict=True):
        assert two == pytest.approx(one, rel=1e-4)
        # Both groups were measured, and no measure is all or nothing.
        assert 0 < one["val_ndcg_p"] != one["val_ndcg_n"]
    plain, average = mirrored["two"]["history"], mirrored["two, averaged"]["history"]
    assert [epoch["val_mrr_p"] for epoch in average] != [epoch["val_mrr_p"] for epoch in plain]


def test_their_export_answers_like_that_of_one(mirrored: dict[str, Any]) -> None:
    assert mirrored["two"]["items"] == mirrored["one"]["items"]
    np.testing.assert_allclose(mirrored["two"]["scores"], mirrored["one"]["scores"], rtol=1e-3)


def test_half_precision_on_two_devices_stays_close_and_exports(mirrored: dict[str, Any]) -> None:
    for one, half in zip(mirrored["one"]["history"], mirrored["half"]["history"], strict=True):
        assert half["loss"] == pytest.approx(one["loss"], rel=0.02)
    assert mirrored["half"]["history"] != mirrored["one"]["history"]
    assert [len(set(row)) for row in mirrored["half"]["items"]] == [5, 5]
    # Scores of bfloat16 would have 8 bits: an export in float32 has more.
    bits = np.array(mirrored["half"]["scores"], np.float32).view(np.uint32)
    assert (bits & 0xFFFF).any()


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
    other = fitting.fit(ITEMS, *arrays(), wider, config, state_dir=tmp_path / "state")
    assert other.resumed_from == 0
    assert "another version of the network" in caplog.text


def test_a_loss_that_is_no_number_stops_at_once(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"became (nan|inf) in epoch \d.* Lower `training.learning_rate`"):
        fit(tmp_path, learning_rate=1e30)


def test_data_that_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    train, validation = arrays()
    config = TrainingConfig()
    lonely = TrainingArrays(np.where(np.arange(6) == 0, train.positive, 0).astype(np.int32), train.negative)
    with pytest.raises(ValueError, match="No training user has two items"):
        fitting.fit(ITEMS, lonely, validation, MODEL, config, state_dir=tmp_path)
    disliked = EvaluationArrays(validation.positive, validation.seen, validation.target, np.zeros(24, np.int32))
    with pytest.raises(ValueError, match="no positive target"):
        fitting.fit(ITEMS, train, disliked, MODEL, config, state_dir=tmp_path)


@pytest.mark.parametrize(
    ("section", "setting", "message"),
    [
        (TrainingConfig, {"epochs": 0}, r"`training.epochs` must be at least 1. Received: 0."),
        (TrainingConfig, {"seed": 2**32}, r"`training.seed` must be in \[0, 2\*\*32\)"),
        (TrainingConfig, {"strategy": "mirrored", "jit_compile": True}, r"`training.jit_compile` must be false with"),
        (TrainingConfig, {"average_epochs": -1.0}, r"`training.average_epochs` must be 0 or more and finite"),
        (TrainingConfig, {"learning_rate": 0.0}, r"`training.learning_rate` must be above 0"),
        (TrainingConfig, {"learning_rate": float("inf")}, r"`training.learning_rate` must be above 0 and finite"),
        (ModelConfig, {"beta": float("nan")}, r"`model.beta` must be 0 or more and finite. Received: nan"),
        (ModelConfig, {"temperature": float("inf")}, r"`model.temperature` must be above 0 and finite"),
        (ModelConfig, {"dim": 10, "num_heads": 3}, r"`model.dim` must be a multiple of num_heads \(3\)"),
        (ModelConfig, {"dropout": 1.0}, r"`model.dropout` must be in \[0, 1\)"),
        (ModelConfig, {"alpha": -1.0}, r"`model.alpha` must be 0 or more"),
        (ModelConfig, {"soft_boundary": -0.5}, r"`model.soft_boundary` must be 0 or more and finite. Received: -0.5"),
        (ModelConfig, {"soft_boundary": float("inf")}, r"`model.soft_boundary` must be 0 or more and finite"),
    ],
)
def test_settings_out_of_range_are_refused(section: Any, setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        section(**setting)
