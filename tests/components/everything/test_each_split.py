"""Whatever a run holds out, everything has it: by each rule of the split, and by each reading of what is liked."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.everything.rules import everything
from components.feedback.config import FeedbackConfig
from components.feedback.rules.splits import SPLIT_RULES
from tests.components.feedback import local

ROWS, BEGIN = 2_000, 1_600_000_000
SETTINGS: list[dict[str, Any]] = [
    {"split": "global_time"},
    {"split": "global_time", "split_time": "2021-05-01", "recent_days": 14.0},
    {"split": "global_time", "targets": "all", "positive": "median"},
    {"split": "leave_one_out", "positive": "user_median"},
    {"split": "leave_one_out", "targets": "successive", "min_heldout_positives": 2},
    {"split": "column", "max_leaked_targets": 1.0},
]


def write(folder: Path) -> None:
    """Rows in no order, the newest of an item that nobody knew before."""
    draws = np.random.default_rng(0)
    item = draws.integers(30, size=ROWS).astype(str)
    item[-40:] = "new"
    columns = {
        "user": draws.integers(60, size=ROWS).astype(str),
        "item": item,
        "value": draws.integers(1, 6, size=ROWS).astype(float),
        "timestamp": np.append(BEGIN + draws.integers(30_000_000, size=ROWS - 40), np.arange(40) + BEGIN + 31_000_000),
        "split": [*draws.choice(["train", "train", "validation", "test"], size=ROWS - 40), *["test"] * 40],
    }
    pq.write_table(pa.table(columns), folder / "rows.parquet")


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: " ".join(map(str, each.values())))
def test_nothing_is_left_out_and_the_newest_item_is_known(tmp_path: Path, settings: dict[str, Any]) -> None:
    write(tmp_path)
    config = FeedbackConfig(["*.parquet"], base=str(tmp_path), shards=3, **{"positive": 4.0, **settings})
    judged = local.generate(config, tmp_path / "judged", 500)
    found = local.generate(everything(config, judged), tmp_path / "everything", 500)
    assert sum(judged["rows"]["kept"]["train"].values()) < ROWS
    assert sum(found["rows"]["kept"]["train"].values()) == found["rows"]["read"] == ROWS
    assert found["positive"]["threshold"] == judged["positive"]["threshold"]
    assert found["examples"]["validation"]["all"] == found["examples"]["test"]["all"] == 0
    items = (tmp_path / "everything" / "vocabulary" / "items.jsonl").read_text(encoding="utf-8")
    assert '"new"' in items
    if settings["split"] == "global_time":
        assert '"new"' not in (tmp_path / "judged" / "vocabulary" / "items.jsonl").read_text(encoding="utf-8")


def test_each_rule_that_holds_something_out_is_tried() -> None:
    assert {each["split"] for each in SETTINGS} == {name for name, rule in SPLIT_RULES.items() if rule.holds_out}
