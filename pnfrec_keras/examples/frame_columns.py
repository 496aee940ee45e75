"""The columns of a table in memory, read as the pipeline reads those of a file (`pnfrec_columns`)."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)


class FrameColumns(NamedTuple):
    """What the rows of a table say.

    Attributes:
        users: The user of each row by a number, in the order of the ids' code points.
        items: Ids of items, as text.
        values: Finite numbers.
        times: Whole numbers of one unit.
    """

    users: npt.NDArray[np.int64]
    items: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]


def read_columns(frame: Any, user: str, item: str, value: str, timestamp: str) -> FrameColumns:
    """Reads a DataFrame, or anything whose columns Arrow or numpy can read.

    Raises:
        ValueError: A column is missing, or has a row that cannot be used; the message names the first.
    """
    from pnfrec_columns.dates import expected_time
    from pnfrec_columns.times import decode_times, has_fractions
    from pnfrec_columns.units import FRACTIONAL, TimeReading

    need_columns(
        frame,
        {"user": user, "item": item, "value": value, "timestamp": timestamp},
        "The frame",
        " Name them by `user`, `item`, `value` and `timestamp`.",
    )
    if not len(frame[user]):
        msg = "The frame has no row."
        raise ValueError(msg)
    user_ids, user_codes = read_ids(frame, user)
    item_ids, item_codes = read_ids(frame, item)
    values = read_numbers(frame, value)
    stored = _arrow(frame[timestamp], timestamp)
    reading = TimeReading(FRACTIONAL) if has_fractions(stored) else TimeReading()
    times = decode_times(stored, f"Column {timestamp!r}", reading)
    _check(frame[timestamp], f"Column {timestamp!r}", times.bad, expected_time(reading), is_time=True)
    _check_unit(times, timestamp, reading.unit)
    if (zoned := int(times.zoned.sum())) and (naive := int((times.dated & ~times.zoned).sum())):
        log.warning(
            "Column %r: %d dates name their zone and %d do not; the latter are taken as UTC, so that rows may be in "
            "the wrong order by hours.",
            *(timestamp, zoned, naive),
        )
    if torn := _of_two_values(user_codes, item_codes, times.time, values):
        log.warning(
            "%d rows have the user, the item and the time of another row, and another value. All are kept, so that an "
            "item may be liked and disliked at once: keep one of each.",
            torn,
        )
    places = np.argsort(np.argsort(np.array(user_ids, dtype=object)))
    # Objects: numpy's own text is as wide as the longest id in each row, and loses zeros at its end.
    return FrameColumns(places[user_codes], np.array(item_ids, dtype=object)[item_codes], values, times.time)


def _of_two_values(*columns: npt.NDArray[Any]) -> int:
    """How many rows differ from another one in the last column alone."""
    order = np.lexsort(columns[::-1])
    alike = np.ones(max(len(order) - 1, 0), bool)
    for column in columns[:-1]:
        alike &= column[order[1:]] == column[order[:-1]]
    return int((alike & (columns[-1][order[1:]] != columns[-1][order[:-1]])).sum())


def need_columns(frame: Any, named: Mapping[str, str], called: str, remedy: str = "") -> None:
    """Raises a ValueError where the frame lacks columns, has one twice, or columns of several lengths.

    Args:
        frame: Of any kind.
        named: The name of each column by what it is, such as `{"user": "customer"}`.
        called: What the frame is, for the message.
        remedy: What to do where a column is missing.
    """
    there, names = _names_of(frame, called), list(named.values())
    if shared := [role for role, name in named.items() if names.count(name) > 1]:
        told = " and ".join(f"`{role}`" for role in shared)
        msg = f"{called}: {told} name one column, {named[shared[0]]!r}. Give each a column of its own."
        raise ValueError(msg)
    missing = [name for name in names if name not in there]
    if missing:
        lacking, found = (", ".join(map(str, each)) for each in (missing, there))
        msg = f"{called} lacks the column(s) {lacking}. It has: {found}.{remedy}"
        raise ValueError(msg)
    if twice := [name for name in names if there.count(name) > 1]:
        msg = f"{called} has the column {twice[0]!r} {there.count(twice[0])} times: give each a name of its own."
        raise ValueError(msg)
    lengths = {name: len(frame[name]) for name in names}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{length:,} of {name}" for name, length in lengths.items())
        msg = f"{called} must have as many values of each column. Received: {told}."
        raise ValueError(msg)


def _names_of(frame: Any, called: str) -> list[Any]:
    """The names of the columns of a table in memory.

    Raises:
        ValueError: It is none.
    """
    # Arrow calls its names so, data frames the other way, arrays of records by their type, and a dict has its keys.
    names: Any = getattr(frame, "column_names", getattr(frame, "columns", None))
    if isinstance(frame, np.ndarray):
        names = frame.dtype.names
    elif isinstance(frame, Mapping):
        names = frame.keys()
    # What is to be computed yet, as a lazy frame of polars, has names and no values.
    if names is None or hasattr(frame, "collect"):
        msg = (
            f"{called} must be a table in memory whose columns have names, such as a DataFrame or a dict of arrays. "
            f"Received: {type(frame).__name__}."
        )
        raise ValueError(msg)
    return list(names)


def read_ids(frame: Any, name: str, where: str = "") -> tuple[list[str], npt.NDArray[np.int32]]:
    """The distinct ids of a column as text, and which of them each row has; `where` follows the column in an error.

    It warns of ids that are a word for no value, such as `nan`.

    Raises:
        ValueError: A row has no id; the message names the first.
    """
    from pnfrec_columns.ids import decode_ids, expected_id, say_nothing

    called = f"Column {name!r}{where}"
    column = _arrow(frame[name], name, of_ids=True)
    ids, codes = decode_ids(column, called)
    _check(frame[name], called, codes < 0, expected_id(column.type))
    for code in np.flatnonzero(say_nothing(ids)).tolist():
        log.warning(
            "%s: %d rows have the id %r, a word for no value, and would all be one: drop them if they have none.",
            *(called, np.count_nonzero(codes == code), ids[code].as_py()),
        )
    return ids.to_pylist(), codes


def read_numbers(frame: Any, name: str, where: str = "") -> npt.NDArray[np.float64]:
    """A column of finite numbers; `where` follows the column in an error.

    Raises:
        ValueError: A row has no finite number; the message names the first.
    """
    from pnfrec_columns.values import decode_numbers

    called = f"Column {name!r}{where}"
    values, bad = decode_numbers(_arrow(frame[name], name), called)
    _check(frame[name], called, bad, "a finite number")
    return values


def check_threshold(positive: Any) -> None:
    """Raises a ValueError unless `positive` is a number that values can be compared with."""
    is_number = isinstance(positive, int | float | np.integer | np.floating) and not isinstance(positive, bool)
    if not (is_number and math.isfinite(positive)):
        msg = f"`positive` must be a finite number, from which on a value is liked. Received: {positive!r}."
        raise ValueError(msg)


def _arrow(column: Any, name: str, *, of_ids: bool = False) -> Any:
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray | pa.Array):
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    try:
        array = pa.array(column, from_pandas=True)
    except UnicodeEncodeError as error:
        msg = (
            f"Column {name!r}: the text {error.object!r} is none that UTF-8 can hold, as of a file that was read in "
            "another encoding than its own. Read it in its encoding."
        )
        raise ValueError(msg) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        try:
            # Several types in one column, such as numbers and text.
            values = [None if _is_missing(each) else each for each in column]
            texts = [None if each is None else str(each) for each in values]
            array = pa.array(_ids_by_type(values, name) if of_ids else texts)
        except (TypeError, ValueError) as error:
            msg = f"Column {name!r}: cannot be read ({error}). Make it one of text, numbers or dates."
            raise ValueError(msg) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has in their place, one of which cannot even be compared."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _ids_by_type(values: Sequence[Any], name: str) -> list[str | None]:
    """The text form of each id of several types: 7, 7.0 and "7" are one, as in a column of each type."""
    import pyarrow as pa

    from pnfrec_columns.ids import decode_ids

    places: dict[type, list[int]] = {}
    for place, value in enumerate(values):
        if value is not None:
            places.setdefault(type(value), []).append(place)
    found: list[str | None] = [None] * len(values)
    for kind, of_kind in places.items():
        own = [values[place] for place in of_kind]
        # Python's integers have no end.
        is_whole = issubclass(kind, int) and kind is not bool
        ids, codes = decode_ids(pa.array(list(map(str, own)) if is_whole else own), f"Column {name!r}")
        known = [*ids.to_pylist(), None]
        for place, code in zip(of_kind, codes.tolist(), strict=True):
            found[place] = known[code]
    return found


def _check(column: Any, called: str, bad: npt.NDArray[np.bool_], expected: str, *, is_time: bool = False) -> None:
    """Raises a ValueError for the first bad row, if there is one."""
    if not bad.any():
        return
    row = int(np.argmax(bad))
    found = repr(np.asarray(column, dtype=object)[row])
    more = " Dates in another form become readable by pandas.to_datetime with their `format`." if is_time else ""
    msg = f"{called}, row {row}: expected {expected}, found {found}. Correct or drop such rows first.{more}"
    raise ValueError(msg)


def _check_unit(times: Any, name: str, setting: str) -> None:
    """Raises a ValueError for several units in one column, and for dates that are written as numbers."""
    from pnfrec_columns.dates import date_form
    from pnfrec_columns.times import units_of

    found = {unit: int(mask.sum()) for unit, mask in units_of(times.time, times.dated, setting) if mask.any()}
    if len(found) > 1:
        told = ", ".join(f"{number:,} in {unit}" for unit, number in found.items())
        msg = (
            f"Column {name!r}: the times have several units ({told}). Bring them to one, else rows cannot be put in "
            "order."
        )
        raise ValueError(msg)
    if found.keys() & {"seconds", "milliseconds"} and (form := date_form(times.time)):
        msg = (
            f"Column {name!r}: the times, such as {times.time[0]}, read as dates written as numbers. Make dates of "
            f"them: pandas.to_datetime(column.astype(str), format={form!r})."
        )
        raise ValueError(msg)
