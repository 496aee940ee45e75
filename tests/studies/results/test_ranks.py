"""What arms did with targets, on equal terms."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from studies.results.ranks import Judged, Ranks, common_targets, difference, differences


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
    found = difference([(arms["high"], arms["low"])], "hr_p", k=1)
    assert found is not None
    assert found.estimate == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert difference([(LOW, LOW)], "ndcg_n", k=2) is not None
    only = ranks([[1]], [1], ["u"], [1])
    assert difference([(only, only)], "ndcg_n", k=2) is None
    assert difference([(only, only)], "ndcg_delta", k=2) is None


def test_liked_targets_are_told_apart_by_their_popularity() -> None:
    """Head and tail of the targets u4, u5 and v7, of which v7 is the only one of the tail that is liked by the rule."""
    bucket = np.array([0, 2, 2, 2])
    low = dataclasses.replace(LOW, bucket=bucket)
    high = dataclasses.replace(HIGH, bucket=bucket[[3, 2, 0, 1]])
    arms = common_targets({"low": low, "high": high}, "high")
    assert arms["low"].bucket is not None
    assert arms["low"].bucket.tolist() == [0, 2, 2]
    assert arms["low"].is_positive.tolist() == [0, 1, 1]
    found = arms["low"].measures(0, k=2)
    assert found["hr_tail"] == 0.5, "rank 2, and rank 3 beyond the list"
    assert found["ndcg_tail"] == pytest.approx(1 / math.log2(3) / 2)
    assert math.isnan(found["hr_head"]), "its one target is disliked"
    tail = difference([(arms["high"], arms["low"])], "hr_tail", k=2)
    assert tail is not None
    # Of high, the mean over its two trainings: (1 + 0) / 2 and (1 + 1) / 2.
    assert tail.estimate == pytest.approx((0.5 + 1.0) / 2 - 0.5)
    assert difference([(arms["high"], arms["low"])], "hr_head", k=2) is None
    judged = Judged({0: arms}, {0: "same"})
    assert {"hr_tail", "ndcg_tail"} <= set(differences(judged, "high", judged, "low", 2))
    older = Judged({0: common_targets({"low": LOW, "high": HIGH}, "high")}, {0: "same"})
    assert "hr_tail" not in differences(older, "high", older, "low", 2), "a study from before buckets were kept"


def test_a_draw_without_the_group_does_not_count() -> None:
    whole = (ranks([[1, 0]], [1, 0], ["u", "v"], [1, 1]), ranks([[0, 1]], [1, 0], ["u", "v"], [1, 1]))
    liked = (ranks([[0]], [1], ["w"], [1]), ranks([[0]], [1], ["w"], [1]))
    found = [difference([whole, liked], name, k=10) for name in ("hr_p", "hr_n", "hr_delta")]
    assert [interval.estimate for interval in found if interval] == [0.5, -1.0, 2.0]
    assert difference([liked], "hr_n", k=10) is None


def test_a_group_of_one_user_tells_no_difference() -> None:
    """An interval of draws of one user has no width, and would leave zero out for sure."""
    users = (["u", "v", "w", "w"], [1, 1, 1, 2])
    own, other = ranks([[1, 1, 1, 1]], [1, 1, 0, 0], *users), ranks([[0, 0, 0, 0]], [1, 1, 0, 0], *users)
    found = {name: difference([(own, other)], name, k=10) for name in ("hr_p", "hr_n", "hr_delta")}
    assert found == {"hr_p": (1.0, 1.0, 1.0), "hr_n": (1.0, -1.0, 1.0), "hr_delta": (0.0, -2.0, 2.0)}


def test_arms_without_a_target_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="low, other have no target in common"):
        common_targets({"low": LOW, "other": ranks([[1]], [1], ["z"], [1])}, "low")


def judged(*ranks: Ranks, targets: str = "these") -> Judged:
    """Of arms a, b, ... on one draw of test users."""
    return Judged({7: dict(zip("abc", ranks, strict=False))}, {7: targets})


def test_arms_of_two_studies_are_compared_on_the_same_targets() -> None:
    hit, miss = (ranks([[rank, 1]], [1, 0], ["u", "v"], [1, 1]) for rank in (1, 0))
    one, two = judged(miss, hit), judged(hit, miss)
    found = differences(one, "a", two, "a", k=10)
    assert found == differences(one, "a", one, "b", k=10)
    assert found["hr_p"].estimate == -1.0
    with pytest.raises(ValueError, match="a and b were judged on other test targets"):
        differences(one, "a", judged(hit, miss, targets="others"), "b", k=10)
    with pytest.raises(ValueError, match=r"other draws of test users: \[7\] and \[8\]"):
        differences(one, "a", Judged({8: two.draws[7]}, {8: "these"}), "b", k=10)
