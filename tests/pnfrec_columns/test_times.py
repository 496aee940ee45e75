"""What a timestamp may be, in whatever a column stores it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pnfrec_columns.times import decode_times, has_fractions
from pnfrec_columns.units import TICKS_A_DAY, TimeReading, in_ticks, seconds_of, time_text
from pnfrec_core.errors import FeedbackError

# 2013-04-16 13:10:00 UTC.
SECONDS = 1_366_117_800
MICROSECONDS = SECONDS * 10**6


def times_of(column: pa.Array, unit: Any = "auto", form: str = "") -> list[int | None]:
    """Each row's timestamp; None where it cannot be used."""
    found = decode_times(column, "file", TimeReading(unit, form))
    return [None if bad else time for time, bad in zip(found.time.tolist(), found.bad.tolist(), strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "2013-04-16 13:10:00 UTC",
        "2013-04-16T13:10:00UTC",
        "2013-04-16 13:10:00 GMT",
        "2013-04-16 13:10 UTC",
        "2013-04-16 13:10:00+00:00 UTC",
        "2013-04-16T15:10:00+02:00",
        " 2013-04-16 13:10:00Z ",
        "2013-04-16 13:10:00",
    ],
)
def test_moments_in_text(text: str) -> None:
    assert times_of(pa.array([text])) == [MICROSECONDS]
    assert decode_times(pa.array([text]), "file").zoned.tolist() == [text != "2013-04-16 13:10:00"]


@pytest.mark.parametrize("text", ["2013-04-16 13:10:00 CET", "2013-04-16 UTC", "16.04.2013", "UTC", "2013-04-16 13"])
def test_what_is_no_moment(text: str) -> None:
    assert times_of(pa.array([text])) == [None]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["1366117800.25", "1366117800", "1366117800.", "-1.5", "x"]), [250_000, 0, 0, None, None]),
        (pa.array([SECONDS + 0.25, SECONDS, None, np.inf, -1.0]), [250_000, 0, None, None, None]),
        (pa.array([SECONDS, None, -1, 10**11]), [0, None, None, None]),
        (pa.array(["1366117800.000001", "1366117800.999999"]), [1, 999_999]),
    ],
)
def test_seconds_with_a_fraction(column: pa.Array, expected: list[int | None]) -> None:
    assert times_of(column, "fractional_seconds") == [
        None if each is None else MICROSECONDS + each for each in expected
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["1366117800", "1366117800.5"]), True),
        (pa.array(["1366117800.0", "1366117800."]), False),
        (pa.array(["1366117800000.5", "2013-04-16 13:10:00.5"]), False),
        (pa.array([1.0, None, np.nan, 2.0]), False),
        (pa.array([1.0, 2.5]), True),
        (pa.array([1, 2]), False),
        (pa.array(["2", "1.5"]).dictionary_encode(), True),
    ],
)
def test_whether_there_are_fractions(column: pa.Array, expected: bool) -> None:
    assert has_fractions(column) is expected


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("days", 15_811),
        ("hours", 379_477),
        ("minutes", 22_768_630),
        ("seconds", SECONDS),
        ("milliseconds", SECONDS * 1000),
    ],
)
def test_a_unit_that_is_set_holds_whatever_the_numbers_look_like(unit: str, number: int) -> None:
    assert times_of(pa.array([number, 0, -1, 2**62]), unit) == [number, 0, None, None]
    assert time_text(number, unit)[:10] == "2013-04-16"  # type: ignore[index]
    assert TICKS_A_DAY[unit] == in_ticks(86_400, unit)
    assert in_ticks(seconds_of(number, unit) or 0, unit) == number


def test_numbers_that_only_order() -> None:
    assert times_of(pa.array([7, 0, 2**62, -1]), "order") == [7, 0, 2**62, None]
    assert time_text(7, "order") is None


@pytest.mark.parametrize(
    ("column", "form", "expected"),
    [
        (pa.array(["15.06.2013", "31.02.2013", "", None]), "%d.%m.%Y", ["2013-06-15", None, None, None]),
        (pa.array([20130615, 20131399, 5]), "%Y%m%d", ["2013-06-15", None, None]),
        (pa.array(["06/15/2013 08:30"]), "%m/%d/%Y %H:%M", ["2013-06-15T08:30"]),
        (pa.array(["2013-06-15 08:30:00.25 +0200"]), "%Y-%m-%d %H:%M:%S.%f %z", ["2013-06-15T06:30:00.25"]),
        (pa.array(["15.06.2213", "15.06.1913"]), "%d.%m.%Y", [None, None]),
    ],
)
def test_dates_of_a_form(column: pa.Array, form: str, expected: list[str | None]) -> None:
    wanted = [None if each is None else int(np.datetime64(each, "us").astype(np.int64)) for each in expected]
    assert times_of(column, form=form) == wanted
    assert times_of(column.dictionary_encode(), form=form) == wanted


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array(np.array([SECONDS], np.float32)), "float"),
        (pa.array(np.array([4096.0], np.float16)), "halffloat"),
        # Nanoseconds in a column of integers in which one was missing.
        (pa.array([SECONDS * 1e9, None]), "double"),
    ],
)
def test_floats_that_moved_the_moments_are_refused(column: pa.Array, kind: str) -> None:
    """Neighbours of 32-bit seconds, which step by 128: the rows would have got new ties without a word."""
    with pytest.raises(FeedbackError, match=rf"^file: timestamps of .* are stored as {kind}, .* Store them as int64"):
        decode_times(column, "file")


def test_floats_that_hold_their_moments_are_read() -> None:
    assert times_of(pa.array([2.0**24 - 1, None], pa.float32())) == [2**24 - 1, None]
    assert times_of(pa.array([float(MICROSECONDS)])) == [MICROSECONDS]
    assert times_of(pa.array([np.float16(7), None], pa.float16())) == [7, None]
