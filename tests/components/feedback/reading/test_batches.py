"""What is read of each format, and what becomes of rows that cannot be used."""

import datetime
import gzip
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading import text as text_module
from components.feedback.reading.batches import find_other_unit, read_rows
from components.feedback.reading.plan import make_plan
from components.feedback.reading.streams import UnitSeparated
from pnfrec_columns.times import decode_times

HEADER = "user,item,value,timestamp\n"
Read = list[tuple[str, str, float, int]]


def read(path: Path, batch_rows: int = 1 << 18, **settings: Any) -> tuple[Read, dict[str, int], int]:
    """(rows, dropped by reason, rows read) of one file."""
    config = FeedbackConfig(files=[str(path)], **settings)
    rows: Read = []
    dropped: Counter[str] = Counter()
    total = 0
    for piece in make_plan(config).pieces:
        for batch in read_rows(piece, config, batch_rows):
            columns = batch.columns
            users, items = columns.users.to_pylist(), columns.items.to_pylist()
            by_row = zip(columns.user, columns.item, columns.value, columns.time, strict=True)
            rows += [(users[user], items[item], float(value), int(time)) for user, item, value, time in by_row]
            dropped.update(batch.dropped)
            total += batch.read
    return rows, dict(dropped), total


def error_of(path: Path, **settings: Any) -> str:
    with pytest.raises(FeedbackError) as caught:
        read(path, **settings)
    return str(caught.value)


def written(path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


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


MICROSECONDS = 1_377_995_400_000_000  # 2013-09-01 00:30:00 UTC


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2013-09-01", MICROSECONDS - 30 * 60 * 10**6),
        ("2013-09-01 00:30", MICROSECONDS),
        ("2013-09-01T00:30:00", MICROSECONDS),
        (" 2013-09-01T00:30:00.25", MICROSECONDS + 250_000),
        ("2013-09-01T00:30:00.123456789", MICROSECONDS + 123_456),
        ("2013-09-01T00:30:00Z", MICROSECONDS),
        ("2013-09-01T02:30:00+02:00", MICROSECONDS),
        ("2013-08-31 19:30:00-0500", MICROSECONDS),
        ("1970-01-01", 0),
        ("1969-12-31 19:00:00-05:00", 0),
        ("2200-01-01T00:30+01:00", 7_258_118_400_000_000 - 30 * 60 * 10**6),
        ("2199-12-31T23:59:59.999999", 7_258_118_400_000_000 - 1),
        ("1378000200", 1_378_000_200),
        (" +1378000200.00 ", 1_378_000_200),
        ("1378000200123", 1_378_000_200_123),
    ],
)
def test_numbers_and_dates(tmp_path: Path, text: str, time: int) -> None:
    assert read(written(tmp_path / "rows.csv", f"{HEADER}u,i,1,{text}\n"))[0] == [("u", "i", 1.0, time)]


def test_dates_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    moment = datetime.datetime(2013, 9, 1, 0, 30)
    for values, time in (
        (pa.array([moment], pa.timestamp("ns")), MICROSECONDS),
        (pa.array([moment], pa.timestamp("ms", "Europe/Berlin")), MICROSECONDS),
        (pa.array([moment.date()]), MICROSECONDS - 30 * 60 * 10**6),
    ):
        columns = {"user": pa.array(["u"]), "item": pa.array(["i"]), "value": pa.array([1]), "timestamp": values}
        pq.write_table(pa.table(columns), path)
        assert read(path)[0] == [("u", "i", 1.0, time)]


