"""Rules of inference against numpy."""

from typing import Any

import numpy as np
import pytest

from pnfrec_keras.ranking import rules

POSITIVE = np.array([[9.0, 1.0, 2.0, -1.0], [9.0, 0.5, 0.0, 3.0]], np.float32)
NEGATIVE = np.array([[-9.0, 2.0, 0.0, 1.0], [-9.0, 1.0, 1.0, -2.0]], np.float32)


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    share = np.exp(scores[:, 1:])
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def combined(rule: str, gamma: float | list[float], known: tuple[int, int] = (1, 1)) -> np.ndarray[Any, Any]:
    return np.asarray(rules.combine(POSITIVE, NEGATIVE, gamma, np.array(known), rule))[:, 1:]


@pytest.mark.parametrize("rule", ["difference", "posterior"])
def test_gamma_0_is_the_positive_encoder_alone(rule: str) -> None:
    np.testing.assert_array_equal(combined(rule, 0.0), POSITIVE[:, 1:])


@pytest.mark.parametrize("rule", ["difference", "posterior"])
def test_a_user_without_known_negatives_keeps_the_scores(rule: str) -> None:
    found = combined(rule, 2.0, known=(0, 3))
    np.testing.assert_array_equal(found[0], POSITIVE[0, 1:])
    assert (found[1] != POSITIVE[1, 1:]).any()


def test_the_difference_takes_a_gamma_a_row() -> None:
    expected = POSITIVE[:, 1:] - np.array([[0.5], [2.0]]) * NEGATIVE[:, 1:]
    np.testing.assert_allclose(combined("difference", [0.5, 2.0]), expected, rtol=1e-6)


def test_the_posterior_is_bayes_rule_and_padding_has_no_part_in_it() -> None:
    p, n = softmax(POSITIVE), softmax(NEGATIVE)
    np.testing.assert_allclose(combined("posterior", 1.5), POSITIVE[:, 1:] + 1.5 * np.log(p / (p + n)), rtol=1e-5)


def test_an_unknown_rule() -> None:
    with pytest.raises(ValueError, match="Received: 'like_rate'"):
        combined("like_rate", 1.0)


def test_like_rates_are_drawn_towards_that_of_all_items() -> None:
    found = np.exp(rules.log_like_rate([100, 10, 0], [90, 1, 0]))
    overall = 91.5 / 111
    np.testing.assert_allclose(found, [1, (90 + 10 * overall) / 110, (1 + 10 * overall) / 20, overall], rtol=1e-6)
    assert np.isfinite(rules.log_like_rate([3, 4], [0, 0])).all()


def test_like_odds_multiply() -> None:
    """Of an item and of a user, over those of all: with the user's share at that of all it is the item's rate."""
    counts, liked = [100, 10, 0], [90, 1, 0]
    overall = 91.5 / 111
    rate = np.array([(90 + 10 * overall) / 110, (1 + 10 * overall) / 20, overall])
    found = np.asarray(rules.LikeOdds(counts, liked)(np.array([0, 3, 0, 50]), np.array([0, 1, 4, 0])))
    assert found.shape == (4, 4)
    for likes, dislikes, row in zip((0, 3, 0, 50), (0, 1, 4, 0), found, strict=True):
        share = (likes + 2 * overall) / (likes + dislikes + 2)
        odds = rate / (1 - rate) * share / (1 - share) / (overall / (1 - overall))
        np.testing.assert_allclose(np.exp(row[1:]), odds / (1 + odds), rtol=1e-4)
    np.testing.assert_allclose(found[0, 1:], rules.log_like_rate(counts, liked)[1:], rtol=1e-4)
    for nobody, everybody in (([0, 0], [5, 5]), ([5, 5], [5, 5])):
        extreme = rules.LikeOdds(everybody, nobody)(np.array([0, 9]), np.array([9, 0]))
        assert np.isfinite(np.asarray(extreme)).all()


def test_recency_is_the_share_of_recent_likes() -> None:
    found = np.exp(rules.log_recency([100, 10, 0], [20, 0, 0]))
    overall = 20.5 / 111
    np.testing.assert_allclose(found, [1, (20 + 10 * overall) / 110, 10 * overall / 20, overall], rtol=1e-6)


def test_log_popularity_keeps_the_order_of_popularity() -> None:
    counts = np.arange(100_000)[::-1]
    assert (np.diff(rules.log_popularity(counts)) < 0).all()
