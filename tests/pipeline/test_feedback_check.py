"""What is found in the feedback before a run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, EventConfig, FeedbackConfig, TitlesConfig
from components.feedback.spans.config import SpansConfig
from pipeline import feedback_check
from pipeline.feedback_check import Feedback, look_into
from pipeline.first_rows import Row
from pnfrec_core import launch

HEADER = "user,item,value,timestamp\n"


def look(folder: Path, *files: str, **settings: Any) -> Feedback:
    return look_into(FeedbackConfig(files=list(files), base=str(folder), **settings), pytest.fail)


def write(path: Path, *rows: str) -> None:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))


def test_rows_as_they_are_understood(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u1,007,8,1365029107", "u2,i,7.5,0")
    found = look(tmp_path, "a.csv", positive=8)
    assert found == Feedback(
        files=(str(tmp_path / "a.csv"),),
        size=(tmp_path / "a.csv").stat().st_size,
        rows=(
            Row("u1", "007", "8", "positive", "2013-04-03 22:45:07 UTC"),
            Row("u2", "i", "7.5", "negative", "1970-01-01 00:00:00 UTC"),
        ),
    )


def test_rows_of_each_event_as_they_are_understood(tmp_path: Path) -> None:
    write(tmp_path / "likes.csv", *(f"u{row},i,,1365029107" for row in range(20)))
    write(tmp_path / "dislikes.csv", "u1,i,,1365029108")
    write(tmp_path / "undo.csv", "u1,i,,1365029109")
    events = [
        EventConfig("likes", ["likes.csv"], "like"),
        EventConfig("dislikes", ["dislikes.csv"], "dislike"),
        EventConfig("undislikes", ["undo.csv"], cancels=["dislikes"]),
    ]
    found = look(tmp_path, events=events, positive="column")
    assert found.problems == ()
    seconds = [f"2013-04-03 22:45:0{second} UTC" for second in (7, 8, 9)]
    assert found.rows == (
        *(Row(f"u{row}", "i", "1", "positive", seconds[0], "likes") for row in range(4)),
        Row("u1", "i", "0", "negative", seconds[1], "dislikes"),
        Row("u1", "i", "", "takes back dislikes", seconds[2], "undislikes"),
    )
    write(tmp_path / "undo.csv")
    (tmp_path / "dislikes.csv").unlink()
    problems = look(tmp_path, events=events, positive="column").problems
    assert problems == (
        f"`feedback.events`: there is no file {tmp_path}/dislikes.csv. Relative paths are taken from `feedback.base`.",
    )


@pytest.mark.parametrize(
    "time",
    ["1365029107000", "1365029107000000", "1365029107000000000", "2013-04-03T22:45:07", "2013-04-04 00:45:07+02:00"],
)
def test_times_of_each_unit_are_shown_in_utc(tmp_path: Path, time: str) -> None:
    write(tmp_path / "a.csv", f"u,i,8,{time}")
    (row,) = look(tmp_path, "a.csv").rows
    assert row.time == "2013-04-03 22:45:07 UTC"


@pytest.mark.parametrize(
    ("settings", "rows", "noted"),
    [
        ({}, ["u,i,8,20130815", "u,i,8,20130816"], True),
        ({}, ["u,i,8,20130815", "u,i,8,1376602288"], False),
        ({"time_unit": "seconds"}, ["u,i,8,20130815"], False),
        ({"time_format": "%Y%m%d"}, ["u,i,8,20130815"], False),
    ],
)
def test_dates_written_as_numbers_are_told_before_a_run(
    tmp_path: Path, settings: dict[str, Any], rows: list[str], noted: bool
) -> None:
    write(tmp_path / "a.csv", *rows)
    said = (
        "The timestamps of the first rows, such as 20130815, read as dates written as numbers (%Y%m%d), not as seconds "
        "since 1970, which would be 1970-08-21 23:53:35 UTC. If all rows are like them, a run stops: set "
        "`feedback.time_format: '%Y%m%d'`, or `feedback.time_unit: seconds` if they are that."
    )
    assert look(tmp_path, "a.csv", **settings).notes == ((said,) if noted else ())


def test_times_of_several_units_are_told_before_a_run_that_they_would_stop(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u,i,8,1365029107", "u,i,8,1365029107000")
    found = look(tmp_path, "a.csv")
    assert found.rows == ()
    (problem,) = found.problems
    assert problem.startswith(f"The timestamps have several units: in seconds in {tmp_path}/a.csv, in milliseconds in ")


@pytest.mark.parametrize(
    ("positive", "expected"),
    [
        (3.0, ["positive", "negative"]),
        ("median", ["by the median"] * 2),
        ("user_median", ["by the user's median"] * 2),
    ],
)
def test_what_decides_on_the_polarity(tmp_path: Path, positive: Any, expected: list[str]) -> None:
    write(tmp_path / "a.csv", "u,i,3,0", "u,i,2.999,0")
    assert [row.polarity for row in look(tmp_path, "a.csv", positive=positive).rows] == expected


def test_a_column_of_polarities(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,liked,timestamp\nu,i,True,0\nu,j,n,0\n")
    found = look(tmp_path, "a.csv", positive="column", columns=ColumnsConfig(polarity="liked"))
    assert [(row.value, row.polarity) for row in found.rows] == [("1", "positive"), ("0", "negative")]


def test_ten_rows_of_the_first_files_are_shown(tmp_path: Path) -> None:
    for name, first, count in (("b.csv", 7, 60), ("a.csv", 0, 7)):
        write(tmp_path / name, *(f"u{number},i,8,0" for number in range(first, first + count)))
    assert [row.user for row in look(tmp_path, "*.csv").rows] == [f"u{number}" for number in range(10)]


def test_rows_that_are_dropped_are_not_shown(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u1,i,x,0", "u2,i,8,0", "u3,i")
    assert [row.user for row in look(tmp_path, "a.csv", bad_rows="drop").rows] == ["u2"]


def test_a_large_file_is_read_at_its_beginning_alone(tmp_path: Path) -> None:
    count = 300_000
    columns = {"user": range(count), "item": range(count), "value": [1.0] * count, "timestamp": [0] * count}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    write(tmp_path / "b.csv", *("user_with_a_long_name,item,8,0" for _ in range(count)), "u,i,x,0")
    found = look(tmp_path, "*")
    assert found.problems == ()
    assert [row.user for row in found.rows] == [str(number) for number in range(10)]


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / "good.csv", "u,i,8,0")
    write(tmp_path / "empty.csv")
    (tmp_path / "columns.csv").write_text("who,item,value,timestamp\nu,i,8,0\n")
    (tmp_path / "damaged.parquet").write_text("x")
    files = ["good.csv", "empty.csv", "none.csv", "no*.csv", "columns.csv", "damaged.parquet"]
    found = look(tmp_path, *files, titles=TitlesConfig("titles.csv"))
    assert (found.files, found.rows) == ((), ())
    assert [problem.partition(". ")[0] for problem in found.problems] == [
        f"`feedback.titles.file`: there is no file {tmp_path}/titles.csv",
        f"`feedback.files`: there is no file {tmp_path}/none.csv",
        f"`feedback.files`: no file matches the glob {tmp_path}/no*.csv",
        f"{tmp_path}/columns.csv: no column 'user'",
        found.problems[4].partition(". ")[0],
    ]
    assert found.problems[4].startswith(f"{tmp_path}/damaged.parquet: not a readable Parquet file")


def test_of_many_files_that_cannot_be_read_some_are_named(tmp_path: Path) -> None:
    found = look(tmp_path, *(f"{number}.csv" for number in range(12)))
    assert len(found.problems) == 11
    assert found.problems[-1] == "`feedback.files`: 2 more files cannot be read."


def test_files_without_a_row(tmp_path: Path) -> None:
    write(tmp_path / "empty.csv")
    assert look(tmp_path, "empty.csv").problems == (
        f"No input file has a data row: {tmp_path}/empty.csv. Check `feedback.files`.",
    )
    write(tmp_path / "good.csv", "u,i,8,0")
    found = look(tmp_path, "*.csv")
    assert found.problems == ()
    assert found.notes == (f"{tmp_path}/empty.csv has no data row.",)


def test_a_bad_row_at_the_beginning_of_each_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u,i,8,0", "u,i,x,0")
    write(tmp_path / "b.csv", ",i,8,0")
    found = look(tmp_path, "*.csv")
    assert [problem.partition(":")[0] for problem in found.problems] == [
        f"{tmp_path}/a.csv, line 3, column 'value'",
        f"{tmp_path}/b.csv, line 2, column 'user'",
    ]


def test_what_a_known_data_set_lacks_is_named_with_its_command(tmp_path: Path) -> None:
    (problem,) = look(tmp_path, "data/ml-100k/ratings.parquet").problems
    assert "Get it with `pnfrec data fetch ml-100k`" in problem


def test_a_store_whose_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_check, "_is_installed", lambda module: module == "google.cloud.storage")
    found = look(tmp_path, "s3://bucket/x.csv", "none.csv", titles=TitlesConfig("azfs://account/titles.csv"))
    assert found.problems == (
        "`feedback.files`: s3://bucket/x.csv needs boto3, which is not installed: pip install 'apache-beam[aws]', or "
        "copy the files to this machine.",
        "`feedback.titles.file`: azfs://account/titles.csv needs azure.storage.blob, which is not installed: pip "
        "install 'apache-beam[azure]', or copy the files to this machine.",
        f"`feedback.files`: there is no file {tmp_path}/none.csv. Relative paths are taken from `feedback.base`.",
    )


def test_a_base_in_a_store_takes_the_relative_paths_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_check, "_is_installed", lambda _: False)
    config = FeedbackConfig(files=["x.csv"], base="s3://bucket", titles=TitlesConfig("titles.csv"))
    assert [problem.partition(" needs")[0] for problem in look_into(config, pytest.fail).problems] == [
        "`feedback.files`: s3://bucket/x.csv",
        "`feedback.titles.file`: s3://bucket/titles.csv",
    ]


def stores(monkeypatch: pytest.MonkeyPatch, code: str, patience: float = 30.0) -> tuple[Feedback, list[str]]:
    """What is found of a file in a store when `code` stands for the process that asks the store."""
    monkeypatch.setattr(feedback_check, "_is_installed", lambda _: True)
    monkeypatch.setattr(feedback_check, "_STORE_PATIENCE_S", patience)
    command = [sys.executable, "-c", code]
    monkeypatch.setattr(launch, "command", lambda _, *paths: [*command, *paths])
    said: list[str] = []
    return look_into(FeedbackConfig(files=["gs://bucket/x.csv", "gs://bucket/y.csv"]), said.append), said


def test_a_store_is_asked_by_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = stores(monkeypatch, "import sys; print(sys.argv[2] + '\\tthere is no such file.'); print('a remark')")
    assert found.problems == (
        "`feedback.files`: gs://bucket/y.csv: there is no such file. Check the path and the credentials.",
    )
    assert said == ["looking for gs://bucket/x.csv, gs://bucket/y.csv; for up to 30 s"]
    found, _ = stores(monkeypatch, "")
    assert (found.problems, found.rows) == ((), ())
    assert found.notes == ("Files in a store are there, and are not looked into before the run.",)


def test_the_first_rows_in_a_store_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    row = '["u", "i", "8", "positive", "2013-04-03 22:45:07 UTC"]'
    code = f"import sys; assert sys.stdin.read(); print('first rows\\t[[{row}], %s, [\"odd\"]]')"
    found, _ = stores(monkeypatch, code % "[]")
    assert found.rows == (Row("u", "i", "8", "positive", "2013-04-03 22:45:07 UTC"),)
    assert found.notes == ("odd", "Of the files in a store, the first was looked into.")
    found, _ = stores(monkeypatch, code.replace(row, "") % '["x.csv, line 2: bad"]')
    assert found == Feedback(problems=("x.csv, line 2: bad",))


def test_a_store_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = stores(monkeypatch, "import time; time.sleep(300)", patience=0.5)
    assert found.problems == (
        "gs://bucket/x.csv, gs://bucket/y.csv: the store has not answered within 0 s. Check the credentials and the "
        "network, or copy the files to this machine.",
    )


def test_a_process_that_cannot_ask_is_no_good_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = stores(monkeypatch, "raise SystemExit('no Beam here')")
    assert found.problems == (
        "gs://bucket/x.csv, gs://bucket/y.csv: the store could not be asked (no Beam here). Look at pnfrec "
        "doctor --deep.",
    )


def test_packages_are_looked_for_without_importing_them() -> None:
    assert feedback_check._is_installed("google.protobuf")
    assert not feedback_check._is_installed("google.no_such_module")
    assert not feedback_check._is_installed("no_such_package.storage.blob")


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u,i,8,0")
    code = (
        "import sys; from components.feedback.config import FeedbackConfig;"
        "from pipeline.feedback_check import look_into;"
        f"found = look_into(FeedbackConfig(files=['a.csv'], base={str(tmp_path)!r}), print); assert found.rows;"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'keras', 'ml_metadata', 'grpc'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_spans_are_told_and_what_is_missing(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        write(tmp_path / f"{number}.csv", f"u{number},i,8,0")
    found = look(tmp_path, "{SPAN}.csv", spans=SpansConfig(2))
    assert [row.user for row in found.rows] == ["u2", "u4"]
    assert found.spans == "2 to 4: 2 spans, 1 missing, 1 before them not read"
    assert found.notes[0].startswith("`feedback.files`: of the spans 2 to 4 1 is missing: 3.")


def test_a_file_of_a_span_that_cannot_be_read_is_named_beside_others(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", "u,i,8,0")
    (tmp_path / "2.csv").write_text("user,item\nu,i\n")
    found = look(tmp_path, "{SPAN}.csv", "other.csv", spans=SpansConfig(1))
    assert [problem.split(":")[0] for problem in found.problems] == [f"{tmp_path}/2.csv", "`feedback.files`"]
