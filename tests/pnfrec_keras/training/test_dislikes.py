"""Training that learns from dislikes in the ranking: what is read, what it does to a model, and what is refused."""

import dataclasses
import functools
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras import fit
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, training_arrays
from pnfrec_keras.examples.frames import arrays_from_frame
from pnfrec_keras.examples.records import needs_of, read_training
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights
from pnfrec_keras.training import fitting
from tests.pnfrec_keras.network import test_variants
from tests.pnfrec_keras.training import chain
from tests.pnfrec_keras.training.killing import killed_and_resumed
from tests.pnfrec_keras.writing import training_example, write_records

pytestmark = pytest.mark.tensorflow

NETWORK = ModelConfig(variant="SASRec_p", max_length=5, dim=8, num_blocks=1, dropout=0.0)


def placed(train: TrainingArrays) -> TrainingArrays:
    """All users dislike item 12 after their second like."""
    disliked, at = (np.zeros((len(train), 5), np.int32) for _ in range(2))
    disliked[:, 0], at[:, 0] = 12, 1
    return dataclasses.replace(train, disliked=disliked, disliked_at=at)


def test_files_and_lists_tell_the_same_places(tmp_path: Path) -> None:
    # u likes 1 and 2, dislikes 9 and an item that no model knows between them, and 5 after them.
    write_records(
        tmp_path / "a.gz",
        [
            training_example("u", ["1", "2"], ["9", "unknown", "5"], [1, 0, 0, 1, 0], days=[1, 2, 3, 4, 5.5]),
            training_example("v", ["3"], ["4"], [0, 1], days=[1, 2]),
        ],
    )
    wanted = {**needs_of(dataclasses.replace(NETWORK, eta=1.0, trend_days=3.0))}
    assert wanted == {"mixed": False, "margins": False, "days": True, "dislikes": True}
    read = read_training(str(tmp_path / "a.gz"), test_variants.VOCABULARY, 3, **wanted)
    assert read.disliked is not None
    index = test_variants.VOCABULARY.index()
    assert read.disliked.tolist() == [[index["9"], index["5"], 0], [0, 0, 0]]
    assert read.disliked_at is not None
    assert read.disliked_at.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert read.days is not None
    assert read.days["disliked"].tolist() == [[2, 5.5, 0], [0, 0, 0]]
    mixed = [[("1", True), ("9", False), ("unknown", False), ("2", True), ("5", False)], [("4", False), ("3", True)]]
    made = training_arrays([["1", "2"], ["3"]], [["9", "5"], ["4"]], test_variants.VOCABULARY, 3, mixed, dislikes=True)
    for name in ("positive", "negative", "disliked", "disliked_at"):
        np.testing.assert_array_equal(getattr(made, name), getattr(read, name))
    with pytest.raises(ValueError, match="`dislikes` needs `mixed`"):
        training_arrays([["1"]], [[]], test_variants.VOCABULARY, 3, dislikes=True)


def test_the_state_after_the_last_like_is_there_for_the_dislikes_behind_it() -> None:
    train = TrainingArrays(np.array([[3, 4, 0, 0]], np.int32), np.zeros((1, 4), np.int32))
    x, y = train.inputs_and_labels()
    assert x["positive"].tolist() == [[3, 0, 0]]
    after = dataclasses.replace(train, disliked=np.array([[7, 0, 0]], np.int32), disliked_at=np.array([[1, 0, 0]]))
    x, y = after.inputs_and_labels()
    assert x["positive"].tolist() == [[3, 4, 0]]
    assert y["positive"].tolist() == [[4, 0, 0]]
    assert (y["disliked"].tolist(), y["disliked_places"].tolist()) == ([[7, 0, 0]], [[1, 0, 0]])


def losses_of(arrays: TrainingArrays, *, learns: bool, **settings: Any) -> dict[str, float]:
    """What a step logs, and Keras' `evaluate` of the same batch, of a model that always has the same weights."""
    keras.utils.set_random_seed(5)
    model = PNFRec(chain.ITEMS, dataclasses.replace(NETWORK, position_std=1.0, **settings))
    model.compile("sgd", run_eagerly=True)
    x, y = arrays.inputs_and_labels()
    logs = model.train_on_batch(x, y, return_dict=True) if learns else model.test_on_batch(x, y, return_dict=True)
    return {name: float(value) for name, value in logs.items()}


