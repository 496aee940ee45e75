"""The steps against the plain reference, over all rules, and what must not depend on how the rows are cut."""

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.feedback.config import FeedbackConfig
from components.feedback.rules.caps import CapsConfig
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local, reference, support
from tests.components.feedback.reference import Row

# Few users and items, so that filters, duplicates and ties all happen; ids that a careless reader would change.
USERS = ["1", "01", "001", "ü", "a,b", "x::y", ' "q"', "日本", "z", "10"]
ITEMS = [" 0", "00", "1", "é", "i,j", "k::l", "m", "n"]


@st.composite
def row_lists(draw: Any) -> list[Row]:
    """Rows of a seed: Hypothesis' own lists stay so short that hardly a user survives the rules."""
    generator = random.Random(draw(st.integers(0, 10**9)))
    users, items = USERS[: generator.randint(1, 10)], ITEMS[: generator.randint(1, 8)]
    times = generator.choice([1, 12, 1000])
    return [
        Row(
            generator.choice(users),
            generator.choice(items),
            generator.choice([-1.5, 0.0, 0.25, 0.5, 1.0, 3.0, 5.0]),
            100_000 + generator.randrange(times),
            generator.choice(["train"] * 4 + ["validation", "test"]),
            order,
        )
        for order in range(generator.randint(1, 150))
    ]


@st.composite
def configs(draw: Any) -> dict[str, Any]:
    split = draw(st.sampled_from(["global_time", "leave_one_out", "column"]))
    return {
        "positive": draw(st.sampled_from([0.5, 1.0, 3.0, "median", "user_median", "column"])),
        "duplicates": draw(st.sampled_from(["all", "first", "last"])),
        "min_item_users": draw(st.sampled_from([2, 0, 1, 3, 5])),
        "min_user_items": draw(st.sampled_from([2, 0, 1, 3, 5])),
        "split": split,
        "recent_days": draw(st.sampled_from([0.0, 1e-5, 0.0002, 1.0])) if split == "global_time" else 0.0,
        "test_quantile": draw(st.sampled_from([0.3, 0.5, 0.75, 0.9])),
        "split_seed": draw(st.integers(0, 5)),
        "min_positives": draw(st.sampled_from([0, 1, 1, 2, 3])),
        "min_heldout_positives": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "targets": draw(st.sampled_from(["last", "successive"])),
        "validation_targets": draw(st.sampled_from(["positive", "both"])),
        "caps": CapsConfig(draw(st.sampled_from([0, 1, 2, 5, 100])), draw(st.sampled_from([0, 1, 2, 100]))),
        # The split column says anything, at random.
        "max_leaked_targets": 1.0,
    }


def as_read(rows: list[Row], positive: Any) -> list[Row]:
    """What the polarity column says instead of the value."""
    if positive != "column":
        return rows
    return [Row(r.user, r.item, float(r.value >= 0.5), r.time, r.split, r.order) for r in rows]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row_lists(), configs(), st.integers(1, 4), st.integers(1, 40), st.integers(1, 3), st.booleans())
def test_steps_equal_the_reference(
    rows: list[Row], rules: dict[str, Any], shards: int, batch_rows: int, files: int, as_csv: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        size = -(-len(rows) // files)
        for index in range(files):
            part = rows[index * size : (index + 1) * size]
            if as_csv:
                support.write_csv(base / f"rows{index}.csv", part)
            else:
                support.write_parquet(base / f"rows{index}.parquet", part, row_group=7)
        config = FeedbackConfig(files=["rows*"], base=folder, shards=shards, **rules)
        try:
            expected = reference.run(as_read(rows, config.positive), config)
        except reference.NothingLeftError:
            with pytest.raises(FeedbackError, match=r"No (row|training row|user) is left"):
                local.generate(config, base / "output", batch_rows)
            return
        statistics = local.generate(config, base / "output", batch_rows)
        assert support.all_examples(base / "output") == expected.examples
        assert support.vocabulary(base / "output") == expected.vocabulary
    assert {name: count for name, count in statistics["rows"]["dropped"].items() if count} == dict(+expected.dropped)
    assert statistics["rows"]["kept"] == expected.kept
    assert statistics["rows"]["read"] == len(rows)
    assert statistics["split"]["time"] == expected.time
    assert statistics["positive"]["threshold"] == expected.threshold
    assert statistics["training_rows"] == expected.training_rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row_lists(), configs())
def test_no_example_knows_its_target_or_what_comes_later(rows: list[Row], rules: dict[str, Any]) -> None:
    """Each item id is made unique, so that a row can be told in the output by its item."""
    rows = [Row(r.user, f"{r.user.strip()}/{n}", r.value, r.time, r.split, n) for n, r in enumerate(rows)]
    rules |= {"min_item_users": 0, "min_user_items": 0, "min_positives": 0, "min_heldout_positives": 0}
    # Held-out items have to be known: each occurs once more, in a training row of one more user, at the beginning.
    known = [Row("first", row.item, 1.0, 1, "train", 0) for row in rows]
    last = [Row("first", f"last/{index}", 1.0, 2, "train", 0) for index in range(2)]
    by_item = {row.item: row for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        path = support.write_parquet(Path(folder) / "rows.parquet", [*known, *last, *rows])
        config = FeedbackConfig(files=[path], **rules)
        try:
            local.generate(config, Path(folder) / "output", 50)
        except FeedbackError:
            return
        examples = support.all_examples(Path(folder) / "output")
    trained = {
        item
        for example in examples["train"]
        if example["user_id"] != "first"
        for item in (*example["positive_item_ids"], *example["negative_item_ids"])
    }
    for split in ("validation", "test"):
        for example in examples[split]:
            if example["user_id"] == "first":
                continue
            target = by_item[example["target_item_id"]]
            assert target.item not in trained
            assert target.item not in example["seen_item_ids"]
            seen = [by_item[item] for item in example["seen_item_ids"]]
            assert all((row.time, row.order) < (target.time, target.order) for row in seen)
            assert all(row.user == target.user for row in seen)
            assert sorted(example["positive_item_ids"] + example["negative_item_ids"]) == sorted(
                example["seen_item_ids"]
            )
            if config.split == "column":
                allowed = {"validation": {"train", "validation"}, "test": {"train", "validation", "test"}}[split]
                assert {row.split for row in seen} <= allowed
    if config.split == "global_time":
        times = {item: row.time for item, row in by_item.items()}
        heldout = [
            times[e["target_item_id"]] for s in ("validation", "test") for e in examples[s] if e["user_id"] != "first"
        ]
        assert not heldout or not trained or max(times[item] for item in trained) < min(heldout)