YEAR_2200, YEAR_2600 = 7_258_118_400, 19_880_899_200
FAR_DATES = [
    *((pa.date32(), far) for far in (-1, YEAR_2200 // 86_400, YEAR_2600 // 86_400, 2**31 - 1)),
    *((pa.date64(), far * 1000) for far in (-86_400, YEAR_2200, YEAR_2600)),
    *((pa.timestamp("s"), far) for far in (-1, YEAR_2200, 2**44, 2**62)),
    *((pa.timestamp("ms", "UTC"), far) for far in (-1, YEAR_2200 * 10**3, YEAR_2600 * 10**3, 2**62)),
    # As microseconds 2**64 and a bit, which is 2013.
    (pa.timestamp("ms", "UTC"), 2**64 // 1000 + MICROSECONDS // 1000),
    *((pa.timestamp("us"), far) for far in (-1, YEAR_2200 * 10**6, YEAR_2600 * 10**6, 2**63 - 1)),
    *((pa.timestamp("ns"), far) for far in (-1, YEAR_2200 * 10**9, 2**63 - 1)),
]


@pytest.mark.parametrize(("kind", "far"), FAR_DATES)
@pytest.mark.parametrize("as_dictionary", [False, True])
def test_dates_out_of_reach(kind: Any, far: int, as_dictionary: bool) -> None:
    """None of them wraps around into the years between."""
    stored = pa.array([0, None, far, 0], pa.int32() if kind == pa.date32() else pa.int64()).view(kind)
    times, dated, _, bad = decode_times(stored.dictionary_encode() if as_dictionary else stored, "file")
    assert times.tolist() == [0] * 4
    assert dated.tolist() == [True, False, False, True]
    assert bad.tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("values", "options", "found"),
    [
        (pa.array([datetime.datetime(2600, 1, 1)], pa.timestamp("us")), {}, "2600-01-01 00:00:00"),
        (
            pa.array([datetime.datetime(2600, 1, 1)], pa.timestamp("us")),
            {"use_deprecated_int96_timestamps": True},
            "2600-01-01 00:00:00",
        ),
        (pa.array([datetime.date(2600, 1, 1)]), {}, "2600-01-01"),
        (pa.array([2**50], pa.timestamp("ms")), {}, f"{2**50} (timestamp[ms])"),
    ],
)
def test_a_date_out_of_reach_is_named_or_dropped(
    tmp_path: Path, values: pa.Array, options: dict[str, Any], found: str
) -> None:
    path = tmp_path / "rows.parquet"
    columns = {"user": pa.array(["u"]), "item": pa.array(["i"]), "value": pa.array([1]), "timestamp": values}
    pq.write_table(pa.table(columns), path, **options)
    assert error_of(path).startswith(f"{path}, row 1, column 'timestamp': expected {A_TIME}, found {found}. Correct")
    assert read(path, bad_rows="drop") == ([], {"bad_timestamp": 1}, 1)


A_TIME = "a whole number (seconds, milli-, micro- or nanoseconds since 1970) or an ISO date, before the year 2200"
A_NUMBER = "a finite number"
AN_ID = "a non-empty id in UTF-8"
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


def test_polarity_and_split_columns(tmp_path: Path) -> None:
    words = ["1", "TRUE", "Positive", "p", "0", "false", "NEGATIVE", "n"]
    lines = [f"u,i,{word},3,{'Train' if index % 2 else ' test'}" for index, word in enumerate(words)]
    path = written(
        tmp_path / "rows.csv", "user,item,polarity,timestamp,split\n" + "\n".join([*lines, "u,i,2,3,x", "u,i,1,3,eval"])
    )
    settings: dict[str, Any] = {"positive": "column", "split": "column"}
    assert error_of(path, **settings) == (
        f"{path}, line 10, column 'polarity': expected positive or negative (1/0, true/false, p/n), found '2'. "
        f"Correct the "
        "row, or set `feedback.bad_rows: drop`."
    )
    rows, dropped, _ = read(path, bad_rows="drop", **settings)
    assert [value for *_, value, _ in rows] == [1.0] * 4 + [0.0] * 4
    assert dropped == {"bad_polarity": 1, "bad_split": 1}


def test_polarity_of_booleans(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    columns = {"user": ["u"] * 2, "item": ["i"] * 2, "timestamp": [1, 2], "polarity": [True, False]}
    pq.write_table(pa.table(columns), path)
    assert [value for *_, value, _ in read(path, positive="column")[0]] == [1.0, 0.0]


def test_truncated_gzip(tmp_path: Path) -> None:
    """Long enough that its beginning, which is looked into first, is whole."""
    path = tmp_path / "rows.csv.gz"
    lines = "".join(f"user{index * 7919 % 99991},item{index * 104729 % 9973},1,{index}\n" for index in range(120_000))
    data = gzip.compress((HEADER + lines).encode())
    path.write_bytes(data[: len(data) * 9 // 10])
    message = error_of(path)
    assert message.startswith(f"{path}: truncated or damaged gzip (")
    assert message.endswith("). Copy it anew.")


def test_truncated_gzip_of_a_dat_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.dat.gz"
    data = gzip.compress(b"user::item::value::timestamp\n" + b"u::i::1::2\n" * 300_000)
    path.write_bytes(data[:-100])
    assert error_of(path).startswith(f"{path}: truncated or damaged gzip (")


def test_parquet_with_damaged_pages(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    generator = np.random.default_rng(0)
    ids = [f"{number:020d}" for number in generator.integers(0, 10**9, 5000)]
    columns = {
        "user": ids,
        "item": ids,
        "value": generator.random(5000),
        "timestamp": generator.integers(0, 9**9, 5000),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[100:60_000] = bytes(59_900)
    path.write_bytes(data)
    message = error_of(path)
    assert message.startswith(f"{path}: ")
    assert message.endswith("). Copy it anew.")


def test_rows_of_a_file_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", 64)
    path = written(tmp_path / "rows.csv", HEADER + "".join(f"u{index},i,{index},{index}\n" for index in range(100)))
    assert read(path)[0] == [(f"u{index}", "i", float(index), index) for index in range(100)]
    broken = written(tmp_path / "broken.csv", path.read_text() + "u,i,x,1\n")
    assert f"{broken}, line 102, column 'value'" in error_of(broken)


@pytest.mark.parametrize("stamp", ["1400000000000000000", " 1400000000000000000", "+1400000000000000000.0"])
@pytest.mark.parametrize("bad", ["soon", "9999999999999999999", "9223372036854775808"])
def test_nanoseconds_as_text_beside_a_bad_row(tmp_path: Path, stamp: str, bad: str) -> None:
    path = written(tmp_path / "rows.csv", f"{HEADER}u,i,1,{stamp}\nu,i,1,{bad}\nu,i,1,{stamp}\n")
    assert f"{path}, line 3, column 'timestamp': " in error_of(path)
    assert read(path, bad_rows="drop") == ([("u", "i", 1.0, 14 * 10**17)] * 2, {"bad_timestamp": 1}, 3)


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


@pytest.mark.parametrize("stamps", [["5", "6", "1400000000000"], ["5", "6", "2014-05-13"]])
def test_the_first_row_in_another_unit(tmp_path: Path, stamps: list[str]) -> None:
    path = written(tmp_path / "rows.csv", HEADER + "".join(f"u,i,1,{stamp}\n" for stamp in ["soon", *stamps]))
    config = FeedbackConfig(files=[str(path)], bad_rows="drop")
    assert (
        find_other_unit(make_plan(config).pieces, config, "seconds")
        == f"{path}, line 5, column 'timestamp': {stamps[-1]!r}"
    )


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
