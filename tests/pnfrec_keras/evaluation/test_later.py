"""Which later rows a list holds that was made before them, by hand."""

import numpy as np
import pytest

from pnfrec_core import later as measures
from pnfrec_keras.evaluation.evaluate import Floats
from pnfrec_keras.evaluation.later import look
from pnfrec_keras.examples.arrays import EvaluationArrays, pad

pytestmark = pytest.mark.tensorflow


def in_order(arrays: EvaluationArrays) -> Floats:
    """The catalogue has five items, the first is best."""
    return np.tile([0.0, 5.0, 4.0, 3.0, 2.0, 1.0], (len(arrays), 1))


# User, place, day, target, whether it is liked, history. Lists of two: of "a" the items 1 and 2, of "b" the items 2, 4.
ROWS = [
    ("a", 1, 10.0, 1, 1, [3]),
    ("a", 2, 12.0, 4, 0, [3, 1]),  # a list made here would hold it
    ("a", 3, 39.5, 2, 0, [3, 1, 4]),
    ("a", 4, 40.0, 2, 1, [3, 1, 4, 2]),  # 30 days after the first: too late
    ("b", 2, 10.0, 4, 0, [1, 3]),
    ("b", 3, 11.0, 4, 0, [1, 3, 4]),  # the same dislike again
    ("b", 4, 12.0, 4, 1, [1, 3, 4, 4]),
    ("b", 5, 13.0, 0, 0, [1, 3, 4, 4, 4]),
    ("b", 6, 13.0, 0, 0, [1, 3, 4, 4, 4]),  # another item that is not known
]
LISTED = [1, 0, 1, np.nan, 1, np.nan, 1, 0, 0]


@pytest.mark.parametrize("order", [list(range(9)), [8, 2, 6, 0, 4, 3, 1, 7, 5]])
def test_one_list_a_user_is_held_against_all_rows_of_the_days(order: list[int]) -> None:
    user, place, day, target, is_positive, seen = zip(*(ROWS[row] for row in order), strict=True)
    arrays = EvaluationArrays(
        pad(seen, 2), [np.array(row, np.int32) for row in seen], np.array(target), np.array(is_positive)
    )
    found = look(in_order, arrays, np.array(user), np.array(place), np.array(day), 30.0, k=2)
    np.testing.assert_array_equal(found.listed, np.array(LISTED)[order])
    np.testing.assert_array_equal(found.length, np.where(np.isnan(LISTED), np.nan, 2)[order])
    told = measures.measure(found.listed, found.length, np.array(user), arrays.is_positive)
    # Liked rows: a1 and b4, both found. Disliked ones: a2 and the two unknown are not, a3 and b2 are.
    assert told["later_hr_p"] == 1.0
    assert told["later_hr_n"] == pytest.approx(2 / 5)
    assert told["later_hr_delta"] == pytest.approx(3 / 5)
    # Two places each, of which one is liked and one disliked.
    assert told["later_places_p"] == told["later_places_n"] == 0.5


def test_a_list_that_is_shorter_counts_its_own_places() -> None:
    seen = [np.array([1, 2, 3, 4], np.int32)]
    arrays = EvaluationArrays(pad(seen, 4), seen, np.array([5]), np.array([0]))
    found = look(in_order, arrays, np.array(["a"]), np.array([4]), np.array([3.0]), 1.0, k=2)
    assert (found.listed.tolist(), found.length.tolist()) == ([1.0], [1.0])
