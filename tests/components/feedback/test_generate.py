"""The Beam pipeline as a whole: against the reference, on several workers, and how it stops."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback import run as run_module
from components.feedback.config import FeedbackConfig
from components.feedback.run import generate
from components.feedback.writing.summary import format_summary
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import reference, support
from tests.components.feedback.made_up import MANY, NO_FILTER, some_rows
from tests.components.feedback.reference import Row


def assert_equals_reference(folder: Path, statistics: dict[str, Any], rows: list[Row], config: FeedbackConfig) -> None:
    expected = reference.run(rows, config)
    assert support.all_examples(folder) == expected.examples
    assert support.vocabulary(folder) == expected.vocabulary
    assert {name: n for name, n in statistics["rows"]["dropped"].items() if n} == dict(+expected.dropped)
    assert statistics["rows"]["kept"] == expected.kept
    assert statistics["split"]["time"] == expected.time
    assert statistics["positive"]["threshold"] == expected.threshold
    assert all(expected.examples.values())


@pytest.mark.parametrize(
    "settings",
    [
        {"split": "global_time", "positive": "median", "duplicates": "all", "targets": "successive"},
        {
            "split": "global_time",
            "positive": 4.0,
            "duplicates": "last",
            "min_heldout_positives": 1,
            "test_quantile": 0.7,
            "recent_days": 0.0005,  # 43 seconds
        },
        {"split": "leave_one_out", "positive": "user_median", "duplicates": "first"},
        {
            "split": "column",
            "positive": "median",
            "duplicates": "first",
            "targets": "successive",
            "max_leaked_targets": 1.0,
        },
    ],
    ids=lambda settings: settings["split"],
)
def test_beam_equals_the_reference(tmp_path: Path, settings: dict[str, Any]) -> None:
    rows = some_rows()
    support.write_parquet(tmp_path / "a.parquet", rows[:400], row_group=90)
    support.write_csv(tmp_path / "b.csv", rows[400:])
    config = FeedbackConfig(files=["*.parquet", "b.csv"], base=str(tmp_path), shards=3, **settings)
    statistics = generate(config, tmp_path / "output", batch_rows=50)
    assert_equals_reference(tmp_path / "output", statistics, rows, config)
    files = sorted(path.relative_to(tmp_path / "output") for path in (tmp_path / "output").rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        *(
            f"Split-{split}/data_tfrecord-0000{n}-of-00003.gz"
            for split in ("test", "train", "validation")
            for n in range(3)
        ),
        "statistics/report.html",
        "statistics/statistics.json",
        "statistics/summary.txt",
        "vocabulary/items.jsonl",
    ]
    written = tmp_path / "output" / "statistics"
    assert json.loads((written / "statistics.json").read_text()) == statistics
    assert (written / "summary.txt").read_text() == format_summary(statistics)


def test_several_processes_write_the_same(tmp_path: Path) -> None:
    rows = some_rows()
    for index in range(4):
        support.write_csv(tmp_path / f"{index}.csv", rows[index * 150 : (index + 1) * 150])
    config = FeedbackConfig(files=["*.csv"], base=str(tmp_path), shards=4)
    one = generate(config, tmp_path / "one")
    two = generate(config, tmp_path / "two", support.MULTI_PROCESSING)
    assert one == two
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 16
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_an_error_of_another_process_comes_out_clean(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,item,value,timestamp\nu,i,1,2\nu,i,x,2\n")
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[str(path)]), tmp_path / "output", support.MULTI_PROCESSING)
    assert str(caught.value) == (
        f"{path}, line 3, column 'value': expected a finite number, found 'x'. Correct the row, or set "
        "`feedback.bad_rows: drop`."
    )
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("unit", ["s", "ms", "us", "timestamp", "date"])
def test_days_count_from_1970_whatever_the_unit(tmp_path: Path, unit: str) -> None:
    start = 15_840 * 86_400
    seconds = [start + 86_400 * n + (0 if unit == "date" else 21_600) for n in range(len(MANY))]
    times = {
        "s": pa.array(seconds),
        "ms": pa.array([1_000 * second for second in seconds]),
        "us": pa.array([1_000_000 * second for second in seconds]),
        "timestamp": pa.array([1_000 * second for second in seconds], pa.timestamp("ms")),
        "date": pa.array([second // 86_400 for second in seconds], pa.date32()),
    }
    rows = support.table(MANY).drop(["timestamp"]).append_column("timestamp", times[unit])
    pq.write_table(rows, tmp_path / "rows.parquet")
    config = FeedbackConfig(files=[str(tmp_path / "rows.parquet")], positive=1.0, test_quantile=0.9, **NO_FILTER)
    generate(config, tmp_path / "output")
    days = {day for each in support.read_examples(tmp_path / "output", "train") for day in each["history_days"]}
    expected = [second / 86_400 for second in seconds]
    assert days <= set(expected), "quarters of a day are exact in float32 so far from 1970"
    assert min(days) == expected[0]


def test_workers_import_neither_tensorflow_nor_tfx() -> None:
    code = (
        "import sys; import components.feedback.run; "
        "print(sorted({'tensorflow', 'tfx', 'keras', 'tfx_bsl'} & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_output_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "mine").write_text("keep")
    with pytest.raises(FileExistsError, match=f"^The output folder {tmp_path}/output is not empty"):
        generate(FeedbackConfig(files=["-"]), tmp_path / "output")
    assert (tmp_path / "output" / "mine").read_text() == "keep"


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    support.write_parquet(tmp_path / "a.parquet", some_rows(50))
    (tmp_path / "output").mkdir()
    monkeypatch.setattr(run_module, "STATISTICS_FILE", "missing.json")
    with pytest.raises(FileNotFoundError):
        generate(
            FeedbackConfig(files=[str(tmp_path / "a.parquet")], min_item_users=0, min_user_items=0), tmp_path / "output"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "output"]
    assert list((tmp_path / "output").iterdir()) == []


def test_an_output_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("keep")
    for output in ("file", "file/below/it"):
        with pytest.raises(FeedbackError, match=f"^The output {tmp_path}/{output} .*: {tmp_path}/file is no folder"):
            generate(FeedbackConfig(files=["-"]), tmp_path / output)
    # Tests may run as root, who may write everywhere.
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(FeedbackError, match=f"this user may not write to the folder {tmp_path}. Change its perm"):
        generate(FeedbackConfig(files=["-"]), tmp_path / "new" / "output")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        msg = "OSError: [Errno 28] No space left on device [while running 'Feedback/Write']"  # as Beam has it
        raise RuntimeError(msg)

    source = support.write_parquet(tmp_path / "rows.parquet", some_rows())
    monkeypatch.setattr("components.feedback.run.WriteFeedback", full)
    with pytest.raises(FeedbackError, match=f"^The output {tmp_path}/out cannot be written: the disk is full"):
        generate(FeedbackConfig(files=[source]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
