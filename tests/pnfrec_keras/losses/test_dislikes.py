"""The terms that learn from dislikes in the ranking itself, against their definitions in float64."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.losses import chunks, dislikes
from pnfrec_keras.losses.objective import Objective
from pnfrec_keras.losses.softmax import Offsets

pytestmark = pytest.mark.tensorflow

USERS, LENGTH, DISLIKES, DIM, ITEMS = 5, 6, 4, 3, 11


def problem(size: float = 1.0) -> dict[str, Any]:
    random = np.random.default_rng(8)
    disliked = random.integers(1, ITEMS + 1, (USERS, DISLIKES))
    disliked[0] = 0  # a user without
    disliked[1, 2:] = 0
    return {
        "hidden": size * random.normal(size=(USERS, LENGTH, DIM)),
        "disliked": disliked,
        "places": random.integers(0, LENGTH, (USERS, DISLIKES)),
        "table": random.normal(size=(ITEMS + 1, DIM)),
        "weights": random.random((USERS, DISLIKES)),
    }


def naive(hidden: Any, disliked: Any, places: Any, table: Any, weights: Any, added: Any = None, top: int = 0) -> Any:
    """Float64, one dislike after the other, by p itself."""
    total = tf.constant(0.0, tf.float64)
    for user, column in zip(*np.nonzero(disliked), strict=True):
        scores = tf.linalg.matvec(table[1:], hidden[user, places[user, column]])
        scores += 0.0 if added is None else added[user, column]
        own = disliked[user, column] - 1
        if top and np.sum(scores.numpy() > scores[own].numpy()) >= top:
            continue
        total -= weights[user, column] * tf.math.log1p(-tf.nn.softmax(scores)[own])
    return total


def ours(
    each: dict[str, Any], *, compact: bool = True, top: int = 0, offsets: Any = None, dtype: Any = tf.float32
) -> list[Any]:
    hidden, table = (tf.cast(each[name], dtype) for name in ("hidden", "table"))
    disliked, places = (tf.constant(each[name], tf.int32) for name in ("disliked", "places"))

    def step(hidden: Any, table: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            weights = tf.constant(each["weights"], tf.float32)
            value = 0.25 * dislikes.rejection_sum(
                *(hidden, disliked, places, table, weights, offsets), top=top, compact=compact
            )
        return [value, *tape.gradient(value, [hidden, table])]

    return [tf.cast(tf.convert_to_tensor(value), tf.float32).numpy() for value in tf.function(step)(hidden, table)]


def expected(each: dict[str, Any], **more: Any) -> list[Any]:
    hidden, table = tf.constant(each["hidden"]), tf.constant(each["table"])
    with tf.GradientTape() as tape:
        tape.watch([hidden, table])
        value = 0.25 * naive(hidden, each["disliked"], each["places"], table, each["weights"], **more)
    return [tf.convert_to_tensor(each).numpy() for each in [value, *tape.gradient(value, [hidden, table])]]


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("top", [0, 3])
def test_rejection_is_its_definition_with_its_gradient(
    monkeypatch: pytest.MonkeyPatch, top: int, compact: bool
) -> None:
    monkeypatch.setattr(chunks, "_MOST", 4)  # several chunks, the last of them with padding
    for found, wanted in zip(ours(problem(), compact=compact, top=top), expected(problem(), top=top), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.bfloat16, 0.04), (tf.float16, 0.005)])
def test_rejection_in_half_precision_is_close(dtype: Any, tolerance: float) -> None:
    """Over so many items that a disliked one has a small share of them, as in a real catalogue."""
    random = np.random.default_rng(2)
    each = problem() | {"table": 0.1 * random.normal(size=(4_001, DIM))}
    for found, wanted in zip(ours(each, dtype=dtype), expected(each), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


def test_rejection_adds_the_trend_of_each_dislike() -> None:
    rows = np.random.default_rng(3).normal(size=(7, ITEMS))
    place = np.random.default_rng(4).integers(0, 7, (USERS, DISLIKES))
    offsets = Offsets(tf.constant(rows, tf.float32), tf.constant(place, tf.int32), float(np.abs(rows).max()))
    for found, wanted in zip(ours(problem(), offsets=offsets), expected(problem(), added=rows[place]), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)


def test_rejection_stays_finite_where_the_disliked_item_has_all_the_probability() -> None:
    each = problem(size=200.0)
    value, by_hidden, by_table = ours(each)
    assert np.isfinite(value)
    assert np.isfinite(by_hidden).all()
    assert np.isfinite(by_table).all()
    # -log(1 - p) grows as the lead of the item does, where the definition says infinity.
    assert not np.isfinite(expected(each)[0])
    assert value > 20


def test_without_a_dislike_the_terms_are_zero_and_move_nothing() -> None:
    each = problem() | {"disliked": np.zeros((USERS, DISLIKES), int)}
    for compact in (True, False):
        assert [np.abs(found).max() for found in ours(each, compact=compact)] == [0.0, 0.0, 0.0]


def test_shares() -> None:
    disliked = tf.constant([[3, 4, 0], [0, 0, 0], [5, 0, 0]])
    labels = tf.constant([[1, 2, 3, 0], [1, 0, 0, 0], [2, 2, 0, 0]])
    assert dislikes.dislike_weights(disliked, labels, "like").numpy().tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0]]
    by_user = dislikes.dislike_weights(disliked, labels, "user").numpy().tolist()
    assert by_user == [[1.5, 1.5, 0], [0, 0, 0], [2, 0, 0]]


def test_preference_is_its_definition_with_its_gradient() -> None:
    each = problem()
    labels = np.random.default_rng(5).integers(0, ITEMS + 1, (USERS, LENGTH))
    hidden, table = tf.constant(each["hidden"]), tf.constant(each["table"])
    with tf.GradientTape() as tape:
        tape.watch([hidden, table])
        wanted = tf.constant(0.0, tf.float64)
        for user, column in zip(*np.nonzero(each["disliked"]), strict=True):
            place = each["places"][user, column]
            if like := labels[user, place]:
                pair = table[int(like)] - table[int(each["disliked"][user, column])]
                margin = tf.reduce_sum(pair * hidden[user, place])
                wanted -= each["weights"][user, column] * tf.math.log_sigmoid(margin)
    by_definition = tape.gradient(wanted, [hidden, table])
    hidden, table = (tf.constant(each[name], tf.float32) for name in ("hidden", "table"))
    likes, disliked, places = (tf.constant(values, tf.int32) for values in (labels, each["disliked"], each["places"]))
    with tf.GradientTape() as tape:
        tape.watch([hidden, table])
        value = dislikes.preference_sum(
            hidden, likes, disliked, places, table, tf.constant(each["weights"], tf.float32)
        )
    found = tape.gradient(value, [hidden, table])
    assert float(value) == pytest.approx(float(wanted), rel=1e-5)
    for one, other in zip(found, by_definition, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(one).numpy(), tf.convert_to_tensor(other).numpy(), rtol=2e-5, atol=2e-6
        )


def test_the_objective_weighs_them_by_the_likes_of_the_batch() -> None:
    each = problem()
    labels = np.random.default_rng(5).integers(1, ITEMS + 1, (USERS, LENGTH))
    y = {
        "positive": tf.constant(labels, tf.int32),
        "disliked": tf.constant(each["disliked"], tf.int32),
        "disliked_places": tf.constant(each["places"], tf.int32),
    }
    hidden, table = (tf.constant(each[name], tf.float32) for name in ("hidden", "table"))
    config = ModelConfig(variant="SASRec_p", alpha=0.0, beta=0.0, eta=0.5, preference=0.25)
    objective = Objective(config, ITEMS)
    assert objective.names == ("positive", "rejection", "preference")
    total, means = objective.loss("positive", hidden, ({}, y), table)
    ones = np.ones((USERS, DISLIKES))
    rejection = naive(tf.constant(each["hidden"]), each["disliked"], each["places"], tf.constant(each["table"]), ones)
    assert float(means["rejection"]) == pytest.approx(float(rejection) / (USERS * LENGTH), rel=1e-5)
    parts = means["positive"] + 0.5 * means["rejection"] + 0.25 * means["preference"]
    assert float(total) == pytest.approx(float(parts), rel=1e-6)
    assert float(objective.logged(means)) == pytest.approx(float(total), rel=1e-6)
