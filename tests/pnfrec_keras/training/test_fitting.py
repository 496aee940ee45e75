"""Training from settings: early stopping, the best weights, seeds, and refusals."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_core import events
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training import fitting
from pnfrec_keras.training.build import build_model
from pnfrec_keras.training.progress import training_started
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays, fit


def test_what_is_trained_and_what_comes_of_it_is_reported(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    seen: list[events.Event] = []
    config = TrainingConfig(epochs=3, batch_size=10, learning_rate=0.01)
    result = fitting.train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path, report=seen.append)
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
    assert not [warned for warned in recwarn if warned.category is UserWarning]


@pytest.mark.usefixtures("untraced")
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
    fitting.train(ITEMS, *arrays(), model, config, state_dir=tmp_path, report=seen.append)
    started = seen[0]
    assert isinstance(started, events.TrainingStarted)
    assert tuple(started.settings) == ("variant", "width", "blocks", "histories of up to", *names)
    assert started.interactions == 24 * 6 * sequences
    assert started.settings["histories of up to"] == 5
    assert isinstance(seen[2], events.FirstStepDone), "also where an epoch has one step"


def test_one_history_of_both_is_twice_as_long() -> None:
    mixed = dataclasses.replace(arrays()[0], mixed=np.ones((24, 11), np.int32))
    told = training_started(ITEMS, ModelConfig(variant="SASRec", max_length=5), mixed, None, 0).settings
    assert told["histories of up to"] == 10


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    seen: list[int] = []
    train, validation = arrays()
    config = TrainingConfig(epochs=6, batch_size=10, learning_rate=0.01)
    result = fitting.train(
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
    """Steps far too long, so that the last epoch is not the best; with which seed, the processor decides as well."""
    for seed in range(6):
        result = fit(tmp_path / str(seed), learning_rate=learning_rate, average_epochs=average_epochs, seed=seed)
        scores = [epoch["val_ndcg_p"] for epoch in result.history]
        again = result.model.evaluate(*arrays()[1].inputs_and_targets(), return_dict=True, verbose=0)
        assert float(again["ndcg_p"]) == pytest.approx(max(scores), abs=1e-6)
        if scores[-1] < max(scores) - 0.01:
            break
    assert scores[-1] < max(scores) - 0.01
    assert result.best_epoch < len(scores)


@pytest.mark.usefixtures("untraced")
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
    result = fitting.train(ITEMS, train, nothing, MODEL, config, state_dir=tmp_path, popularity=popularity)
    # Item 7 is the second of all.
    assert result.history[0]["val_mrr_p"] == pytest.approx(0.5)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("average_epochs", [0.0, 1.5])
def test_it_stops_when_validation_no_longer_improves(tmp_path: Path, average_epochs: float) -> None:
    # A step of no size learns nothing: every epoch after the first is no better.
    result = fit(tmp_path, epochs=30, patience=2, learning_rate=1e-12, average_epochs=average_epochs)
    assert len(result.history) == 3
    assert result.best_epoch == 1


@pytest.fixture(scope="module")
def idle() -> PNFRec:
    """A model whose steps have no size, so that it may be trained again and again and is traced once."""
    return build_model(ITEMS, MODEL, TrainingConfig(learning_rate=1e-12))


@pytest.mark.parametrize(("min_epochs", "epochs"), [(2, 3), (3, 3), (4, 4), (7, 7), (50, 30)])
def test_patience_waits_for_the_least_number_of_epochs(idle: PNFRec, min_epochs: int, epochs: int) -> None:
    config = TrainingConfig(epochs=30, patience=2, min_epochs=min_epochs, batch_size=10)
    result = fitting.fit(idle, *arrays(), config, verbose=0)
    assert len(result.history) == epochs
    assert result.best_epoch == 1, "an epoch before it may be the best"


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    first, second = fit(tmp_path, "a"), fit(tmp_path, "b")
    assert first.history == second.history
    for one, two in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_traced_fit_is_an_untraced_one_of_the_same_seed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    traced = fit(tmp_path, "traced", epochs=2)
    request.getfixturevalue("untraced")
    same = fit(tmp_path, "untraced", epochs=2)
    assert (traced.model.run_eagerly, same.model.run_eagerly) == (False, True)
    for one, two in zip(traced.history, same.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)


@pytest.mark.usefixtures("untraced")
def test_another_seed_begins_with_other_weights_and_another_order(tmp_path: Path) -> None:
    """Steps of no size leave the weights where they began."""
    first, other = (
        fit(tmp_path, str(seed), epochs=1, learning_rate=1e-12, seed=seed) for seed in (TrainingConfig.seed, 43)
    )
    assert first.history[0]["loss"] != pytest.approx(other.history[0]["loss"], rel=1e-4)
    tables = [result.model.item_embedding.embeddings.numpy()[1:] for result in (first, other)]
    assert not np.isclose(tables[0], tables[1], rtol=0.0, atol=1e-6).all(axis=1).any(), "no item has the same vector"


@pytest.mark.usefixtures("untraced")
def test_a_loss_that_is_no_number_stops_at_once(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"became (nan|inf) in epoch \d.* Lower `training.learning_rate`"):
        fit(tmp_path, learning_rate=1e30)


def test_data_that_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    train, validation = arrays()
    config = TrainingConfig()
    lonely = TrainingArrays(np.where(np.arange(6) == 0, train.positive, 0).astype(np.int32), train.negative)
    with pytest.raises(ValueError, match="No training user has two items"):
        fitting.train(ITEMS, lonely, validation, MODEL, config, state_dir=tmp_path)
    disliked = EvaluationArrays(validation.positive, validation.seen, validation.target, np.zeros(24, np.int32))
    with pytest.raises(ValueError, match="no positive target"):
        fitting.train(ITEMS, train, disliked, MODEL, config, state_dir=tmp_path)


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
