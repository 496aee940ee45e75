"""Timestamps: whole numbers in one of four units since 1970, or dates."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.errors import FeedbackError
from components.feedback.reading.arrays import (
    Ints,
    Mask,
    is_numeric,
    is_text,
    matches,
    nulls,
    utf8,
    with_nulls,
    without_dictionary,
)

# What an integer timestamp may be: unit, first, and the year 2200, which is beyond the last. What lies between the
# units makes sense in none of them: milliseconds, microseconds and nanoseconds start in 1973.
_YEAR_2200 = 7_258_118_400
UNITS: tuple[tuple[str, int, int], ...] = (
    ("seconds", 0, _YEAR_2200),
    ("milliseconds", 10**11, _YEAR_2200 * 10**3),
    ("microseconds", 10**14, _YEAR_2200 * 10**6),
    ("nanoseconds", 10**17, _YEAR_2200 * 10**9),
)
# Dates are kept as microseconds, UTC where they name no zone.
DATES = "dates"
_TICKS_A_DAY = {"day": 1, "s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}

# By the unit of `units_of`.
TICKS_A_DAY = {**{unit: 86_400 * 10 ** (3 * power) for power, (unit, *_) in enumerate(UNITS)}, DATES: 86_400 * 10**6}

# What a timestamp has to be, for an error.
EXPECTED_TIME = (
    "a whole number (seconds, milli-, micro- or nanoseconds since 1970) or an ISO date, before the year 2200"
)

# 19 digits as far as int64 surely holds them: nanoseconds to the year 2255.
_INTEGER = r"^[+-]?(\d{1,18}|[0-8]\d{18})(\.0*)?$"
# Arrow makes nanoseconds of them, which wrap around beyond 1677 and 2262. A zone may reach into the years beside.
_DAY = r"(1969|19[7-9]\d|2[01]\d{2}|2200)-\d{2}-\d{2}"
_DATE = rf"^{_DAY}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?)?$"
_ZONED_DATE = rf"^{_DAY}[ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?(Z|[+-]\d{{2}}(:?\d{{2}})?)$"


def decode_times(array: pa.Array, where: str) -> tuple[Ints, Mask, Mask]:
    """Timestamps, which of them come from dates, and which cannot be used (0 there)."""
    array = without_dictionary(array)
    dated = np.zeros(len(array), bool)
    if is_text(array.type):
        text, bad = utf8(array)
        times, dated = _text_times(text, bad)
    elif pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        (times, bad), dated = _stored_dates(array), ~dated
    elif pa.types.is_integer(array.type):
        # What does not fit becomes negative, which is refused below.
        bad, times = nulls(array), with_nulls(array, 0).astype(np.int64)
    elif is_numeric(array.type):
        numbers = with_nulls(array.cast(pa.float64(), safe=False), np.nan)
        bad = ~(np.abs(numbers) < 2.0**63) | (numbers != np.floor(numbers))
        times = np.where(bad, 0.0, numbers).astype(np.int64)
    else:
        msg = f"{where}: timestamps must be whole numbers or dates, not {array.type}."
        raise FeedbackError(msg)
    bad = bad | ~np.logical_or.reduce([mask for _, mask in units_of(times, dated)])
    return np.where(bad, np.int64(0), times), dated & ~bad, bad


def _stored_dates(array: pa.Array) -> tuple[Ints, Mask]:
    """Microseconds, and the mask of nulls and of what lies outside the years (0 there).

    The years are looked at in the unit of the column: what fits there may wrap around in another.
    """
    kind = array.type
    unit = kind.unit if pa.types.is_timestamp(kind) else "day" if pa.types.is_date32(kind) else "ms"
    ticks, wanted = _TICKS_A_DAY[unit], _TICKS_A_DAY["us"]
    stored = with_nulls(array.view(pa.int32() if unit == "day" else pa.int64()), 0).astype(np.int64)
    bad = nulls(array) | (stored < 0) | (stored >= _YEAR_2200 // _TICKS_A_DAY["s"] * ticks)
    times = np.where(bad, np.int64(0), stored)
    return times * (wanted // ticks) if ticks <= wanted else times // (ticks // wanted), bad


def in_unit(array: pa.Array, unit: str, where: str) -> Mask:
    """Which timestamps are in `unit`."""
    times, dated, _ = decode_times(array, where)
    return dict(units_of(times, dated))[unit]


def units_of(times: Ints, dated: Mask) -> list[tuple[str, Mask]]:
    """The name of each unit, and which timestamps are in it. `dated` are those that come from dates."""
    masks = [(unit, ~dated & (times >= first) & (times < end)) for unit, first, end in UNITS]
    return [*masks, (DATES, dated & (times >= 0) & (times < _YEAR_2200 * 10**6))]


def _text_times(text: pa.Array, bad: Mask) -> tuple[Ints, Mask]:
    """Timestamps of text; marks what is neither a whole number nor a date in `bad`."""
    try:
        return text.cast(pa.int64()).to_numpy(), np.zeros(len(text), bool)
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(text)
    times = np.zeros(len(text), np.int64)
    is_integer = matches(text, _INTEGER)
    whole = pc.replace_substring_regex(text.filter(pa.array(is_integer)), r"\.0*$", "")
    times[is_integer] = pc.replace_substring_regex(whole, r"^\+", "").cast(pa.int64()).to_numpy()
    is_date, is_zoned = matches(text, _DATE), matches(text, _ZONED_DATE)
    dated = is_date | is_zoned
    for mask, kind in ((is_date, pa.timestamp("ns")), (is_zoned, pa.timestamp("ns", "UTC"))):
        times[mask], bad[mask] = _cast_dates(text.filter(pa.array(mask)), kind)
    bad |= ~(is_integer | dated)
    return times, dated


def _cast_dates(text: pa.Array, kind: Any) -> tuple[Ints, Mask]:
    """Microseconds; halves the array until the dates that do not exist, such as 2013-02-30, stand alone."""
    try:
        return text.cast(kind).cast(pa.int64()).to_numpy() // 1000, np.zeros(len(text), bool)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return np.zeros(1, np.int64), np.ones(1, bool)
    middle = len(text) // 2
    parts = [_cast_dates(text[:middle], kind), _cast_dates(text[middle:], kind)]
    return np.concatenate([times for times, _ in parts]), np.concatenate([bad for _, bad in parts])
