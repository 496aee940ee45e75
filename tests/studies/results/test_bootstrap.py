"""Paired intervals over users."""

import numpy as np
import pytest

from studies.results import bootstrap
from studies.results.bootstrap import Interval, paired_difference


def test_the_estimate_is_the_difference_of_means() -> None:
    gains, other = np.array([1.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.0, 0.5, 0.5])
    sign = np.array([1.0, 1.0, 0.0, -1.0])
    found = paired_difference(gains, other, np.array([0, 0, 1, 2]), sign)
    assert found.estimate == pytest.approx(0.5 - 0.5)
    assert paired_difference(gains, other, np.array([0, 0, 1, 2]), np.abs(sign)).estimate == pytest.approx(1.5 / 3)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    hits = []
    for _ in range(120):
        user = np.repeat(np.arange(80), generator.integers(1, 5, 80))
        # Targets of one user go together: as many independent targets would give intervals half as wide.
        gains = generator.normal(0.2, 1.0, 80)[user] + generator.normal(0, 0.2, len(user))
        found = paired_difference(gains, np.zeros(len(user)), user, np.ones(len(user)))
        hits.append(found.low <= 0.2 <= found.high)
    assert 0.87 <= np.mean(hits) <= 1.0


@pytest.mark.parametrize("seed", [0, 3])
def test_draws_that_are_kept_are_those_that_are_not(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    generator = np.random.default_rng(4)
    user = np.repeat(np.arange(300), generator.integers(1, 4, 300))
    gains, sign = generator.normal(size=len(user)), generator.choice([1.0, -1.0], len(user))
    kept = [paired_difference(gains, np.zeros(len(user)), user, sign, seed) for _ in range(2)]
    monkeypatch.setattr(bootstrap, "_MOST_KEPT", 0)
    assert kept == [paired_difference(gains, np.zeros(len(user)), user, sign, seed)] * 2
    assert kept[0] != paired_difference(gains, np.zeros(len(user)), user, sign, seed + 1)


def test_users_are_drawn_and_not_targets() -> None:
    generator = np.random.default_rng(2)
    gains = generator.normal(size=60)
    one_each = paired_difference(gains, np.zeros(60), np.arange(60), np.ones(60))
    again = paired_difference(np.repeat(gains, 9), np.zeros(540), np.repeat(np.arange(60), 9), np.ones(540))
    assert again.high - again.low == pytest.approx(one_each.high - one_each.low, rel=1e-6)


def test_means_are_taken_within_each_draw_of_test_users() -> None:
    gains, user, half = np.array([1.0, 0.0, 0.0, 1.0, 1.0]), np.array([0, 1, 2, 0, 3]), np.array([0, 0, 0, 1, 1])
    found = paired_difference(gains, np.zeros(5), user, np.ones(5), half=half)
    assert found.estimate == pytest.approx((1 / 3 + 1) / 2)


def test_a_user_drawn_twice_is_no_second_user() -> None:
    gains = np.random.default_rng(3).normal(size=60)
    once = paired_difference(gains, np.zeros(60), np.arange(60), np.ones(60))
    twice, half = np.tile(gains, 2), np.repeat([0, 1], 60)
    again = paired_difference(twice, np.zeros(120), np.tile(np.arange(60), 2), np.ones(120), half=half)
    assert again == pytest.approx(once)


def test_equal_recommenders_differ_by_nothing() -> None:
    gains = np.array([0.3, 0.0, 1.0])
    found = paired_difference(gains, gains, np.arange(3), np.array([1.0, -1.0, 1.0]))
    assert found == Interval(0.0, 0.0, 0.0)
    assert not found.excludes_zero


@pytest.mark.parametrize(("low", "high", "excludes"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False)])
def test_what_excludes_zero(low: float, high: float, excludes: bool) -> None:
    assert Interval(0.0, low, high).excludes_zero == excludes
