"""Ids of every type have one text form, or are bad."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.plan import make_plan
from pnfrec_columns.ids import decode_ids
from pnfrec_core.errors import FeedbackError

DAY = datetime.date(2020, 1, 2)
MOMENT = datetime.datetime(2020, 1, 2, 3, 4, 5)
TIME = datetime.time(3, 4, 5, 120_000)


def ids_of(array: pa.Array) -> list[str | None]:
    """Each row's id; None where it is bad. Codes must tell apart whatever differs."""
    ids, codes = decode_ids(array, "file, column 'user'")
    assert ids.type == pa.string()
    known = ids.to_pylist()
    good = [known[code] for code in sorted(set(codes.tolist()) - {-1})]
    assert len(good) == len(set(good))
    return [None if code < 0 else known[code] for code in codes.tolist()]


TYPES: list[tuple[pa.Array, list[str | None]]] = [
    (pa.array(["a", None, "", "a"]), ["a", None, None, "a"]),
    (pa.array(["a", None, "", "ü"], pa.large_string()), ["a", None, None, "ü"]),
    (pa.array([b"a", None, b"", b"\xff"], pa.large_binary()), ["a", None, None, None]),
    (pa.array([b"tt01", None, b"\xff\xfe\xfd\xfc", b"tt02"], pa.binary(4)), ["tt01", None, None, "tt02"]),
    (pa.array([12, None, -3, 2**64 - 1 - 2**63], pa.int64()), ["12", None, "-3", "9223372036854775807"]),
    (pa.array([12, None, 2**64 - 1], pa.uint64()), ["12", None, "18446744073709551615"]),
    (pa.array([12.0, None, np.nan, 1e15]), ["12", None, None, "1000000000000000"]),
    (pa.array([1.5, np.inf, -np.inf, -7.0, 0.0, -0.0]), [None, None, None, "-7", "0", "0"]),
    (pa.array([2.0**53 - 1, 2.0**53, 1e300, -(2.0**53)]), ["9007199254740991", None, None, None]),
    (pa.array([12, 2**24 - 1, 2**24, None], pa.float32()), ["12", "16777215", None, None]),
    (pa.array(np.array([12, 2047, 2048, np.nan], np.float16)), ["12", "2047", None, None]),
    (pa.array([Decimal("12"), None, Decimal("-3")], pa.decimal128(38, 0)), ["12", None, "-3"]),
    (pa.array([Decimal("12.00"), None, Decimal("1.50")], pa.decimal128(9, 2)), ["12", None, None]),
    (pa.array([Decimal(10**30), None, Decimal(-5)], pa.decimal128(38, 0)), [f"1{'0' * 30}", None, "-5"]),
    (pa.array([Decimal(10**50), None], pa.decimal256(60, 0)), [f"1{'0' * 50}", None]),
    (pa.array([True, None, False, True]), ["true", None, "false", "true"]),
    (pa.array([DAY, None]), ["2020-01-02", None]),
    (pa.array([DAY, None], pa.date64()), ["2020-01-02", None]),
    (pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()), [None, "1970-01-01"]),
    *(
        (pa.array([MOMENT, None], pa.timestamp(unit)), ["2020-01-02 03:04:05", None])
        for unit in ("s", "ms", "us", "ns")
    ),
    (pa.array([MOMENT, None], pa.timestamp("us", "Asia/Tokyo")), ["2020-01-02 03:04:05Z", None]),
    (pa.array([MOMENT.replace(microsecond=120_000)], pa.timestamp("us")), ["2020-01-02 03:04:05.12"]),
    (pa.array([2**60], pa.timestamp("s")), [None]),
    (pa.array([TIME, None], pa.time32("ms")), ["03:04:05.12", None]),
    (pa.array([TIME, None], pa.time64("us")), ["03:04:05.12", None]),
    (pa.nulls(2), [None, None]),
]
NO_DICTIONARIES = (pa.float16(), pa.null())


@pytest.mark.parametrize(("array", "expected"), TYPES, ids=[f"{n}-{case[0].type}" for n, case in enumerate(TYPES)])
def test_each_type(array: pa.Array, expected: list[str | None]) -> None:
    assert ids_of(array) == expected
    assert ids_of(array[1:]) == expected[1:]
    if array.type not in NO_DICTIONARIES:
        assert ids_of(array.dictionary_encode()) == expected
        assert ids_of(array.dictionary_encode("encode")) == expected


@pytest.mark.parametrize("kind", [pa.duration("s"), pa.list_(pa.int64())])
def test_a_type_without_a_text_form(kind: Any) -> None:
    with pytest.raises(
        FeedbackError,
        match=r"^file, column 'user': ids must be text, whole numbers, booleans or dates, not .*\. Store them as str",
    ):
        decode_ids(pa.nulls(1, kind), "file, column 'user'")


def rows(tmp_path: Path, users: Any) -> Path:
    path = tmp_path / "rows.parquet"
    columns = {"user": users, "item": ["i"] * len(users), "value": [1.0] * len(users), "timestamp": [3] * len(users)}
    pq.write_table(pa.table(columns), path)
    return path


def users_of(path: Path, **settings: Any) -> tuple[list[str], dict[str, int]]:
    config = FeedbackConfig(files=[str(path)], **settings)
    (piece,) = make_plan(config).pieces
    (batch,) = read_rows(piece, config)
    users = batch.columns.users.to_pylist()
    return [users[code] for code in batch.columns.user], batch.dropped


def test_integers_that_pandas_made_floats(tmp_path: Path) -> None:
    path = rows(tmp_path, pa.Array.from_pandas(pd.Series([7, None, 8], dtype="float64")))
    assert users_of(path, bad_rows="drop") == (["7", "8"], {"bad_user": 1})
    with pytest.raises(
        FeedbackError, match=r"row 2, column 'user': expected a whole number below 2\*\*53, .* found None"
    ):
        users_of(path)


@pytest.mark.parametrize(
    ("users", "error"),
    [
        (pa.array([1.5]), "expected a whole number below 2**53, up to which double is exact, found 1.5."),
        (pa.array([1e17], pa.float32()), "expected a whole number below 2**24, up to which float is exact, found 9"),
        (pa.array([Decimal("1.50")]), "expected a whole number, found 1.50."),
        (pa.array([b"\xff\xff"], pa.binary(2)), "expected a non-empty id in UTF-8, found '\\\\xff\\\\xff'."),
        (pa.nulls(1), "expected a non-empty id in UTF-8, found None."),
    ],
)
def test_a_bad_id_is_named(tmp_path: Path, users: pa.Array, error: str) -> None:
    path = rows(tmp_path, users)
    with pytest.raises(FeedbackError) as caught:
        users_of(path)
    assert str(caught.value).startswith(f"{path}, row 1, column 'user': {error}")
