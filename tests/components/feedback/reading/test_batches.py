"""What is read of each format."""

import datetime
import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.reading import text as text_module
from components.feedback.reading.streams import UnitSeparated
from tests.components.feedback.reading.reads import HEADER, Read, error_of, read, written

CSV = HEADER + '007,"a,b",8,1000\n07,a::b,7.5,999\nü,日本,-1,0\n"say ""x""", i ,1e1,1000\n'
ROWS: Read = [
    ("007", "a,b", 8.0, 1000),
    ("07", "a::b", 7.5, 999),
    ("ü", "日本", -1.0, 0),
    ('say "x"', "i", 10.0, 1000),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", CSV),
        ("rows.csv.gz", CSV),
        ("rows.txt", CSV.replace("\n", "\r\n")),
        ("rows.csv", "\ufeff" + CSV),
        ("rows.csv", CSV.replace("\n", "\n\n").rstrip("\n")),
    ],
)
def test_ids_of_csv_stay_as_they_are(tmp_path: Path, name: str, text: str) -> None:
    assert read(written(tmp_path / name, text)) == (ROWS, {}, 4)


def test_gzip_of_several_members(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()[:60]) + gzip.compress(CSV.encode()[60:]))
    assert read(path)[0] == ROWS


@pytest.mark.parametrize("name", ["rows.dat", "rows.dat.gz"])
def test_double_colons_separate_and_quotes_mean_nothing(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, 'u::a,b::1::5\n"u::"x"::2::6\nu:::k::3::7\n\nu::a:b::4::8\n')
    rows, dropped, total = read(path, names=["user", "item", "value", "timestamp"])
    assert rows == [("u", "a,b", 1.0, 5), ('"u', '"x"', 2.0, 6), ("u", ":k", 3.0, 7), ("u", "a:b", 4.0, 8)]
    assert (dropped, total) == ({}, 4)


@pytest.mark.parametrize("size", range(2, 12))
def test_a_separator_across_two_blocks(size: int) -> None:
    """Whatever is asked for at once."""

    class Source:
        data = b"a::b:::c::::d:e:\n::"

        def read(self, count: int) -> bytes:
            block, self.data = self.data[:count], self.data[count:]
            return block

    stream = UnitSeparated(Source(), "file")
    parts = []
    while part := stream.read(size):
        assert len(part) <= size
        parts.append(part)
    assert b"".join(parts) == b"a\x1fb\x1f:c\x1f\x1fd:e:\n\x1f"


def test_control_character_in_a_dat_file(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.dat", "user::item::value::timestamp\nu::i\x1f::1::2\n")
    assert error_of(path) == f"{path}: holds the control character 0x1F, which a `::`-separated file must not."


def test_other_delimiter_and_more_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.tsv", "timestamp\tx\titem\tuser\tvalue\n5\t?\ti,j\tu\t1\n")
    assert read(path, delimiter="\t")[0] == [("u", "i,j", 1.0, 5)]


PARQUET_COLUMNS: list[dict[str, pa.Array]] = [
    {},
    {"user": pa.array(["7", "7", "8"]).dictionary_encode()},
    {"user": pa.array(["7", "7", "8"], pa.large_string()), "item": pa.array([b"1", b"2", b"1"])},
    {"user": pa.array([7, 7, 8], pa.int64()), "item": pa.array([1, 2, 1], pa.uint8())},
    {"value": pa.array([1, 2, 3], pa.int8())},
    {"value": pa.array(["1", "2.0", "3e0"])},
    {"value": pa.array([1, 2, 3]).cast(pa.decimal128(20, 0))},
    {"timestamp": pa.array([5.0, 6.0, 7.0])},
    {"timestamp": pa.array(["5", "6", "7.0"]).dictionary_encode()},
    {"timestamp": pa.array([5, 6, 7], pa.uint64())},
]


@pytest.mark.parametrize("columns", PARQUET_COLUMNS, ids=lambda columns: "+".join(columns) or "plain")
@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_types_of_parquet(tmp_path: Path, columns: dict[str, pa.Array], batch_rows: int) -> None:
    table = {
        "user": pa.array(["7", "7", "8"]),
        "item": pa.array(["1", "2", "1"]),
        "value": pa.array([1.0, 2.0, 3.0]),
        "timestamp": pa.array([5, 6, 7]),
        **columns,
    }
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(table), path, row_group_size=2)
    assert read(path, batch_rows)[0] == [("7", "1", 1.0, 5), ("7", "2", 2.0, 6), ("8", "1", 3.0, 7)]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("value", pa.array([datetime.date(2020, 1, 1)]), "values must be numbers, not date32[day]."),
        ("timestamp", pa.array([True]), "timestamps must be whole numbers or dates, not bool."),
    ],
)
def test_types_that_do_not_fit(tmp_path: Path, column: str, values: pa.Array, message: str) -> None:
    table = {"user": pa.array(["u"]), "item": pa.array(["i"]), "value": pa.array([1]), "timestamp": pa.array([1])}
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({**table, column: values}), path)
    assert error_of(path) == f"{path}, column {column!r}: {message}"


def test_polarity_and_split_columns(tmp_path: Path) -> None:
    words = ["1", "TRUE", "Positive", "p", "Like", "liked", "0", "false", "NEGATIVE", "n", "dislike", "DISLIKED"]
    lines = [f"u,i,{word},3,{'Train' if index % 2 else ' test'}" for index, word in enumerate(words)]
    path = written(
        tmp_path / "rows.csv", "user,item,polarity,timestamp,split\n" + "\n".join([*lines, "u,i,2,3,x", "u,i,1,3,eval"])
    )
    settings: dict[str, Any] = {"positive": "column", "split": "column"}
    assert error_of(path, **settings) == (
        f"{path}, line 14, column 'polarity': expected like or dislike (or positive/negative, p/n, true/false, 1/0; "
        "`where` of `feedback.events` takes other words), found '2'. Correct the row, or set `feedback.bad_rows: drop`."
    )
    rows, dropped, _ = read(path, bad_rows="drop", **settings)
    assert [value for *_, value, _ in rows] == [1.0] * 6 + [0.0] * 6
    assert dropped == {"bad_polarity": 1, "bad_split": 1}


def test_polarity_of_booleans(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    columns = {"user": ["u"] * 2, "item": ["i"] * 2, "timestamp": [1, 2], "polarity": [True, False]}
    pq.write_table(pa.table(columns), path)
    assert [value for *_, value, _ in read(path, positive="column")[0]] == [1.0, 0.0]


def test_rows_of_a_file_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", 64)
    path = written(tmp_path / "rows.csv", HEADER + "".join(f"u{index},i,{index},{index}\n" for index in range(100)))
    assert read(path)[0] == [(f"u{index}", "i", float(index), index) for index in range(100)]
    broken = written(tmp_path / "broken.csv", path.read_text() + "u,i,x,1\n")
    assert f"{broken}, line 102, column 'value'" in error_of(broken)
