"""Measures of what came later, by hand."""

import math

import numpy as np
import pytest

from pnfrec_core import later, responses

NAN = math.nan
# Users 7, 7, 7, 8, 9, 9; the third target of 7 is beyond the days, and 9 has a list of four.
USER = np.array([7, 7, 7, 8, 9, 9])
LIKED = np.array([1, 0, 0, 0, 1, 1])
LISTED = np.array([1.0, 1.0, NAN, 0.0, 1.0, 0.0])
LENGTH = np.array([2.0, 2.0, NAN, 2.0, 4.0, 4.0])


def test_shares_of_what_came_later_and_of_the_places() -> None:
    found = later.measure(LISTED, LENGTH, USER, LIKED)
    assert found == pytest.approx(
        {
            "later_hr_p": 2 / 3,
            "later_hr_n": 1 / 2,
            "later_hr_delta": 2 / 3 - 1 / 2,
            "later_places_p": (1 / 2 + 0 + 1 / 4) / 3,
            "later_places_n": (1 / 2 + 0 + 0) / 3,
        }
    )


def test_a_user_may_come_in_any_order_and_without_the_first_target() -> None:
    order = np.array([5, 1, 3, 4, 0, 2])
    shuffled = later.measure(LISTED[order], LENGTH[order], USER[order], LIKED[order])
    assert shuffled == pytest.approx(later.measure(LISTED, LENGTH, USER, LIKED))
    less = later.measure(LISTED[1:], LENGTH[1:], USER[1:], LIKED[1:])
    assert less["later_places_n"] == pytest.approx((1 / 2 + 0 + 0) / 3)


def test_what_needs_a_group_without_targets_is_not_known() -> None:
    found = later.measure(LISTED[4:], LENGTH[4:], USER[4:], LIKED[4:])
    assert math.isnan(found["later_hr_n"])
    assert math.isnan(found["later_hr_delta"])
    assert found["later_places_n"] == 0.0, "there is a list, and nothing in it was disliked"
    nothing = later.measure(np.array([NAN]), np.array([NAN]), np.array([1]), np.array([0]))
    assert all(map(math.isnan, nothing.values()))


def test_which_way_is_better() -> None:
    assert {name for name in later.MEASURES if not later.higher_is_better(name)} == {"later_hr_n", "later_places_n"}
    worse = {"response_random", "copy_before", "copy_after"}
    assert {name for name in responses.MEASURES if not responses.higher_is_better(name)} == worse


def test_controls_stand_next_to_what_they_are_held_against() -> None:
    # Items by rank: 3, 1, 4, 2, 5; item 6 is not ranked.
    before = np.array([0, 2, 4, 1, 3, 5, 0])
    for related, draw, expected in (
        ([1, 4], 0.49, [3, 3]),
        ([1, 4], 0.5, [2, 2]),
        ([3, 5], 0.0, [1, 2]),  # nothing stands above the first
        ([3, 5], 0.9, [1, 2]),  # nor below the last
    ):
        assert responses.controls(before, np.array(related), np.full(2, draw)).tolist() == expected
    everything = np.flatnonzero(before)
    assert not len(responses.controls(before, everything, np.zeros(len(everything))))
