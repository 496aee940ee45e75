"""Which numbers and dates are times, and which are out of reach."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import find_other_unit
from components.feedback.reading.plan import make_plan
from pnfrec_columns.times import decode_times
from tests.components.feedback.reading.reads import A_TIME, HEADER, error_of, read, written

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


@pytest.mark.parametrize("stamp", ["1400000000000000000", " 1400000000000000000", "+1400000000000000000.0"])
@pytest.mark.parametrize("bad", ["soon", "9999999999999999999", "9223372036854775808"])
def test_nanoseconds_as_text_beside_a_bad_row(tmp_path: Path, stamp: str, bad: str) -> None:
    path = written(tmp_path / "rows.csv", f"{HEADER}u,i,1,{stamp}\nu,i,1,{bad}\nu,i,1,{stamp}\n")
    assert f"{path}, line 3, column 'timestamp': " in error_of(path)
    assert read(path, bad_rows="drop") == ([("u", "i", 1.0, 14 * 10**17)] * 2, {"bad_timestamp": 1}, 3)


@pytest.mark.parametrize("stamps", [["5", "6", "1400000000000"], ["5", "6", "2014-05-13"]])
def test_the_first_row_in_another_unit(tmp_path: Path, stamps: list[str]) -> None:
    path = written(tmp_path / "rows.csv", HEADER + "".join(f"u,i,1,{stamp}\n" for stamp in ["soon", *stamps]))
    config = FeedbackConfig(files=[str(path)], bad_rows="drop")
    assert (
        find_other_unit(make_plan(config).pieces, config, "seconds")
        == f"{path}, line 5, column 'timestamp': {stamps[-1]!r}"
    )
