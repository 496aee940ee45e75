"""Pieces of input that one worker reads one after another."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading import plan
from tests.components.feedback import support
from tests.components.feedback.made_up import some_rows


def test_small_files_are_read_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_ROWS_PER_GROUP", 10)
    for number, rows in enumerate((3, 6, 2, 30, 1, 1)):
        pq.write_table(support.table(some_rows(rows)), tmp_path / f"{number}.parquet")
    found = plan.make_plan(FeedbackConfig(files=["*.parquet"], base=str(tmp_path)))
    assert [[piece.file for piece in group] for group in found.groups()] == [[0, 1], [2], [3], [4, 5]]
    assert [piece for group in found.groups() for piece in group] == list(found.pieces)
