"""Arms of several rules of polarity, judged on equal terms."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.bootstrap import Interval
from experiments.results import COMPARED, Ranks, arm_results, common_targets, difference, differences_table


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


def trial(folder: Path, arm: str, rank: list[int], user: list[str]) -> Path:
    """What a trial leaves of targets of which the first is disliked, the others liked."""
    path = folder / f"{arm}-{'-'.join(user)}-{'-'.join(map(str, rank))}"
    path.mkdir()
    np.savez(
        path / "ranks.npz",
        test_rank=np.array(rank),
        test_is_positive=np.array([0] + [1] * (len(rank) - 1)),
        test_user=np.array(user),
        test_place=np.arange(len(rank)),
    )
    (path / "result.json").write_text(json.dumps({"arm": arm, "test": {"coverage": 0.5}}), encoding="utf-8")
    return path


def test_each_draw_of_test_users_is_judged_apart(tmp_path: Path) -> None:
    folders = [
        trial(tmp_path, "one", [0, 1, 0], ["u", "v", "w"]),
        trial(tmp_path, "two", [1, 1, 1], ["u", "v", "w"]),
        trial(tmp_path, "one", [0, 1], ["u", "x"]),
        trial(tmp_path, "two", [0, 0], ["u", "x"]),
    ]
    one, two = arm_results(folders, "one", "test", 10, halves=[1, 1, 2, 2])
    assert (one.seeds, one.targets, one.positives, one.users) == (2, 4, 3, 4)
    assert [row["hr_p"] for row in one.trials] == [0.5, 1.0]
    assert [row["hr_n"] for row in two.trials] == [1.0, 0.0]
    assert one.mean["hr_p"] == 0.75
    assert two.against["hr_p"].estimate == pytest.approx(0.5 - 0.75)
    assert two.against["hr_delta"].estimate == pytest.approx((1 - 1 + 0 - 0) / 2 - 0.75)
    with pytest.raises(ValueError, match="was judged on other targets than"):
        arm_results(folders, "one", "test", 10)


def test_a_draw_without_the_group_does_not_count() -> None:
    whole = (ranks([[1, 0]], [1, 0], ["u", "v"], [1, 1]), ranks([[0, 1]], [1, 0], ["u", "v"], [1, 1]))
    liked = (ranks([[0]], [1], ["w"], [1]), ranks([[0]], [1], ["w"], [1]))
    found = [difference([whole, liked], name, k=10) for name in ("hr_p", "hr_n", "hr_delta")]
    assert [interval.estimate for interval in found if interval] == [0.5, -1.0, 2.0]
    assert difference([liked], "hr_n", k=10) is None


def test_arms_without_a_target_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="low, other have no target in common"):
        common_targets({"low": LOW, "other": ranks([[1]], [1], ["z"], [1])}, "low")


def test_the_printed_table_marks_what_is_sure_and_what_may_be_chance_of_training() -> None:
    intervals = {**dict.fromkeys(COMPARED, Interval(0.1, 0.05, 0.2)), "hr_n": Interval(0.1, -0.1, 0.2)}
    plain = differences_table({"b": intervals}, "a")
    assert plain.startswith("Difference from a, ")
    assert (plain.count("]*"), plain.count("]°")) == (5, 0)
    marked = differences_table({"b": intervals}, "a", lambda arm, measure: (arm, measure) == ("b", "ndcg_p"))
    assert (marked.count("]*"), marked.count("]°")) == (4, 1)


def test_a_second_arm_is_compared_with_as_the_first_is(tmp_path: Path) -> None:
    hits = {"one": [1, 1, 0], "two": [0, 1, 0], "three": [0, 0, 0]}
    folders = [trial(tmp_path, arm, rank, ["u", "v", "w"]) for arm, rank in hits.items()]
    one, two, three = arm_results(folders, "one", "test", 10, beside="two")
    assert (one.against, two.beside) == ({}, {}), "no arm is compared with itself"
    assert one.beside["hr_p"].estimate == -two.against["hr_p"].estimate
    alone = {found.name: found.against for found in arm_results(folders, "two", "test", 10)}
    assert {found.name: found.beside for found in (one, two, three)} == alone
