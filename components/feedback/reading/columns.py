"""Turns columns as stored into ids, numbers and codes, whole columns at a time. Bad rows are marked, not raised for."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.ids import expected_id, is_text, plain_ids
from pnfrec_core import schema

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SPLIT_CODES = {name: code for code, name in enumerate(schema.SPLITS)}
POLARITIES = {"1": 1.0, "true": 1.0, "positive": 1.0, "p": 1.0, "0": 0.0, "false": 0.0, "negative": 0.0, "n": 0.0}

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

# By the unit of `Decoded.units`.
TICKS_A_DAY = {**{unit: 86_400 * 10 ** (3 * power) for power, (unit, *_) in enumerate(UNITS)}, DATES: 86_400 * 10**6}

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# 19 digits as far as int64 surely holds them: nanoseconds to the year 2255.
_INTEGER = r"^[+-]?(\d{1,18}|[0-8]\d{18})(\.0*)?$"
# Arrow makes nanoseconds of them, which wrap around beyond 1677 and 2262. A zone may reach into the years beside.
_DAY = r"(1969|19[7-9]\d|2[01]\d{2}|2200)-\d{2}-\d{2}"
_DATE = rf"^{_DAY}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?)?$"
_ZONED_DATE = rf"^{_DAY}[ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?(Z|[+-]\d{{2}}(:?\d{{2}})?)$"


@dataclasses.dataclass(frozen=True)
class Decoded:
    """Columns of one batch, each of length n.

    Attributes:
        users, items: Distinct ids (Arrow strings), and the code of each row's id.
        time: Timestamps in the unit of the input; dates in microseconds.
        value: The value, or 1.0 and 0.0 where a column says the polarity.
        split: Place of the row's split in `schema.SPLITS`; None unless a column says it.
        bad: (column, reason, what was expected, mask of the rows that cannot be used).
        units: Usable rows by the unit of their timestamp.
    """

    users: pa.Array
    user: Codes
    items: pa.Array
    item: Codes
    time: Ints
    value: Floats
    split: npt.NDArray[np.int8] | None
    bad: tuple[tuple[str, str, str, Mask], ...]
    units: dict[str, int]


def decode(columns: dict[str, pa.Array], config: FeedbackConfig, where: str) -> Decoded:
    """Decodes the columns of a batch. `where` names the file.

    Raises:
        FeedbackError: A column has a type that cannot hold what is asked of it.
    """
    names = config.columns
    users, user = decode_ids(columns[names.user], f"{where}, column {names.user!r}")
    items, item = decode_ids(columns[names.item], f"{where}, column {names.item!r}")
    time, dated, bad_time = decode_times(columns[names.timestamp], f"{where}, column {names.timestamp!r}")
    bad = [
        (names.user, "bad_user", expected_id(columns[names.user].type), user < 0),
        (names.item, "bad_item", expected_id(columns[names.item].type), item < 0),
        (
            names.timestamp,
            "bad_timestamp",
            "a whole number (seconds, milli-, micro- or nanoseconds since 1970) or an ISO date, before the year 2200",
            bad_time,
        ),
    ]
    if config.positive == "column":
        value, bad_value = decode_words(columns[names.polarity], POLARITIES, f"{where}, column {names.polarity!r}")
        expected = "positive or negative (1/0, true/false, p/n)"
        bad.append((names.polarity, "bad_polarity", expected, bad_value))
    else:
        value, bad_value = decode_numbers(columns[names.value], f"{where}, column {names.value!r}")
        bad.append((names.value, "bad_value", "a finite number", bad_value))
    split = None
    if config.split == "column":
        codes, bad_split = decode_words(columns[names.split], SPLIT_CODES, f"{where}, column {names.split!r}")
        split = codes.astype(np.int8)
        bad.append((names.split, "bad_split", "train, validation or test", bad_split))
    usable = usable_rows(bad)
    units = {unit: int(count) for unit, mask in _units(time, dated) if (count := np.count_nonzero(mask & usable))}
    return Decoded(users, user, items, item, time, value, split, tuple(bad), units)


def usable_rows(bad: Sequence[tuple[str, str, str, Mask]]) -> Mask:
    """The rows that are in none of the masks of `Decoded.bad`."""
    usable: Mask = ~np.logical_or.reduce([mask for *_, mask in bad])
    return usable


def decode_ids(array: pa.Array, where: str) -> tuple[pa.Array, Codes]:
    """Distinct ids and a code per row; -1 for an id that is missing, empty, not UTF-8 or no whole number."""
    if pa.types.is_dictionary(array.type) and not is_text(array.type.value_type):
        array = array.dictionary_decode()
    if not pa.types.is_dictionary(array.type):
        array = plain_ids(array, where).dictionary_encode()
    codes = _with_nulls(array.indices, -1).astype(np.int32)
    ids, bad = _utf8(array.dictionary)
    bad |= np.asarray(pc.equal(pc.binary_length(ids), 0))
    if bad.any():
        codes = np.where(np.append(bad, True)[codes], np.int32(-1), codes)
    return ids, codes


def decode_numbers(array: pa.Array, where: str) -> tuple[Floats, Mask]:
    """Values as float64, and the mask of those that are missing, not finite or no number (0 there)."""
    array = _plain(array)
    if is_text(array.type):
        text, bad = _utf8(array)
        values = _cast_where(text, _NUMBER, pa.float64(), bad)
    elif pa.types.is_boolean(array.type):
        values, bad = _with_nulls(array.cast(pa.int8()), 0).astype(np.float64), _nulls(array)
    elif _is_numeric(array.type):
        values, bad = _with_nulls(array.cast(pa.float64(), safe=False), np.nan), _nulls(array)
    else:
        msg = f"{where}: values must be numbers, not {array.type}."
        raise FeedbackError(msg)
    bad = bad | ~np.isfinite(values)
    # Adding zero turns -0.0 into 0.0, which is the same number but not the same bits.
    return np.where(bad, 0.0, values) + 0.0, bad


def decode_times(array: pa.Array, where: str) -> tuple[Ints, Mask, Mask]:
    """Timestamps, which of them come from dates, and which cannot be used (0 there)."""
    array = _plain(array)
    dated = np.zeros(len(array), bool)
    if is_text(array.type):
        text, bad = _utf8(array)
        times, dated = _text_times(text, bad)
    elif pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        (times, bad), dated = _stored_dates(array), ~dated
    elif pa.types.is_integer(array.type):
        # What does not fit becomes negative, which is refused below.
        bad, times = _nulls(array), _with_nulls(array, 0).astype(np.int64)
    elif _is_numeric(array.type):
        numbers = _with_nulls(array.cast(pa.float64(), safe=False), np.nan)
        bad = ~(np.abs(numbers) < 2.0**63) | (numbers != np.floor(numbers))
        times = np.where(bad, 0.0, numbers).astype(np.int64)
    else:
        msg = f"{where}: timestamps must be whole numbers or dates, not {array.type}."
        raise FeedbackError(msg)
    bad = bad | ~np.logical_or.reduce([mask for _, mask in _units(times, dated)])
    return np.where(bad, np.int64(0), times), dated & ~bad, bad


def _stored_dates(array: pa.Array) -> tuple[Ints, Mask]:
    """Microseconds, and the mask of nulls and of what lies outside the years (0 there).

    The years are looked at in the unit of the column: what fits there may wrap around in another.
    """
    kind = array.type
    unit = kind.unit if pa.types.is_timestamp(kind) else "day" if pa.types.is_date32(kind) else "ms"
    ticks, wanted = _TICKS_A_DAY[unit], _TICKS_A_DAY["us"]
    stored = _with_nulls(array.view(pa.int32() if unit == "day" else pa.int64()), 0).astype(np.int64)
    bad = _nulls(array) | (stored < 0) | (stored >= _YEAR_2200 // _TICKS_A_DAY["s"] * ticks)
    times = np.where(bad, np.int64(0), stored)
    return times * (wanted // ticks) if ticks <= wanted else times // (ticks // wanted), bad


def in_unit(array: pa.Array, unit: str, where: str) -> Mask:
    """Which timestamps are in `unit`."""
    times, dated, _ = decode_times(array, where)
    return dict(_units(times, dated))[unit]


def _units(times: Ints, dated: Mask) -> list[tuple[str, Mask]]:
    masks = [(unit, ~dated & (times >= first) & (times < end)) for unit, first, end in UNITS]
    return [*masks, (DATES, dated & (times >= 0) & (times < _YEAR_2200 * 10**6))]


def _text_times(text: pa.Array, bad: Mask) -> tuple[Ints, Mask]:
    """Timestamps of text; marks what is neither a whole number nor a date in `bad`."""
    try:
        return text.cast(pa.int64()).to_numpy(), np.zeros(len(text), bool)
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(text)
    times = np.zeros(len(text), np.int64)
    is_integer = _matches(text, _INTEGER)
    whole = pc.replace_substring_regex(text.filter(pa.array(is_integer)), r"\.0*$", "")
    times[is_integer] = pc.replace_substring_regex(whole, r"^\+", "").cast(pa.int64()).to_numpy()
    is_date, is_zoned = _matches(text, _DATE), _matches(text, _ZONED_DATE)
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


def decode_words(array: pa.Array, words: dict[str, Any], where: str) -> tuple[Floats, Mask]:
    """The number that stands for each word, whatever its case, and the mask of unknown words (0 there)."""
    array = _plain(array)
    try:
        text, bad = _utf8(array if is_text(array.type) else array.cast(pa.string()))
    except pa.ArrowNotImplementedError as error:
        msg = f"{where}: expected words such as {', '.join(words)}, not {array.type}. Store them as strings."
        raise FeedbackError(msg) from error
    places = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), value_set=pa.array(list(words)))
    codes = _with_nulls(places, -1)
    bad = bad | (codes < 0)
    return np.where(bad, 0.0, np.asarray(list(words.values()), np.float64)[codes]), bad


def _plain(array: pa.Array) -> pa.Array:
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _is_numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _nulls(array: pa.Array) -> Mask:
    mask: Mask = np.array(array.is_null())
    return mask


def _with_nulls(array: pa.Array, fill: float) -> npt.NDArray[Any]:
    filled: npt.NDArray[Any] = (array.fill_null(fill) if array.null_count else array).to_numpy(zero_copy_only=False)
    return filled


def _utf8(array: pa.Array) -> tuple[pa.Array, Mask]:
    """`array` as strings without nulls, and the mask of nulls and of what is not UTF-8 (empty there)."""
    bad = _nulls(array)
    array = array.fill_null("" if "string" in str(array.type) else b"") if bad.any() else array
    try:
        return array.cast(pa.string()), bad
    except pa.ArrowInvalid:
        texts = [_text_or_none(value) for value in array.to_pylist()]
        bad |= np.asarray([text is None for text in texts])
        return pa.array([text or "" for text in texts], pa.string()), bad


def _text_or_none(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _matches(text: pa.Array, pattern: str) -> Mask:
    mask: Mask = np.asarray(pc.match_substring_regex(text, pattern))
    return mask


def _cast_where(text: pa.Array, pattern: str, kind: Any, bad: Mask) -> npt.NDArray[Any]:
    """`text` as numbers; marks what does not match `pattern` in `bad` (0 there) if not everything can be cast."""
    try:
        numbers: npt.NDArray[Any] = text.cast(kind).to_numpy()
        return numbers
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(text)
    matched = _matches(text, pattern)
    bad |= ~matched
    values = np.zeros(len(text), np.float64)
    values[matched] = pc.replace_substring_regex(text.filter(pa.array(matched)), r"^\+", "").cast(kind).to_numpy()
    return values
