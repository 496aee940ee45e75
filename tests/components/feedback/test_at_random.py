"""What was shown at random: a test set of its own, and no part of anything else."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.everything.rules import everything
from components.feedback.config import FeedbackConfig
from components.feedback.reading.plan import make_plan
from components.feedback.run import generate
from components.feedback.writing.summary import format_summary
from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local, support

pytestmark = pytest.mark.tensorflow

Row = tuple[str, str, float, int]
SPLIT = schema.TEST_RANDOM_SPLIT


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("user", "item", "value", "timestamp"), *rows])


def config(folder: Path, **settings: Any) -> FeedbackConfig:
    rules: dict[str, Any] = {
        "min_item_users": 1,
        "min_user_items": 1,
        "min_positives": 1,
        "split_time": 100,
        "positive": 4.0,
    }
    rules |= {"base": str(folder), "split_time": 100, "max_leaked_targets": 1.0, "validation_targets": "both"}
    return FeedbackConfig(**{"files": ["log.csv"], "random_files": ["random.csv"], **rules, **settings})


def asked(output: Path) -> list[tuple[str, list[str], str, int]]:
    """User, history, target and its polarity, of each example of the set."""
    found = support.read_examples(output, SPLIT)
    rows = [
        (each["user_id"], each["seen_item_ids"], each["target_item_id"], each["target_is_positive"]) for each in found
    ]
    return sorted(rows)


LOG: list[Row] = [
    *(("u", "a", 5, 1), ("u", "b", 1, 2), ("u", "c", 5, 110), ("v", "a", 5, 3), ("v", "c", 5, 4), ("v", "d", 1, 5)),
    *(("w", "a", 1, 6), ("w", "b", 1, 7)),
]


def test_targets_and_what_became_of_each_row(tmp_path: Path) -> None:
    write(tmp_path / "log.csv", LOG)
    rows: list[Row] = [("u", "d", 5, 99), ("u", "d", 1, 105), ("u", "a", 5, 120), ("u", "z", 5, 130)]
    rows += [("v", "b", 5, 140), ("w", "c", 5, 141), ("x", "a", 5, 142)]
    write(tmp_path / "random.csv", rows)
    # u is the one user with held-out rows, and of one the smaller half validates: nobody.
    statistics = local.generate(config(tmp_path, targets="successive"), tmp_path / "out", 64)
    assert asked(tmp_path / "out") == [
        ("u", ["a", "b"], "d", 0),
        ("u", ["a", "b", "d", "c"], "a", 1),
        ("v", ["a", "c", "d"], "b", 1),
    ]
    assert statistics[SPLIT] == {
        "rows": {
            "read": 7,
            "dropped": {"before_split": 1, "unknown_user": 1, "few_positives": 1, "unknown_item": 1},
            "kept": {"positive": 2, "negative": 1},
        },
        "examples": {"all": 3, "positive": 2, "negative": 1},
        "targets_already_seen": 1,
    }
    text = format_summary(statistics)
    assert "test_random            3           2           1           3           2           1\n" in text
    assert "Shown at random: 7 rows\n           1 dropped: before the time of the split" in text
    local.generate(config(tmp_path), tmp_path / "last", 64)
    assert asked(tmp_path / "last") == [("u", ["a", "b", "d", "c"], "a", 1), ("v", ["a", "c", "d"], "b", 1)]


@pytest.mark.parametrize("duplicates", ["all", "first", "last"])
def test_repeated_pairs(tmp_path: Path, duplicates: str) -> None:
    write(tmp_path / "log.csv", LOG)
    write(tmp_path / "random.csv", [("u", "a", 5, 105), ("u", "d", 5, 106), ("u", "d", 1, 107)])
    statistics = local.generate(config(tmp_path, duplicates=duplicates, targets="successive"), tmp_path / "out", 64)
    expected = {
        "all": [("u", ["a", "b"], "a", 1), ("u", ["a", "b", "a"], "d", 1), ("u", ["a", "b", "a", "d"], "d", 0)],
        "first": [("u", ["a", "b"], "d", 1)],
        "last": [("u", ["a", "b"], "a", 1), ("u", ["a", "b", "a"], "d", 0)],
    }
    assert asked(tmp_path / "out") == expected[duplicates]
    assert statistics[SPLIT]["rows"]["dropped"].get("duplicate", 0) == {"all": 0, "first": 2, "last": 1}[duplicates]


def some_rows(random: np.random.Generator, count: int) -> list[Row]:
    columns = [random.integers(0, most, count).tolist() for most in (40, 25, 10, 1000)]
    return [(f"u{user}", f"i{item}", value, time) for user, item, value, time in zip(*columns, strict=True)]


def outputs(folder: Path) -> dict[str, bytes]:
    names = ("Split-train", "Split-validation", "Split-test", "vocabulary")
    return {str(file.relative_to(folder)): file.read_bytes() for name in names for file in (folder / name).iterdir()}


@pytest.mark.parametrize("positive", ["median", "user_median", 5.0])
def test_nothing_else_changes(tmp_path: Path, positive: Any) -> None:
    """Training, vocabulary and the other sets are the same bytes with the log and without, and Beam's are these."""
    random = np.random.default_rng(5)
    write(tmp_path / "log.csv", some_rows(random, 900))
    write(tmp_path / "random.csv", some_rows(random, 300))
    rules = {"positive": positive, "split_time": None, "shards": 3, "min_item_users": 5, "targets": "successive"}
    alone = local.generate(config(tmp_path, **rules, random_files=[]), tmp_path / "alone", 64)
    beside = local.generate(config(tmp_path, **rules), tmp_path / "beside", 64)
    assert outputs(tmp_path / "alone") == outputs(tmp_path / "beside")
    assert SPLIT not in alone
    assert beside.pop(SPLIT)["rows"]["dropped"]["validation_user"] > 0
    own = [finding for finding in beside["findings"] if finding["name"].startswith("random_")]
    assert [finding["total"] for finding in own] == [300, 300]
    beside["findings"] = [finding for finding in beside["findings"] if finding not in own]
    assert alone == beside
    generate(config(tmp_path, **rules), tmp_path / "beam")
    found = asked(tmp_path / "beam")
    assert found == asked(tmp_path / "beside")
    examples = support.all_examples(tmp_path / "beam")
    assert {user for user, *_ in found}.isdisjoint(each["user_id"] for each in examples["validation"])
    by_user: dict[str, list[float]] = {}
    for user, _, value, time in rows_in_order(tmp_path / "log.csv"):
        if time < beside["split"]["time"]:
            by_user.setdefault(user, []).append(value)
    bound = {user: float(np.median(values)) for user, values in by_user.items()}
    values = {(user, item): value for user, item, value, _ in rows_in_order(tmp_path / "random.csv")}
    pairs = [row[:2] for row in rows_in_order(tmp_path / "random.csv")]
    once = {pair for pair in pairs if pairs.count(pair) == 1}
    for user, _, item, is_positive in found:
        limit = bound[user] if positive == "user_median" else alone["positive"]["threshold"]
        if (user, item) in once:
            assert is_positive == int(values[user, item] >= limit)


