"""Rules of inference against numpy."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.ranking import rates, rules
from pnfrec_keras.ranking.rules.like_odds import LikeOdds
from pnfrec_keras.ranking.rules.like_rate import LikeRate

POSITIVE = np.array([[9.0, 1.0, 2.0, -1.0], [9.0, 0.5, 0.0, 3.0]], np.float32)
NEGATIVE = np.array([[-9.0, 2.0, 0.0, 1.0], [-9.0, 1.0, 1.0, -2.0]], np.float32)


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    share = np.exp(scores[:, 1:])
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def catalogue(counts: list[int], liked: list[int]) -> Vocabulary:
    return Vocabulary([f"i{number}" for number in range(len(counts))], np.array(counts), np.array(liked))


def lowered(rule: str, gamma: Any, known: tuple[int, int] = (1, 1)) -> np.ndarray[Any, Any]:
    dislikes = rules.Dislikes(np.array([1, 1]), np.array(known), NEGATIVE)
    made = rules.find_rule(rule)(catalogue([9, 8, 7], [6, 5, 4]))
    return np.asarray(made.lower(POSITIVE, gamma, dislikes))[:, 1:]


@pytest.mark.parametrize("rule", ["difference", "posterior"])
@pytest.mark.tensorflow
def test_gamma_0_is_the_positive_encoder_alone(rule: str) -> None:
    np.testing.assert_array_equal(lowered(rule, 0.0), POSITIVE[:, 1:])


@pytest.mark.parametrize("rule", ["difference", "posterior"])
@pytest.mark.tensorflow
def test_a_user_without_known_negatives_keeps_the_scores(rule: str) -> None:
    found = lowered(rule, 2.0, known=(0, 3))
    np.testing.assert_array_equal(found[0], POSITIVE[0, 1:])
    assert (found[1] != POSITIVE[1, 1:]).any()


@pytest.mark.tensorflow
def test_the_difference_takes_a_gamma_a_row() -> None:
    expected = POSITIVE[:, 1:] - np.array([[0.5], [2.0]]) * NEGATIVE[:, 1:]
    np.testing.assert_allclose(lowered("difference", np.array([0.5, 2.0], np.float32)), expected, rtol=1e-6)


@pytest.mark.tensorflow
def test_the_posterior_is_bayes_rule_and_padding_has_no_part_in_it() -> None:
    p, n = softmax(POSITIVE), softmax(NEGATIVE)
    np.testing.assert_allclose(lowered("posterior", 1.5), POSITIVE[:, 1:] + 1.5 * np.log(p / (p + n)), rtol=1e-5)


@pytest.mark.parametrize("rule", ["difference", "posterior"])
@pytest.mark.tensorflow
def test_where_nobody_sends_dislikes_the_encoders_rules_change_nothing(rule: str) -> None:
    made = rules.find_rule(rule)(catalogue([9, 8, 7], [6, 5, 4]))
    np.testing.assert_array_equal(np.asarray(made.lower(POSITIVE, 2.0, None)), POSITIVE)


def test_where_nobody_sends_dislikes_the_like_odds_are_the_like_rate() -> None:
    items = catalogue([9, 8, 7], [6, 1, 4])
    expected = POSITIVE + np.float32(2.0) * rates.log_like_rate(items.counts, items.positive_counts)
    for kind in (LikeRate, LikeOdds):
        np.testing.assert_array_equal(np.asarray(kind(items).lower(POSITIVE, 2.0, None)), expected)


@pytest.mark.tensorflow
@pytest.mark.parametrize("gamma", [0.5, np.array([0.0, 2.0], np.float32)])
def test_popularity_subtracts_the_logarithm_of_the_share_whatever_the_polarity(gamma: Any) -> None:
    made = rules.find_rule("popularity")(catalogue([6, 3, 0], [0, 3, 0]))
    share = np.array([6.5, 3.5, 0.5]) / 10.5
    found = np.asarray(made.lower(POSITIVE, gamma, None))
    weight = np.broadcast_to(gamma, 2)[:, np.newaxis]
    np.testing.assert_allclose(found[:, 1:], POSITIVE[:, 1:] - weight * np.log(share), rtol=1e-6)
    np.testing.assert_array_equal(found[:, 0], POSITIVE[:, 0])
    # Dislikes play no part in it.
    told = np.asarray(made.lower(POSITIVE, gamma, rules.Dislikes(np.array([1, 1]), np.array([1, 1]), NEGATIVE)))
    np.testing.assert_array_equal(told, found)


def test_rules_are_found_by_name_those_first_that_ask_for_the_least() -> None:
    assert [(name, rule.needs_dislikes, rule.needs_negative_encoder) for name, rule in rules.registry().items()] == [
        ("like_rate", False, False),
        ("popularity", False, False),
        ("like_odds", True, False),
        ("difference", True, True),
        ("posterior", True, True),
    ]
    for name, rule in rules.registry().items():
        assert rules.find_rule(name) is rule
        assert rule.summary.endswith("."), "a sentence"
        assert rule.without_dislikes.endswith("."), "a sentence"


def test_an_unknown_rule() -> None:
    expected = "`export.rule` must be one of like_rate, popularity, like_odds, difference, posterior. Received: 'luck'."
    with pytest.raises(ValueError, match=rf"^{expected}$"):
        rules.find_rule("luck")


def test_rules_are_described_without_numpy_and_tensorflow() -> None:
    code = (
        "import sys; from pnfrec_keras.config import ExportConfig; from pnfrec_keras.ranking import rules;"
        "ExportConfig(rule='posterior'); print([rule.summary for rule in rules.registry().values()]);"
        "heavy = {'tensorflow', 'keras', 'numpy', 'tfx', 'apache_beam'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.tensorflow
def test_like_rates_are_drawn_towards_that_of_all_items() -> None:
    found = np.exp(rates.log_like_rate([100, 10, 0], [90, 1, 0]))
    overall = 91.5 / 111
    np.testing.assert_allclose(found, [1, (90 + 10 * overall) / 110, (1 + 10 * overall) / 20, overall], rtol=1e-6)
    assert np.isfinite(rates.log_like_rate([3, 4], [0, 0])).all()


def test_like_odds_multiply() -> None:
    """Of an item and of a user, over those of all: with the user's share at that of all it is the item's rate."""
    counts, liked = [100, 10, 0], [90, 1, 0]
    overall = 91.5 / 111
    rate = np.array([(90 + 10 * overall) / 110, (1 + 10 * overall) / 20, overall])
    found = np.asarray(LikeOdds(catalogue(counts, liked)).log_like(np.array([0, 3, 0, 50]), np.array([0, 1, 4, 0])))
    assert found.shape == (4, 4)
    for likes, dislikes, row in zip((0, 3, 0, 50), (0, 1, 4, 0), found, strict=True):
        share = (likes + 2 * overall) / (likes + dislikes + 2)
        odds = rate / (1 - rate) * share / (1 - share) / (overall / (1 - overall))
        np.testing.assert_allclose(np.exp(row[1:]), odds / (1 + odds), rtol=1e-4)
    np.testing.assert_allclose(found[0, 1:], rates.log_like_rate(counts, liked)[1:], rtol=1e-4)
    for nobody, everybody in (([0, 0], [5, 5]), ([5, 5], [5, 5])):
        extreme = LikeOdds(catalogue(everybody, nobody)).log_like(np.array([0, 9]), np.array([9, 0]))
        assert np.isfinite(np.asarray(extreme)).all()


@pytest.mark.tensorflow
def test_recency_is_the_share_of_recent_likes() -> None:
    found = np.exp(rates.log_recency([100, 10, 0], [20, 0, 0]))
    overall = 20.5 / 111
    np.testing.assert_allclose(found, [1, (20 + 10 * overall) / 110, 10 * overall / 20, overall], rtol=1e-6)


def test_log_popularity_keeps_the_order_of_popularity() -> None:
    counts = np.arange(100_000)[::-1]
    assert (np.diff(rates.log_popularity(counts)) < 0).all()
