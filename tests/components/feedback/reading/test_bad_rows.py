"""What becomes of rows that cannot be used."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pnfrec_core.errors import FeedbackError
from tests.components.feedback.reading.reads import A_NUMBER, A_TIME, AN_ID, HEADER, error_of, read, written

BAD = [
    ("u,i,five,2", "value", A_NUMBER, "five", "bad_value"),
    ("u,i,,2", "value", A_NUMBER, "", "bad_value"),
    ("u,i,nan,2", "value", A_NUMBER, "nan", "bad_value"),
    ("u,i,inf,2", "value", A_NUMBER, "inf", "bad_value"),
    ("u,i,-Infinity,2", "value", A_NUMBER, "-Infinity", "bad_value"),
    ("u,i,1e999,2", "value", A_NUMBER, "1e999", "bad_value"),
    ('u,i,"1,5",2', "value", A_NUMBER, "1,5", "bad_value"),
    ("u,i,1,soon", "timestamp", A_TIME, "soon", "bad_timestamp"),
    ("u,i,1,", "timestamp", A_TIME, "", "bad_timestamp"),
    ("u,i,1,-1", "timestamp", A_TIME, "-1", "bad_timestamp"),
    ("u,i,1,-1.5", "timestamp", A_TIME, "-1.5", "bad_timestamp"),
    ("u,i,1,7258118400", "timestamp", A_TIME, "7258118400", "bad_timestamp"),
    ("u,i,1,99999999999999999999", "timestamp", A_TIME, "99999999999999999999", "bad_timestamp"),
    ("u,i,1,2013-02-30", "timestamp", A_TIME, "2013-02-30", "bad_timestamp"),
    ("u,i,1,2200-01-01", "timestamp", A_TIME, "2200-01-01", "bad_timestamp"),
    ("u,i,1,1969-12-31", "timestamp", A_TIME, "1969-12-31", "bad_timestamp"),
    # As nanoseconds these three wrap around into the years between.
    ("u,i,1,2600-01-01", "timestamp", A_TIME, "2600-01-01", "bad_timestamp"),
    ("u,i,1,1500-01-01T00:00Z", "timestamp", A_TIME, "1500-01-01T00:00Z", "bad_timestamp"),
    ("u,i,1,1400-06-01", "timestamp", A_TIME, "1400-06-01", "bad_timestamp"),
    (",i,1,2", "user", AN_ID, "", "bad_user"),
    ("u,,1,2", "item", AN_ID, "", "bad_item"),
]


@pytest.mark.parametrize(("line", "column", "expected", "found", "reason"), BAD, ids=[bad[0] for bad in BAD])
def test_bad_rows_of_text(tmp_path: Path, line: str, column: str, expected: str, found: str, reason: str) -> None:
    # An empty line and a line break in quotes: the bad row is on line 6.
    path = written(tmp_path / "rows.csv", f'{HEADER}\na,i,1,3\n"b\nb",i,1,3\n{line}\nc,i,1,3\n{line}\n')
    assert error_of(path) == (
        f"{path}, line 6, column {column!r}: expected {expected}, found {found!r}. Correct the row, or set "
        "`feedback.bad_rows: drop`."
    )
    rows = [("a", "i", 1.0, 3), ("b\nb", "i", 1.0, 3), ("c", "i", 1.0, 3)]
    assert read(path, bad_rows="drop") == (rows, {reason: 2}, 5)


@pytest.mark.parametrize(
    ("name", "separator", "line"), [("rows.csv", ",", 4), ("rows.dat", "::", 4), ("rows.csv.gz", ",", 4)]
)
def test_wrong_number_of_fields(tmp_path: Path, name: str, separator: str, line: int) -> None:
    text = f"{HEADER}u,i,1,2\n\nu,i,1\nu,i,1,3\nu,i,1,2,3\n".replace(",", separator)
    path = written(tmp_path / name, text)
    message = error_of(path)
    assert message.startswith(f"{path}, line {line}, expected 4 fields, found 3: 'u")
    assert message.endswith(". Correct the row, or set `feedback.bad_rows: drop`.")
    assert read(path, bad_rows="drop") == ([("u", "i", 1.0, 2), ("u", "i", 1.0, 3)], {"wrong_fields": 2}, 4)


def test_the_first_bad_row_is_named(tmp_path: Path) -> None:
    first_value = written(tmp_path / "a.csv", f"{HEADER}u,i,x,2\nu,i,1\n")
    assert "line 2, column 'value'" in error_of(first_value)
    first_fields = written(tmp_path / "b.csv", f"{HEADER}u,i,1\nu,i,x,2\n")
    assert "line 2, expected 4 fields" in error_of(first_fields)
    without_header = written(tmp_path / "c.csv", "u,i,1\nu,i,x,2\n")
    assert "line 1, expected 4 fields" in error_of(without_header, names=["user", "item", "value", "timestamp"])
    only = written(tmp_path / "d.csv", "u,i,1,2\nu,i,x,2\n")
    assert "line 2, column 'value'" in error_of(only, names=["user", "item", "value", "timestamp"])


def test_only_rows_with_a_wrong_number_of_fields(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", f"{HEADER}u,i,1\nu,i\n")
    assert "line 2, expected 4 fields, found 3: 'u,i,1'" in error_of(path)
    assert read(path, bad_rows="drop") == ([], {"wrong_fields": 2}, 2)


def test_an_id_that_is_not_utf8(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", HEADER.encode() + "u,caf\xe9,1,2\nu,i,1,2\n".encode("latin-1"))
    assert f"line 2, column 'item': expected {AN_ID}, found 'caf\\\\xe9'" in error_of(path)
    assert read(path, bad_rows="drop") == ([("u", "i", 1.0, 2)], {"bad_item": 1}, 2)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("value", np.nan, "bad_value"),
        ("value", -np.inf, "bad_value"),
        ("value", None, "bad_value"),
        ("timestamp", -5, "bad_timestamp"),
        ("timestamp", 10**10, "bad_timestamp"),
        ("timestamp", None, "bad_timestamp"),
        ("user", "", "bad_user"),
        ("item", None, "bad_item"),
    ],
)
def test_bad_rows_of_parquet(tmp_path: Path, column: str, value: Any, reason: str) -> None:
    columns: dict[str, list[Any]] = {"user": ["a"] * 9, "item": ["b"] * 9, "value": [1.0] * 9, "timestamp": [3] * 9}
    columns[column][4] = columns[column][7] = value
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    found = f"found {value!r}. Correct"
    for batch_rows in (1, 3, 100):
        with pytest.raises(FeedbackError) as caught:
            read(path, batch_rows)
        assert str(caught.value).startswith(f"{path}, row 5, column {column!r}: expected ")
        assert found in str(caught.value)
        assert read(path, batch_rows, bad_rows="drop") == ([("a", "b", 1.0, 3)] * 7, {reason: 2}, 9)


def test_a_row_with_several_faults_is_dropped_once(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", f"{HEADER},,x,y\nu,i,1,2\n")
    assert read(path, bad_rows="drop") == ([("u", "i", 1.0, 2)], {"bad_user": 1}, 2)


def test_a_bad_row_is_named_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", f'{HEADER}u,i,1,2\n\n"u\n\nu",i,x,2\n')
    assert f"{path}, line 4, column 'value'" in error_of(path)


def test_rows_that_are_one_field(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", "u\ti\t1\t2\n")
    message = error_of(path, names=["user", "item", "value", "timestamp"])
    assert "expected 4 fields, found 1: 'u\\ti\\t1\\t2' (is `feedback.delimiter` right?). Correct" in message


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_row_that_is_neither_utf8_nor_whole(tmp_path: Path) -> None:
    """Arrow cannot hand over such a row, so that it cannot be dropped either."""
    path = written(tmp_path / "rows.csv", HEADER.encode() + b"u,i,1,2\nu,caf\xe9\n")
    assert error_of(path, bad_rows="drop").startswith(f"{path}: a row with a wrong number of fields is not UTF-8 (")


LEFT_EARLY = """
import pathlib, sys
from components.feedback.reading import text as text_module
from components.feedback.reading.source import Piece
from components.feedback.reading.text import TextSource

text_module._BLOCK_BYTES = 1 << 16
folder = pathlib.Path(sys.argv[1])
(folder / "rows.csv").write_text("user,item\\n" + "".join(f"u{n % 50},i{n % 70}\\n" for n in range(300_000)))
(folder / "rows.dat").write_text("".join(f"u{n % 50}::i{n % 70}\\n" for n in range(300_000)))
for kind, names in (("csv", []), ("dat", ["user", "item"])) * 20:
    source = TextSource(str(folder / f"rows.{kind}"), kind, names=tuple(names))
    batches = source.read(Piece(source), ["user", "item"], 0)
    next(batches)
    batches.close()
print("done")
"""


def test_a_large_file_that_is_left_at_its_first_bad_row_does_not_hang(tmp_path: Path) -> None:
    """Arrow reads ahead in a thread that needs the interpreter's lock, which whoever destroys the reader holds."""
    command = [sys.executable, "-W", "ignore", "-c", LEFT_EARLY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "done\n", done.stderr
