"""Arms of several rules of polarity, judged on equal terms."""

import math
from typing import Any

import numpy as np
import pytest

from experiments.results import Ranks, common_targets


def ranks(rank: Any, is_positive: list[int], user: list[str], place: list[int]) -> Ranks:
    return Ranks(np.array(rank), np.array(is_positive), np.array(user), np.array(place))


LOW = ranks([[1, 2, 3, 0]], [1, 1, 1, 0], ["u", "u", "v", "w"], [4, 5, 7, 2])
# Another rule: it drops w, knows x, and finds fewer targets positive.
HIGH = ranks([[9, 1, 2, 1], [9, 1, 1, 0]], [1, 1, 0, 1], ["x", "v", "u", "u"], [3, 7, 4, 5])


def test_targets_in_common_have_one_order_and_one_polarity() -> None:
    found = common_targets({"low": LOW, "high": HIGH}, "high")
    assert found["low"].keys() == found["high"].keys() == [("u", 4), ("u", 5), ("v", 7)]
    for arm in found.values():
        assert arm.is_positive.tolist() == [0, 1, 1]
    assert found["low"].rank.tolist() == [[1, 2, 3]]
    assert found["high"].rank.tolist() == [[2, 1, 1], [1, 0, 1]]
    assert common_targets({"low": LOW, "high": HIGH}, "low")["high"].is_positive.tolist() == [1, 1, 1]


def test_measures_are_those_of_the_groups() -> None:
    found = common_targets({"low": LOW, "high": HIGH}, "high")["low"].measures(0, k=2)
    assert found["ndcg_n"] == pytest.approx(1.0)
    assert found["ndcg_p"] == pytest.approx(1 / math.log2(3) / 2)
    assert found["hr_delta"] == pytest.approx(0.5 - 1.0)


def test_the_difference_is_of_the_means_over_seeds() -> None:
    arms = common_targets({"low": LOW, "high": HIGH}, "high")
    found = arms["high"].against(arms["low"], "hr_p", k=1)
    assert found is not None
    assert found.estimate == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert common_targets({"low": LOW}, "low")["low"].against(LOW, "ndcg_n", k=2) is not None
    only = ranks([[1]], [1], ["u"], [1])
    assert only.against(only, "ndcg_n", k=2) is None
    assert only.against(only, "ndcg_delta", k=2) is None


def test_arms_without_a_target_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="low, other have no target in common"):
        common_targets({"low": LOW, "other": ranks([[1]], [1], ["z"], [1])}, "low")