@pytest.mark.parametrize("positions", ["from_start", "from_end"])
@pytest.mark.parametrize("learns", [True, False])
def test_likes_are_learned_at_the_positions_that_they_have_without_the_terms(positions: str, learns: bool) -> None:
    """The state after a last like is read for dislikes alone: the end that ranking asks from is the one before."""
    train, _ = chain.ragged_arrays()
    plain = losses_of(train, learns=learns, positions=positions)
    found = losses_of(placed(train), learns=learns, positions=positions, eta=1.0)
    assert found["loss_positive"] == pytest.approx(plain["loss_positive"], rel=1e-6)
    assert found["loss_rejection"] > 0


def test_positions_from_the_end_need_to_know_which_likes_have_labels() -> None:
    model = PNFRec(chain.ITEMS, NETWORK, eta=1.0, positions="from_end")
    model.compile("sgd", run_eagerly=True)
    x, y = placed(chain.arrays()[0]).inputs_and_labels()
    with pytest.raises(ValueError, match="inputs of a training batch must be a dict with positive_labelled, of whole"):
        model.train_on_batch({name: x[name] for name in ("positive", "negative")}, y)


@pytest.mark.parametrize("loss", ["softmax", "gbce"])
@pytest.mark.parametrize("share", ["like", "user"])
def test_dislikes_near_the_boundary_count_less_as_likes_do(loss: str, share: str) -> None:
    train = placed(chain.arrays()[0])

    def found(likes: float, dislikes: float) -> list[float]:
        margins = {"positive": np.full((24, 6), likes), "disliked": np.full((24, 5), dislikes)}
        margins = {name: values.astype(np.float32) for name, values in margins.items()}
        settings: dict[str, Any] = {"loss": loss, "sampled_items": 8, "eta_share": share, "soft_boundary": 2.0}
        arrays = dataclasses.replace(train, margins=margins)
        logs = losses_of(arrays, learns=True, eta=1.0, preference=1.0, **settings)
        return [logs["loss_rejection"], logs["loss_preference"]]

    full = found(2.0, 2.0)
    # As far from the boundary as the likes are, dislikes weigh what they weigh without one.
    assert found(0.5, 0.5) == pytest.approx(full, rel=1e-5)
    # Of a user's dislikes together the weight is that of the likes, however near the boundary they are.
    wanted = [0.25 * each for each in full] if share == "like" else full
    assert found(2.0, 0.5) == pytest.approx(wanted, rel=1e-5)
    assert found(2.0, 0.0) == [0.0, 0.0]


def share_of(model: PNFRec, histories: Any, item: int) -> float:
    """The probability that the model gives an item after histories, in the mean."""
    scores = model.scores(histories).numpy()[:, 1:]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return float((chances / chances.sum(axis=1, keepdims=True))[:, item - 1].mean())


@functools.cache
def share_of_the_disliked(loss: str, **weights: float) -> tuple[float, frozenset[str]]:
    """What a model that was trained with the weights of terms gives the disliked item, and what it logged."""
    train, _ = chain.arrays()
    settings: dict[str, Any] = {"loss": loss, "sampled_items": 8, **weights}
    keras.utils.set_random_seed(3)
    model = PNFRec(chain.ITEMS, dataclasses.replace(NETWORK, **settings))
    model.compile(keras.optimizers.Adam(0.01))
    logs = model.fit(*placed(train).inputs_and_labels(), batch_size=24, epochs=60, verbose=0, shuffle=False).history
    # After the histories of users who do not like it next.
    return share_of(model, train.positive[train.positive[:, 2] != 12][:, :2], 12), frozenset(logs)


@pytest.mark.parametrize(
    ("term", "loss"),
    [("eta", "softmax"), ("preference", "softmax"), ("eta", "sampled_softmax"), ("eta", "gbce")],
)
def test_what_users_dislike_is_recommended_less(term: str, loss: str) -> None:
    without, nothing = share_of_the_disliked(loss)
    found, logs = share_of_the_disliked(loss, **{term: 5.0})
    assert not {"loss_rejection", "loss_preference"} & nothing
    assert ("loss_rejection" in logs) == (term == "eta")
    assert ("loss_preference" in logs) == (term == "preference")
    assert found < 0.5 * without


