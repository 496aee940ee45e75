"""Dislikes beside sampled negatives, against their definitions in float64."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.losses import chunks, dislikes, proposals, sampled
from pnfrec_keras.losses.objective import Objective
from pnfrec_keras.losses.sampled import SampledLoss
from tests.pnfrec_keras.losses.test_dislikes import DISLIKES, ITEMS, LENGTH, USERS, problem

pytestmark = pytest.mark.tensorflow

# Repeats, and items that are disliked too.
NEGATIVES = np.array([3, 7, 7, 1, 11, 5], np.int32)
LOG_COUNTS = np.log(0.3 + 0.1 * NEGATIVES)


def real(each: dict[str, Any]) -> list[tuple[int, int, int]]:
    """User, item and state of each dislike."""
    places = zip(*np.nonzero(each["disliked"]), strict=True)
    return [(user, each["disliked"][user, column], column) for user, column in places]


def naive(each: dict[str, Any], hidden: Any, table: Any, kind: str, negatives: Any, log_counts: Any) -> Any:
    """Float64, one dislike after the other, by the probability itself."""
    total = tf.constant(0.0, tf.float64)
    for user, item, column in real(each):
        state = hidden[user, each["places"][user, column]]
        own = tf.exp(tf.reduce_sum(table[int(item)] * state))
        if kind == "gbce":
            chance = own / (1.0 + own)
        else:
            others = [
                tf.exp(tf.reduce_sum(table[int(other)] * state)) / np.exp(count)
                for other, count in zip(negatives, log_counts, strict=True)
                if other != item
            ]
            if not others:
                continue
            chance = own / (own + tf.add_n(others))
        total -= each["weights"][user, column] * tf.math.log1p(-chance)
    return total


def expected(each: dict[str, Any], *more: Any) -> list[Any]:
    hidden, table = tf.constant(each["hidden"]), tf.constant(each["table"])
    with tf.GradientTape() as tape:
        tape.watch([hidden, table])
        value = 0.25 * naive(each, hidden, table, *more)
    return [tf.convert_to_tensor(part).numpy() for part in [value, *tape.gradient(value, [hidden, table])]]


def ours(each: dict[str, Any], loss: Any, compact: bool) -> list[Any]:
    hidden, table, weights = (tf.constant(each[name], tf.float32) for name in ("hidden", "table", "weights"))
    disliked, places = (tf.constant(each[name], tf.int32) for name in ("disliked", "places"))

    def step(hidden: Any, table: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            seed = tf.constant([1, 2], tf.int32)
            value = 0.25 * dislikes.sampled_rejection(
                *(hidden, disliked, places, table, weights, loss, seed), compact=compact
            )
        return [value, *tape.gradient(value, [hidden, table])]

    return [tf.convert_to_tensor(value).numpy() for value in tf.function(step)(hidden, table)]


def given(monkeypatch: pytest.MonkeyPatch, negatives: Any, log_counts: Any) -> None:
    """Draws these negatives."""
    monkeypatch.setattr(proposals, "log_uniform_items", lambda *_: tf.constant(negatives, tf.int32))
    monkeypatch.setattr(proposals, "log_uniform_log_counts", lambda *_: tf.constant(log_counts, tf.float32))


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("kind", ["sampled_softmax", "gbce"])
def test_it_is_its_definition_with_its_gradient(monkeypatch: pytest.MonkeyPatch, kind: str, compact: bool) -> None:
    monkeypatch.setattr(chunks, "_MOST", 4)  # several chunks, the last of them with padding
    given(monkeypatch, NEGATIVES, LOG_COUNTS)
    assert {item for _, item, _ in real(problem())} & set(NEGATIVES.tolist()), "some are among the negatives"
    found = ours(problem(), SampledLoss(kind, ITEMS, len(NEGATIVES)), compact)
    for one, other in zip(found, expected(problem(), kind, NEGATIVES, LOG_COUNTS), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_with_every_item_once_it_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, np.arange(1, ITEMS + 1), np.zeros(ITEMS))
    each = problem()
    hidden, table, weights = (tf.constant(each[name], tf.float32) for name in ("hidden", "table", "weights"))
    disliked, places = (tf.constant(each[name], tf.int32) for name in ("disliked", "places"))
    exact = dislikes.rejection_sum(hidden, disliked, places, table, weights)
    found = ours(each, SampledLoss("sampled_softmax", ITEMS, ITEMS - 1), compact=True)[0]
    assert 4 * float(found) == pytest.approx(float(exact), rel=1e-5)


def test_the_rest_of_the_catalogue_is_met_in_the_mean_over_draws() -> None:
    """exp(s_i) / (odds that the term is of) is Z_i, whose mean over draws is the sum over the others."""
    random = np.random.default_rng(0)
    table, state, item, count = random.normal(size=(ITEMS + 1, 3)), random.normal(size=3), 4, 5
    scores = table @ state
    found = []
    for seed in range(600):
        negatives = proposals.log_uniform_items(ITEMS, count, tf.constant([seed, 1], tf.int32))
        counts = proposals.log_uniform_log_counts(negatives, ITEMS, count)
        value = sampled.sampled_rejection_sum(
            *(tf.constant(state[np.newaxis], tf.float32), tf.constant([item]), tf.constant(table, tf.float32)),
            *(negatives, counts),
        )
        found.append(np.exp(scores[item]) / np.expm1(float(value)))
    others = np.exp(np.delete(scores, [0, item])).sum()
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - others) < 4 * error
    assert error < 0.05 * others


def test_a_dislike_without_another_negative_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    each = problem() | {"disliked": np.full((USERS, DISLIKES), 3)}
    given(monkeypatch, [3, 3], [0.0, 0.0])
    found = ours(each, SampledLoss("sampled_softmax", ITEMS, 2), compact=True)
    assert [float(np.abs(part).max()) for part in found] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", ["sampled_softmax", "gbce"])
def test_it_stays_finite_where_the_disliked_item_is_far_ahead(kind: str) -> None:
    found = ours(problem(size=200.0), SampledLoss(kind, ITEMS, 6), compact=True)
    assert all(np.isfinite(part).all() for part in found)
    assert found[0] > 20


@pytest.mark.parametrize("kind", ["sampled_softmax", "gbce"])
def test_the_objective_draws_for_dislikes_what_it_draws_for_likes(kind: str) -> None:
    each = problem()
    labels = np.random.default_rng(5).integers(1, ITEMS + 1, (USERS, LENGTH))
    y = {
        "positive": tf.constant(labels, tf.int32),
        "disliked": tf.constant(each["disliked"], tf.int32),
        "disliked_places": tf.constant(each["places"], tf.int32),
    }
    hidden, table = (tf.constant(each[name], tf.float32) for name in ("hidden", "table"))
    config = ModelConfig(variant="SASRec_p", alpha=0.0, beta=0.0, eta=0.5, loss=kind, sampled_items=6)  # type: ignore[arg-type]
    objective, seed = Objective(config, ITEMS), tf.constant([3, 4], tf.int32)
    total, means = objective.loss("positive", hidden, ({}, y), table, seed=seed)
    negatives = proposals.log_uniform_items(ITEMS, 6, seed)
    counts = proposals.log_uniform_log_counts(negatives, ITEMS, 6).numpy()
    alike = each | {"weights": np.ones((USERS, DISLIKES))}
    wanted = naive(
        alike, tf.constant(each["hidden"]), tf.constant(each["table"]), kind, negatives.numpy().tolist(), counts
    )
    assert float(means["rejection"]) == pytest.approx(float(wanted) / (USERS * LENGTH), rel=1e-4)
    assert float(total) == pytest.approx(float(means["positive"] + 0.5 * means["rejection"]), rel=1e-6)
    exact = objective.loss("positive", hidden, ({}, y), table)[1]
    plain = Objective(ModelConfig(variant="SASRec_p", alpha=0.0, beta=0.0, eta=0.5), ITEMS)
    assert float(exact["rejection"]) == float(plain.loss("positive", hidden, ({}, y), table)[1]["rejection"])
