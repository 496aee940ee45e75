"""Whole runs with rows that are kept: the same bytes, day after day, with one process or two, also at once."""

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading import keep
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.run import LOCAL_BEAM_ARGS, generate
from components.feedback.spans.config import SpansConfig
from tests.components.feedback import support
from tests.components.feedback.made_up import some_rows


def write_day(folder: Path, day: int, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    support.write_csv(folder / f"day-{day}.csv", some_rows(200, seed))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(
    tmp_path: Path, kept: str, beam_args: Any = LOCAL_BEAM_ARGS, name: str = "out", **keep_read: Any
) -> dict[str, bytes]:
    settings = KeepReadConfig(folder=kept and str(tmp_path / kept), **keep_read)
    files = [str(tmp_path / "days" / "day-{SPAN}.csv")]
    config = FeedbackConfig(files=files, spans=SpansConfig(3), shards=2, min_item_users=1, keep_read=settings)
    generate(config, tmp_path / name, beam_args)
    found = files_of(tmp_path / name)
    shutil.rmtree(tmp_path / name)
    return found


def test_days_come_go_and_are_corrected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for day in (1, 2, 3):
        write_day(tmp_path / "days", day, seed=day)
    steps = [(4, 4), (2, 20), (6, 6), (5, 5)]
    for day, seed in [(1, 1), *steps]:
        write_day(tmp_path / "days", day, seed)
        with caplog.at_level(logging.INFO):
            kept = make(tmp_path, "kept", unused_days=0.0)
        assert kept == make(tmp_path, "", mode="never")
        # Kept is the window, and nothing else.
        assert len(list((tmp_path / "kept").iterdir())) == 3
    told = [record.getMessage() for record in caplog.records if "are kept in" in record.getMessage()]
    anew = [
        [path.rpartition("/")[2] for path in text.partition("read anew: ")[2].rstrip(".").split(", ")] for text in told
    ]
    assert anew == [["day-1.csv", "day-2.csv", "day-3.csv"], ["day-4.csv"], ["day-2.csv"], ["day-6.csv"], ["day-5.csv"]]


def test_two_processes_and_two_runs_at_once(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        write_day(tmp_path / "days", day, seed=day)
    expected = make(tmp_path, "")
    assert make(tmp_path, "kept", support.MULTI_PROCESSING) == expected
    assert make(tmp_path, "kept", support.MULTI_PROCESSING) == expected
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda name: make(tmp_path, "other", name=name), ("one", "two")))
    assert found == [expected, expected]
    assert {path.suffix for path in (tmp_path / "other").iterdir()} == {".rows"}


def test_without_a_folder_nothing_is_kept_outside_of_a_pipeline(tmp_path: Path) -> None:
    write_day(tmp_path / "days", 1, seed=1)
    make(tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["days"]
    assert not list(tmp_path.rglob(keep.FOLDER))