@pytest.mark.usefixtures("untraced")
def test_with_both_weights_0_places_change_nothing(tmp_path: Path) -> None:
    train, validation = chain.arrays()
    config = TrainingConfig(epochs=2, batch_size=10)
    network = dataclasses.replace(NETWORK, dropout=0.2)
    weights = [
        get_named_weights(
            fitting.train(*(chain.ITEMS, data, validation, network, config), state_dir=tmp_path / n).model
        )
        for n, data in (("a", train), ("b", placed(train)))
    ]
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name])


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "gbce"])
def test_xla_and_the_default_take_the_same_step(loss: str) -> None:
    train, _ = chain.ragged_arrays()
    x, y = placed(train).inputs_and_labels()
    logs = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(4)
        model = PNFRec(chain.ITEMS, NETWORK, eta=0.5, preference=0.25, loss=loss, sampled_items=8)
        weights = np.random.default_rng(6)
        for variable in model.trainable_variables:
            variable.assign(weights.normal(scale=0.3, size=variable.shape))
        model.compile("sgd", jit_compile=jit_compile)
        logs.append({name: float(value) for name, value in model.train_on_batch(x, y, return_dict=True).items()})
        logs[-1]["table"] = float(np.abs(model.item_embedding.embeddings.numpy()).sum())
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)


@pytest.mark.usefixtures("untraced")
def test_killed_and_resumed_with_a_trend_it_ends_like_the_uninterrupted_run(tmp_path: Path) -> None:
    train, validation = chain.ragged_arrays()
    days = np.random.default_rng(2).uniform(0, 60, train.positive.shape).astype(np.float32)
    dated = dataclasses.replace(placed(train), days={"positive": days, "negative": days, "disliked": days[:, :5]})
    network = dataclasses.replace(NETWORK, eta=0.5, dropout=0.2, trend_days=10.0)
    config = TrainingConfig(epochs=4, batch_size=10, learning_rate=0.01)
    run = partial(fitting.train, chain.ITEMS, dated, validation, network, config)
    killed_and_resumed(run, tmp_path)


def test_what_cannot_be_learned_is_refused(tmp_path: Path) -> None:
    train, validation = chain.arrays()
    network = dataclasses.replace(NETWORK, eta=1.0)
    with pytest.raises(ValueError, match="need the places of dislikes: read the training data with `dislikes=True`"):
        fitting.train(chain.ITEMS, train, validation, network, TrainingConfig(), state_dir=tmp_path)
    none = dataclasses.replace(placed(train), disliked=np.zeros((24, 5), np.int32))
    with pytest.raises(ValueError, match="No training user has a dislike after a like"):
        fitting.train(chain.ITEMS, none, validation, network, TrainingConfig(), state_dir=tmp_path)
    margins = {"positive": np.ones((24, 6), np.float32)}
    soft, near = dataclasses.replace(network, soft_boundary=1.0), dataclasses.replace(placed(train), margins=margins)
    with pytest.raises(ValueError, match="needs the margins of interactions"):
        fitting.train(chain.ITEMS, near, validation, soft, TrainingConfig(), state_dir=tmp_path)
    for settings, message in (
        ({"eta": -1.0}, "`model.eta` must be 0 or more and finite"),
        ({"eta": 1.0, "variant": "SASRec"}, "`model.eta` must be 0 with `model.variant: SASRec`, which has no encoder"),
        ({"preference": 1.0, "variant": "SASRec_c"}, "`model.preference` must be 0 with `model.variant: SASRec_c`"),
        (
            {"eta": 1.0, "eta_top": 100, "loss": "gbce"},
            "`model.eta_top` must be 0 with `model.loss: gbce`: it ranks all items",
        ),
        ({"eta_top": -1}, "`model.eta_top` must be 0 or more"),
        ({"eta_share": "all"}, "`model.eta_share` must be one of like, user"),
    ):
        with pytest.raises(ValueError, match=message):
            ModelConfig(**settings)  # type: ignore[arg-type]


def test_settings_that_do_nothing_are_one_model() -> None:
    plain = ModelConfig(variant="SASRec_p")
    assert dataclasses.replace(plain, eta_top=5, eta_share="user").effective() == plain.effective()
    learned = dataclasses.replace(plain, eta=0.5, weighting="decay", half_life=7, eta_top=5)
    assert dataclasses.replace(learned.effective(), alpha=plain.alpha, beta=plain.beta) == learned


def test_a_frame_tells_the_places_where_it_is_asked() -> None:
    frame = {
        "user": ["u"] * 5,
        "item": ["a", "b", "c", "d", "e"],
        "value": [5, 1, 5, 2, 5],
        "timestamp": [1, 2, 3, 4, 5],
    }
    assert arrays_from_frame(frame, positive=4, max_length=3).training.disliked is None
    vocabulary, training, validation = arrays_from_frame(frame, positive=4, max_length=3, dislikes=True)
    index = vocabulary.index()
    assert training.disliked is not None
    assert training.disliked.tolist() == [[index["b"], index["d"], 0]]
    model = PNFRec(len(vocabulary), variant="SASRec_p", max_length=3, dim=8, eta=1.0)
    assert fit(model, training, validation, epochs=1).history[0]["loss_rejection"] > 0
