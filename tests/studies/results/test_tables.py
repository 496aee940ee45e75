"""Arms of several rules of polarity, judged on equal terms."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from studies.outputs import TRIAL_RANKS, TRIAL_RESULT
from studies.results.bootstrap import Interval
from studies.results.ranks import COMPARED, judged
from studies.results.tables import ArmResult, arm_results, differences_table


def trial(folder: Path, arm: str, rank: list[int], user: list[str], coverage: float = 0.5) -> Path:
    """What a trial leaves of targets of which the first is disliked, the others liked."""
    path = folder / f"{arm}-{'-'.join(user)}-{'-'.join(map(str, rank))}"
    path.mkdir()
    np.savez(
        path / TRIAL_RANKS,
        test_rank=np.array(rank),
        test_is_positive=np.array([0] + [1] * (len(rank) - 1)),
        test_user=np.array(user),
        test_place=np.arange(len(rank)),
    )
    (path / TRIAL_RESULT).write_text(json.dumps({"arm": arm, "test": {"coverage": coverage}}), encoding="utf-8")
    return path


def results(
    folders: list[Path], reference: str, draws: Sequence[int] = (), beside: str | None = None
) -> list[ArmResult]:
    ranks = judged(folders, "test", reference, draws)
    return arm_results(folders, ranks, reference, "test", 10, beside)


def test_each_draw_of_test_users_is_judged_apart(tmp_path: Path) -> None:
    folders = [
        trial(tmp_path, "one", [0, 1, 0], ["u", "v", "w"], 0.1),
        trial(tmp_path, "two", [1, 1, 1], ["u", "v", "w"], 0.2),
        trial(tmp_path, "one", [0, 1], ["y", "x"], 0.3),
        trial(tmp_path, "two", [0, 0], ["y", "x"], 0.4),
    ]
    one, two = results(folders, "one", [1, 1, 2, 2])
    assert (one.seeds, one.targets, one.positives, one.users) == (2, 5, 3, 5)
    assert [row["hr_p"] for row in one.trials] == [0.5, 1.0]
    assert [[row["coverage"] for row in arm.trials] for arm in (one, two)] == [[0.1, 0.3], [0.2, 0.4]]
    assert [row["hr_n"] for row in two.trials] == [1.0, 0.0]
    assert one.mean["hr_p"] == 0.75
    assert two.against["hr_p"].estimate == pytest.approx(0.5 - 0.75)
    assert two.against["hr_delta"].estimate == pytest.approx((1 - 1 + 0 - 0) / 2 - 0.75)
    with pytest.raises(ValueError, match="was judged on other targets than"):
        results(folders, "one")


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
    one, two, three = results(folders, "one", beside="two")
    assert (one.against, two.beside) == ({}, {}), "no arm is compared with itself"
    assert one.beside["hr_p"].estimate == -two.against["hr_p"].estimate
    alone = {found.name: found.against for found in results(folders, "two")}
    assert {found.name: found.beside for found in (one, two, three)} == alone