def rows_in_order(path: Path) -> list[Row]:
    with path.open() as file:
        rows = [(user, item, float(value), int(time)) for user, item, value, time in list(csv.reader(file))[1:]]
    return sorted(rows, key=lambda row: row[3])


def test_what_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "log.csv", LOG)
    write(tmp_path / "random.csv", [])
    with pytest.raises(FeedbackError, match=r"`feedback.random_files`: no file has a data row: .*random.csv"):
        make_plan(config(tmp_path))
    with pytest.raises(FeedbackError, match=r"`feedback.random_files`: .*log.csv is one of the files"):
        make_plan(config(tmp_path, random_files=["./log.csv"]))
    with pytest.raises(ValueError, match=r"`feedback.random_files` are tested on from .* leave_one_out has no"):
        config(tmp_path, split="leave_one_out", split_time=None)


def test_none_of_them_is_refitted_on(tmp_path: Path) -> None:
    write(tmp_path / "log.csv", LOG)
    write(tmp_path / "random.csv", [("u", "d", 5, 105)])
    settings = config(tmp_path)
    statistics = local.generate(settings, tmp_path / "out", 64)
    assert everything(settings, statistics).random_files == []


def test_a_set_without_a_group_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "log.csv", LOG)
    write(tmp_path / "random.csv", [("u", "d", 5, 105), ("u", "z", 1, 106)])
    statistics = local.generate(config(tmp_path), tmp_path / "out", 64)
    assert any(
        warning.startswith("No target of what was shown at random is negative: 2 rows were read")
        for warning in statistics["warnings"]
    )
