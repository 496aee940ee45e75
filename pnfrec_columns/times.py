"""Timestamps: whole numbers in a unit since 1970, seconds with a fraction, or dates."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pnfrec_columns.arrays import (
    EXACT_BITS,
    Ints,
    Mask,
    as_float64,
    is_numeric,
    is_text,
    matches,
    nulls,
    utf8,
    with_nulls,
    without_dictionary,
)
from pnfrec_columns.units import AUTO, DATES, FRACTIONAL, YEAR_2200, TimeReading, end_of, whole_units
from pnfrec_core.errors import FeedbackError

_TICKS_A_DAY = {"day": 1, "s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_MICROSECONDS = 10**6

# 19 digits as far as int64 surely holds them: nanoseconds to the year 2255.
_INTEGER = r"^[+-]?(\d{1,18}|[0-8]\d{18})(\.0*)?$"
_DECIMAL = r"^\+?\d{1,10}\.\d+$"
# Arrow makes nanoseconds of them, which wrap around beyond 1677 and 2262. A zone may reach into the years beside.
_DAY = r"(1969|19[7-9]\d|2[01]\d{2}|2200)-\d{2}-\d{2}"
_DATE = rf"^{_DAY}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?)?$"
_ZONED_DATE = rf"^{_DAY}[ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?(Z|[+-]\d{{2}}(:?\d{{2}})?)$"
# How databases write the zone of a moment in UTC.
_SPELLED_UTC = r"(?i)(\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?) ?(UTC|GMT|[+]00:00 ?UTC)$"
# A format that names a zone tells every row's.
_FORMAT_OF_ZONE = ("%z", "%Z")


class Times(NamedTuple):
    """The timestamps of some rows.

    Attributes:
        time: The number that is kept; 0 where it cannot be used.
        dated: Which come from dates.
        zoned: Which come from dates that name their zone.
        bad: Which cannot be used.
    """

    time: Ints
    dated: Mask
    zoned: Mask
    bad: Mask


def decode_times(array: pa.Array, where: str, reading: TimeReading = TimeReading()) -> Times:  # noqa: B008 (frozen)
    """The timestamps of a column.

    Raises:
        FeedbackError: The column has a type that holds no timestamps, or not exactly.
    """
    array = without_dictionary(array)
    none = np.zeros(len(array), bool)
    if reading.format and not _is_date(array.type):
        found = _formatted(array, where, reading.format)
    elif is_text(array.type):
        found = _text_times(array, reading.unit)
    elif _is_date(array.type):
        times, bad = _stored_dates(array)
        zoned = pa.types.is_timestamp(array.type) and array.type.tz is not None
        found = Times(times, ~none, ~none if zoned else none, bad)
    elif pa.types.is_integer(array.type):
        # What does not fit becomes negative, which is refused below.
        times, bad = with_nulls(array, 0).astype(np.int64), nulls(array)
        if reading.unit == FRACTIONAL:
            bad = bad | (times < 0) | (times >= YEAR_2200)
            times = np.where(bad, 0, times) * _MICROSECONDS
        found = Times(times, none, none, bad)
    elif is_numeric(array.type):
        times, bad = _float_times(array, where, reading.unit)
        found = Times(times, none, none, bad)
    else:
        msg = f"{where}: timestamps must be whole numbers or dates, not {array.type}."
        raise FeedbackError(msg)
    known = [mask for _, mask in units_of(found.time, found.dated, reading.unit)]
    bad = found.bad | ~np.logical_or.reduce(known)
    return Times(np.where(bad, np.int64(0), found.time), found.dated & ~bad, found.zoned & ~bad, bad)


def units_of(times: Ints, dated: Mask, unit: str = AUTO) -> list[tuple[str, Mask]]:
    """The name of each unit, and which timestamps are in it. `dated` are those that come from dates."""
    masks = [(name, ~dated & mask) for name, mask in whole_units(times, unit)]
    return [*masks, (DATES, dated & (times >= 0) & (times < end_of(DATES)))]


def in_unit(array: pa.Array, unit: str, where: str, reading: TimeReading = TimeReading()) -> Mask:  # noqa: B008
    """Which timestamps are in `unit`."""
    found = decode_times(array, where, reading)
    return dict(units_of(found.time, found.dated, reading.unit)).get(unit, np.zeros(len(array), bool))


def has_fractions(array: pa.Array) -> bool:
    """Whether some timestamp is seconds with a fraction, which `FRACTIONAL` reads."""
    array = without_dictionary(array)
    if is_text(array.type):
        text, _ = utf8(array)
        text = pc.utf8_trim_whitespace(text)
        return bool((matches(text, _DECIMAL) & ~matches(text, _INTEGER)).any())
    if not pa.types.is_floating(array.type) and not pa.types.is_decimal(array.type):
        return False
    numbers = np.nan_to_num(as_float64(array), nan=0.0)
    numbers = numbers[np.isfinite(numbers) & (numbers >= 0) & (numbers < YEAR_2200)]
    return bool((numbers != np.floor(numbers)).any())


def _is_date(kind: Any) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _stored_dates(array: pa.Array) -> tuple[Ints, Mask]:
    """Microseconds, and the mask of nulls and of what lies outside the years (0 there).

    The years are looked at in the unit of the column: what fits there may wrap around in another.
    """
    kind = array.type
    unit = kind.unit if pa.types.is_timestamp(kind) else "day" if pa.types.is_date32(kind) else "ms"
    ticks, wanted = _TICKS_A_DAY[unit], _TICKS_A_DAY["us"]
    stored = with_nulls(array.view(pa.int32() if unit == "day" else pa.int64()), 0).astype(np.int64)
    bad = nulls(array) | (stored < 0) | (stored >= YEAR_2200 // _TICKS_A_DAY["s"] * ticks)
    times = np.where(bad, np.int64(0), stored)
    return times * (wanted // ticks) if ticks <= wanted else times // (ticks // wanted), bad


def _float_times(array: pa.Array, where: str, unit: str) -> tuple[Ints, Mask]:
    """Timestamps stored as floats or decimals, and which cannot be used (0 there).

    Raises:
        FeedbackError: Some lie where floats of that size do not hold every whole number, so that moments that differ
            have become one.
    """
    numbers = as_float64(array)
    if pa.types.is_floating(array.type):
        bits = EXACT_BITS[array.type.bit_width]
        beyond = np.isfinite(numbers) & (np.abs(numbers) >= 2.0**bits) & (np.abs(numbers) < 2.0**63)
        if beyond.any():
            first = float(numbers[beyond][0])
            msg = (
                f"{where}: timestamps of {first:.0f} and the like are stored as {array.type}, which holds whole "
                f"numbers exactly below 2**{bits} only, so that moments have been moved and have become equal. Store "
                "them as int64, or as dates."
            )
            raise FeedbackError(msg)
    bad = ~(np.abs(numbers) < 2.0**63)
    if unit == FRACTIONAL:
        bad = bad | ~(numbers >= 0) | ~(numbers < YEAR_2200)
        return np.round(np.where(bad, 0.0, numbers) * _MICROSECONDS).astype(np.int64), bad
    bad = bad | (numbers != np.floor(numbers))
    return np.where(bad, 0.0, numbers).astype(np.int64), bad


def _text_times(array: pa.Array, unit: str) -> Times:
    """Timestamps of text: whole numbers, seconds with a fraction where `unit` says so, or ISO dates."""
    text, bad = utf8(array)
    none = np.zeros(len(text), bool)
    if unit != FRACTIONAL:
        try:
            return Times(text.cast(pa.int64()).to_numpy(), none, none, none)
        except pa.ArrowInvalid:
            pass
    text = pc.utf8_trim_whitespace(text)
    times = np.zeros(len(text), np.int64)
    is_number = matches(text, _INTEGER)
    if unit == FRACTIONAL:
        is_number = is_number | matches(text, _DECIMAL)
        seconds = text.filter(pa.array(is_number)).cast(pa.float64()).to_numpy()
        outside = ~(seconds >= 0) | ~(seconds < YEAR_2200)
        times[is_number] = np.round(np.where(outside, 0.0, seconds) * _MICROSECONDS).astype(np.int64)
        bad[np.flatnonzero(is_number)[outside]] = True
    else:
        whole = pc.replace_substring_regex(text.filter(pa.array(is_number)), r"\.0*$", "")
        times[is_number] = pc.replace_substring_regex(whole, r"^\+", "").cast(pa.int64()).to_numpy()
    text = pc.replace_substring_regex(text, _SPELLED_UTC, r"\1Z")
    is_date, is_zoned = matches(text, _DATE), matches(text, _ZONED_DATE)
    for mask, kind in ((is_date, pa.timestamp("ns")), (is_zoned, pa.timestamp("ns", "UTC"))):
        times[mask], bad[mask] = _cast_dates(text.filter(pa.array(mask)), kind)
    bad |= ~(is_number | is_date | is_zoned)
    return Times(times, is_date | is_zoned, is_zoned, bad)


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


def _formatted(array: pa.Array, where: str, form: str) -> Times:
    """Microseconds of text, or of whole numbers such as 20130415, in one form of date."""
    if not is_text(array.type) and not pa.types.is_integer(array.type):
        msg = f"{where}: `feedback.time_format` reads text and whole numbers, not {array.type}. Leave it out."
        raise FeedbackError(msg)
    import pandas as pd  # half a second, which whole numbers and ISO dates need not pay

    text, bad = utf8(array if is_text(array.type) else array.cast(pa.string()))
    # One look at each of the texts that occur.
    encoded = pc.utf8_trim_whitespace(text).dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pylist(), dtype=object)
    moments = pd.to_datetime(distinct, format=form, errors="coerce", utc=True)
    missing = moments.isna().to_numpy(bool)
    filled = moments.fillna(pd.Timestamp(0, tz="UTC")).to_numpy("datetime64[us]").astype(np.int64)
    codes = encoded.indices.to_numpy()
    dated = np.ones(len(text), bool)
    zoned = dated if any(sign in form for sign in _FORMAT_OF_ZONE) else ~dated
    return Times(filled[codes], dated, zoned, bad | missing[codes])
