"""A warm start carries weights over by item id."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, training_arrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights
from pnfrec_keras.training.build import build_model
from pnfrec_keras.training.fitting import fit
from pnfrec_keras.training.refitting import Schedule, train_steps
from pnfrec_keras.training.warm import WarmStart
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays

pytestmark = pytest.mark.tensorflow
NETWORK: dict[str, Any] = {"dim": 4, "num_blocks": 1, "max_length": 4}


def vocabulary(ids: str, groups: dict[str, str] | None = None) -> Vocabulary:
    ones = np.ones(len(ids), np.int64)
    return Vocabulary(list(ids), ones, ones, groups=groups or {})


# "gone" is left out, "x" to "z" are new: u0 and u1 like x, u1 dislikes y, nobody meets z.
KNOWN = vocabulary("abcg")
NEW = vocabulary("xcbayz", {"y": "one", "a": "one", "c": "one", "b": "two"})
DATA = training_arrays(["abx", "cx", "b"], ["", "y", "c"], NEW, 4)


def start(
    **settings: Any,
) -> tuple[WarmStart, PNFRec, dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]:
    """A warm start, the model that it was given to, the weights before that, and the weights of the earlier model."""
    initial = WarmStart(PNFRec(len(KNOWN), **NETWORK), KNOWN, NEW, **settings)
    model = PNFRec(len(NEW), **NETWORK)
    before = get_named_weights(model)
    initial.apply(model, DATA)
    return initial, model, before, get_named_weights(initial.model)


def test_rows_of_known_items_are_carried_over_and_new_ones_are_means_of_what_their_users_liked() -> None:
    _, model, before, old = start()
    table, earlier = get_named_weights(model)["item_embedding"], old["item_embedding"]
    row = {item: earlier[place] for item, place in KNOWN.index().items()}
    found = {item: table[place] for item, place in NEW.index().items()}
    for item in "abc":
        np.testing.assert_array_equal(found[item], row[item])
    tastes = [(row["a"] + row["b"]) / 2, row["c"]]
    np.testing.assert_allclose(found["x"], (tastes[0] + tastes[1]) / 2, rtol=1e-6)
    np.testing.assert_allclose(found["y"], tastes[1], rtol=1e-6)
    np.testing.assert_array_equal(found["z"], before["item_embedding"][NEW.index()["z"]])
    assert not table[0].any()


def test_new_ones_may_be_means_of_their_group_or_random() -> None:
    _, model, before, old = start(new_items="group")
    table, row = get_named_weights(model)["item_embedding"], old["item_embedding"]
    np.testing.assert_allclose(table[5], (row[1] + row[3]) / 2, rtol=1e-6)  # y, beside a and c
    np.testing.assert_allclose(table[1], ((row[1] + row[2]) / 2 + row[3]) / 2, rtol=1e-6)  # x has no group
    _, model, before, _ = start(new_items="random")
    table = get_named_weights(model)["item_embedding"]
    np.testing.assert_array_equal(table[[1, 5, 6]], before["item_embedding"][[1, 5, 6]])
    with pytest.raises(ValueError, match=r"`new_items` must be one of users, group, random\. Received: 'popular'"):
        start(new_items="popular")


@pytest.mark.parametrize(
    ("settings", "stay"), [({}, ()), ({"positions": False}, ("_positions",)), ({"norms": False}, ("norm/",))]
)
def test_all_other_weights_are_taken_but_for_what_the_settings_leave(settings: dict[str, Any], stay: Any) -> None:
    random = np.random.default_rng(0)
    earlier = PNFRec(len(KNOWN), **NETWORK)
    earlier.set_weights([weight + random.normal(size=weight.shape) for weight in earlier.get_weights()])
    earlier.item_embedding.embeddings[0].assign(np.zeros(4))
    model = PNFRec(len(NEW), **NETWORK)
    before = get_named_weights(model)
    WarmStart(earlier, KNOWN, NEW, **settings).apply(model, DATA)
    old, found = get_named_weights(earlier), get_named_weights(model)
    left = {name for name in found if any(part in name for part in stay)}
    assert bool(left) == bool(stay)
    for name in set(found) - {"item_embedding"}:
        np.testing.assert_array_equal(found[name], (before if name in left else old)[name])


def test_another_network_is_refused_by_name() -> None:
    earlier = PNFRec(len(KNOWN), **{**NETWORK, "max_length": 5})
    with pytest.raises(ValueError, match=r"weights cannot be taken: positive_positions differs\. Train from scratch"):
        WarmStart(earlier, KNOWN, NEW).apply(PNFRec(len(NEW), **NETWORK), DATA)
    with pytest.raises(ValueError, match=r"Received: 6 items for a model of 7, and 4 for the earlier one of 4\."):
        WarmStart(PNFRec(4, **NETWORK), KNOWN, NEW).apply(PNFRec(7, **NETWORK), DATA)


def same(one: PNFRec, other: PNFRec) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("average", [0.0, 1.0])
def test_a_training_goes_on_from_there(average: float) -> None:
    names = vocabulary("abcdefghijkl")
    config = TrainingConfig(epochs=1, batch_size=24, learning_rate=1e-9, average_epochs=average)
    train: TrainingArrays
    validation: EvaluationArrays
    train, validation = arrays()
    model_config: ModelConfig = dataclasses.replace(MODEL, dropout=0.0)
    earlier = build_model(ITEMS, model_config, config, steps=1)
    model = build_model(ITEMS, model_config, config, steps=1)
    assert not same(earlier, model)
    fit(model, train, validation, config, initial=WarmStart(earlier, names, names), verbose=0)
    for one, two in zip(model.trainable_variables, earlier.trainable_variables, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-7)
    found = train_steps(
        *(ITEMS, train, model_config, config, Schedule(1, 1)),
        state_dir=None,
        initial=WarmStart(earlier, names, names),
    )
    for one, two in zip(found.model.trainable_variables, earlier.trainable_variables, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "differing"),
    [({"num_heads": 2}, r"model\.num_heads"), ({"positions": "from_end"}, r"model\.positions")],
)
def test_weights_of_the_same_shapes_that_mean_something_else_are_refused(
    settings: dict[str, Any], differing: str
) -> None:
    initial = WarmStart(PNFRec(len(KNOWN), **NETWORK), KNOWN, NEW)
    with pytest.raises(ValueError, match=f"another network, so that its weights cannot be taken: {differing} differs"):
        initial.apply(PNFRec(len(NEW), **NETWORK, **settings), DATA)


def test_a_model_of_mixed_histories_is_none_of_likes() -> None:
    earlier = PNFRec(len(KNOWN), **{**NETWORK, "variant": "SASRec", "max_length": 2})
    with pytest.raises(ValueError, match=r"cannot be taken: model\.variant differs"):
        WarmStart(earlier, KNOWN, NEW).apply(PNFRec(len(NEW), **NETWORK, variant="SASRec_p"), DATA)


@pytest.mark.parametrize(("name", "value"), [("model", "my_model"), ("known", list("abc")), ("vocabulary", None)])
def test_a_warm_start_of_something_else_is_told_by_name(name: str, value: Any) -> None:
    given = {"model": PNFRec(len(KNOWN), **NETWORK), "known": KNOWN, "vocabulary": NEW, name: value}
    with pytest.raises(TypeError, match=f"`{name}` of a warm start must be of the type .* `load_model` gives"):
        WarmStart(**given)
