"""Users with very many interactions. `test_rules` holds the rules under any cap against the reference."""

from pathlib import Path

import numpy as np
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.rules.caps import CapsConfig, first_of_users, newest_of_users
from tests.components.feedback import local, support
from tests.components.feedback.reference import Row


def test_first_and_newest_of_each_user() -> None:
    user = np.array([0, 0, 0, 2, 5, 5])
    assert first_of_users(user, 2).tolist() == [True, True, False, True, True, True]
    assert newest_of_users(user, 2).tolist() == [False, True, True, True, True, True]
    for cap in (first_of_users, newest_of_users):
        assert cap(user, 0).all(), "no cap"
        assert cap(np.zeros(0, np.int64), 3).tolist() == []


@pytest.mark.parametrize("name", ["history", "targets"])
def test_refuses_negative_caps(name: str) -> None:
    with pytest.raises(ValueError, match=rf"`feedback.caps.{name}` must be 0, for no cap, or more. Received: -1"):
        CapsConfig(**{name: -1})


def test_what_one_user_takes_does_not_grow_with_the_square_of_the_events(tmp_path: Path) -> None:
    def size_of(events: int, caps: CapsConfig) -> int:
        rows = [Row("heavy", f"i{place % 7}", float(place % 2), 1000 + place, order=place) for place in range(events)]
        folder = tmp_path / f"{events}-{caps.history}-{caps.targets}"
        folder.mkdir()
        support.write_csv(folder / "rows.csv", rows)
        config = FeedbackConfig(
            files=[str(folder / "rows.csv")],
            positive=1,
            min_item_users=1,
            min_user_items=1,
            targets="successive",
            test_quantile=0.5,
            max_leaked_targets=1.0,
            caps=caps,
        )
        local.generate(config, folder / "out", 1000)
        examples = support.all_examples(folder / "out")
        return sum(len(each["history_is_positive"]) for part in examples.values() for each in part)

    capped = [size_of(events, CapsConfig(50, 20)) for events in (400, 800)]
    free = [size_of(events, CapsConfig(0, 0)) for events in (400, 800)]
    assert capped[1] < 1.1 * capped[0]
    assert free[1] > 3 * free[0]


@pytest.mark.parametrize(("history", "seen"), [(0, 1), (3, 1), (2, 0)])
def test_a_target_that_the_history_holds_no_longer_can_be_hit(tmp_path: Path, history: int, seen: int) -> None:
    # The test user's last row repeats an item that two other rows have followed.
    rows = [Row(user, item, 1.0, time) for user in "ab" for time, item in enumerate("wxyz")]
    rows += [Row(user, "x", 1.0, 10, order=place) for place, user in enumerate("ab")]
    support.write_csv(tmp_path / "rows.csv", rows)
    config = FeedbackConfig(
        files=[str(tmp_path / "rows.csv")],
        positive=1,
        min_item_users=1,
        min_user_items=1,
        split_time=10,
        max_leaked_targets=1.0,
        caps=CapsConfig(history, 0),
    )
    found = local.generate(config, tmp_path / "out", 1000)["targets_already_seen"]
    assert found == {"validation": seen, "test": seen}
    (example,) = support.all_examples(tmp_path / "out")["test"]
    assert (example["target_item_id"] in example["seen_item_ids"]) == bool(seen)
