"""Changes of the input files that must not go unnoticed."""

import os
from pathlib import Path

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.inventory import inventory


@pytest.fixture
def config(tmp_path: Path) -> FeedbackConfig:
    (tmp_path / "year" / "month").mkdir(parents=True)
    for name in ("year/a.csv", "year/month/b.csv"):
        (tmp_path / name).write_text("user,item,value,timestamp\n")
    return FeedbackConfig(files=["**/*.csv"], base=str(tmp_path))


def test_nothing_changed(config: FeedbackConfig) -> None:
    before = inventory(config)
    assert inventory(config) == before
    os.utime(Path(config.base) / "year" / "a.csv", (0, 0))
    assert inventory(config) == before, "touched only"


def test_a_file_in_a_sub_folder_of_a_sub_folder(config: FeedbackConfig) -> None:
    before = inventory(config)
    (Path(config.base) / "year" / "month" / "b.csv").write_text("user,item,value,timestamp\nu,i,1,2\n")
    changed = inventory(config)
    assert changed != before
    (Path(config.base) / "year" / "month" / "c.csv").write_text("")
    assert inventory(config) not in (before, changed)


def test_a_new_name_changes_the_order_of_ties(config: FeedbackConfig) -> None:
    before = inventory(config)
    (Path(config.base) / "year" / "a.csv").rename(Path(config.base) / "year" / "z.csv")
    assert inventory(config) != before


def test_a_file_written_within_the_same_second(config: FeedbackConfig) -> None:
    file = Path(config.base) / "year" / "a.csv"
    before, second = inventory(config), int(file.stat().st_mtime)
    file.write_text("USER,ITEM,VALUE,TIMESTAMP\n")
    os.utime(file, ns=(second * 10**9 + 5, second * 10**9 + 5))
    assert inventory(config) != before


def test_a_missing_file_is_left_to_the_run(tmp_path: Path) -> None:
    assert inventory(FeedbackConfig(files=["none.csv"], base=str(tmp_path)))
