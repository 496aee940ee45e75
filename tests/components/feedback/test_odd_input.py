"""Input of which little or nothing is left, and rows that are duplicates or tie."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig
from components.feedback.run import generate
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import reference, support
from tests.components.feedback.made_up import MANY, NO_FILTER, ONE_ITEM, ONE_USER, rows_of
from tests.components.feedback.reference import Row


def test_every_row_dropped_for_its_timestamp(tmp_path: Path) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", [dataclasses.replace(row, time=-1) for row in MANY])
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[path], positive=1.0, bad_rows="drop"), tmp_path / "output")
    assert str(caught.value) == (
        "No row can be used: 100 rows read; 100 dropped: timestamp neither a plausible number nor a date. Set "
        "`feedback.bad_rows: error` to see the first of them, then correct the input, `feedback.columns`, "
        "`feedback.names` or `feedback.delimiter`."
    )


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (
            ONE_USER,
            {"positive": 1.0},
            "No row is left after the filters: 12 rows read; 12 dropped: item with too few users (min_item_users). "
            "Lower "
            "`feedback.min_item_users` (now 5) or `feedback.min_user_items` (now 5), or give more data.",
        ),
        (
            ONE_ITEM,
            {"positive": 1.0},
            "No row is left after the filters: 36 rows read; 36 dropped: user with too few items (min_user_items). "
            "Lower "
            "`feedback.min_item_users` (now 5) or `feedback.min_user_items` (now 5), or give more data.",
        ),
        (
            MANY,
            {"positive": 2.0},
            "No user is left to train on: of 10 users with 89 training rows, none has the 2 positive ones that "
            "`feedback.min_positives` asks for (positive: value >= 2). 100 rows read; 10 dropped: held out, item not "
            "in "
            "training; 90 dropped: user with too few positive training rows (min_positives). Lower "
            "`feedback.min_positives`, "
            "or change `feedback.positive`.",
        ),
        (
            [Row(row.user, row.item, 1.0, 1000, "train", row.order) for row in MANY],
            {"positive": 1.0},
            "No training row is left by the split: of 100 rows after the filters, every timestamp is at or after the "
            "split "
            "time 1970-01-01 00:16:40 UTC. Lower `feedback.test_quantile` (now 0.9), or split by leave_one_out.",
        ),
        (
            MANY[:20],
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            "No training row is left by the split: of 20 rows after the filters, no user has more than two, which "
            "are for "
            "test and validation. Split by global_time.",
        ),
        (
            [Row(row.user, row.item, 1.0, row.time, "test", row.order) for row in MANY],
            {"positive": 1.0, "split": "column", "columns": ColumnsConfig(split="split")},
            "No training row is left by the split: of 100 rows after the filters, the column 'split' says train for "
            "none "
            "of them.",
        ),
        (
            [*MANY, Row("u1", "i1", 1.0, 10**12, "train", 100)],
            {"positive": 1.0},
            "The timestamps have several units: 1 in milliseconds, 100 in seconds. The first that is not in seconds is "
            "{folder}/rows.parquet, row 101, column 'timestamp': 1000000000000. Bring them to one, else rows cannot be "
            "put in order; remove the row if it is a mistake.",
        ),
    ],
    ids=["one user", "one item", "all negative", "one time", "short users", "no train rows", "two units"],
)
def test_nothing_left(tmp_path: Path, rows: list[Row], settings: dict[str, Any], message: str) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[path], **settings), tmp_path / "output")
    assert str(caught.value) == message.replace("{folder}", str(tmp_path))
    assert [child.name for child in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize(
    ("rows", "settings", "warnings"),
    [
        (
            ONE_USER,
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            [
                "The validation split is empty: nothing can be measured on it.",
                "The test split is empty: nothing can be measured on it.",
            ],
        ),
        (
            ONE_ITEM,
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            [
                "No training row is negative: the negative encoder has nothing to learn from.",
                "3 validation targets are already in their history, so they can only be missed; `duplicates: first` "
                "avoids "
                "that.",
                "No test target is negative: that group cannot be measured.",
                "3 test targets are already in their history, so they can only be missed; `duplicates: first` avoids "
                "that.",
            ],
        ),
        (
            MANY,
            {"positive": 1.0, "split": "leave_one_out"},
            ["No training row is negative: the negative encoder has nothing to learn from."],
        ),
        (
            MANY,
            {"positive": 2.0, "split": "leave_one_out", "min_positives": 0},
            ["No training row is positive: the positive encoder has nothing to learn from."],
        ),
    ],
    ids=["one user", "one item", "all positive", "all negative"],
)
def test_odd_input_that_can_be_used(
    tmp_path: Path, rows: list[Row], settings: dict[str, Any], warnings: list[str]
) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    config = FeedbackConfig(files=[path], **settings)
    statistics = generate(config, tmp_path / "output")
    expected = reference.run(rows, config)
    assert support.all_examples(tmp_path / "output") == expected.examples
    assert statistics["warnings"][: len(warnings)] == warnings


def test_duplicated_rows(tmp_path: Path) -> None:
    """Each of 10 users has each of 5 items twice, first liked, then not."""
    rows = rows_of(*((f"u{n % 10}", f"i{n // 10 % 5}", float(n < 50)) for n in range(100)))
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    found = {}
    for rule in ("all", "first", "last"):
        config = FeedbackConfig(files=[path], duplicates=rule, split="leave_one_out", positive=1.0, min_positives=0)  # type: ignore[arg-type]
        statistics = generate(config, tmp_path / rule)
        example = support.all_examples(tmp_path / rule)["train"][0]
        found[rule] = (
            statistics["rows"]["dropped"]["duplicate"],
            example["positive_item_ids"],
            example["negative_item_ids"],
        )
    items = [f"i{index}" for index in range(5)]
    assert found == {
        "all": (0, items, items[:3]),
        "first": (50, items[:3], []),
        # What is held out takes no row away from training: i3 and i4 were liked there.
        "last": (30, items[3:], items[:3]),
    }


def test_ties_are_broken_by_file_then_row(tmp_path: Path) -> None:
    """All at the same time: the order is that of the files' names and of their rows, not that of the config."""
    orders = {"b.csv": "fghij", "a.csv": "abcde"}
    for name, items in orders.items():
        support.write_csv(tmp_path / name, [Row(user, item, 1.0, 77) for item in items for user in ("u", "v")])
    config = FeedbackConfig(
        files=list(orders), base=str(tmp_path), split="leave_one_out", positive=1.0, min_item_users=2, shards=2
    )
    generate(config, tmp_path / "output")
    examples = support.all_examples(tmp_path / "output")
    assert [example["positive_item_ids"] for example in examples["train"]] == [list("abcdefgh")] * 2
    # "i" and "j" are in no training row.
    assert examples["test"] == examples["validation"] == []


def test_the_median_of_an_even_number_lies_between(tmp_path: Path) -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    rows = [Row("u", f"i{n}", value, n, "train", n) for n, value in enumerate(values)]
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    config = FeedbackConfig(files=[path], split="column", positive="median", **NO_FILTER)
    assert generate(config, tmp_path / "output")["positive"] == {"rule": "median", "threshold": np.median(values)}
