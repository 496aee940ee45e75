"""`Columns`, the columns of feedback that every later step works on, and how they are made of what is stored.

Whole columns are decoded at a time. Rows that cannot be used are marked, not raised for.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.feedback.config import FeedbackConfig
from components.feedback.input_config import ColumnsConfig
from pnfrec_columns.arrays import Codes, Floats, Ints, Mask
from pnfrec_columns.dates import expected_time
from pnfrec_columns.ids import decode_ids, expected_id
from pnfrec_columns.times import decode_times, units_of
from pnfrec_columns.values import decode_numbers, decode_words
from pnfrec_core import schema

SPLIT_CODES = {name: code for code, name in enumerate(schema.SPLITS)}
_LIKES = ("1", "true", "positive", "p", "like", "liked")
_DISLIKES = ("0", "false", "negative", "n", "dislike", "disliked")
POLARITIES = dict.fromkeys(_LIKES, 1.0) | dict.fromkeys(_DISLIKES, 0.0)
_POLARITY = (
    "like or dislike (or positive/negative, p/n, true/false, 1/0; `where` of `feedback.events` takes other words)"
)

Rows = Mask | Ints | slice
C = TypeVar("C", bound="Columns")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of some rows, each of length n.

    Attributes:
        users: Distinct ids (Arrow strings).
        user: Place in `users` of each row's user.
        items: Distinct ids (Arrow strings).
        item: Place in `items` of each row's item.
        time: Timestamps in the unit of the input; dates in microseconds.
        value: The value, or 1.0 and 0.0 where a column says the polarity.
        split: Place of the row's split in `schema.SPLITS`; None unless a column says it.
        place: (file, row) of the first row in the input, where the rows are in the order of one file.
        event: Place of the row's event in `feedback.events`; None without any.
    """

    users: pa.Array
    user: Codes
    items: pa.Array
    item: Codes
    time: Ints
    value: Floats
    split: npt.NDArray[np.int8] | None
    place: tuple[int, int] = (0, 0)
    event: npt.NDArray[np.int16] | None = None

    # Those with an element a row.
    BY_ROW: ClassVar[tuple[str, ...]] = ("user", "item", "time", "value", "split", "event")

    def __len__(self) -> int:
        return len(self.user)

    def take(self: C, rows: Rows) -> C:
        """Some of the rows, by mask or by place; users and items keep their places."""
        present = {name: column for name in self.BY_ROW if (column := getattr(self, name)) is not None}
        return dataclasses.replace(self, **{name: column[rows] for name, column in present.items()})

    def compact(self: C) -> C:
        """The same rows, with no other ids than theirs."""
        user, users = _compact(self.user, self.users)
        item, items = _compact(self.item, self.items)
        return dataclasses.replace(self, users=users, user=user, items=items, item=item)


def join(parts: Sequence[Columns]) -> Columns:
    """The rows of all parts, one after another. There has to be one part at least."""
    users, user = _unify([(part.users, part.user) for part in parts])
    items, item = _unify([(part.items, part.item) for part in parts])
    time, value = (np.concatenate([getattr(part, name) for part in parts]) for name in ("time", "value"))
    split, event = (_joined([getattr(part, name) for part in parts]) for name in ("split", "event"))
    return Columns(users, user, items, item, time, value, split, parts[0].place, event)


def _joined(parts: Sequence[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    """All of a column that the input may not have."""
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if present else None


def _compact(codes: Codes, ids: pa.Array) -> tuple[Codes, pa.Array]:
    used = np.zeros(len(ids), bool)
    used[codes] = True
    if used.all():
        return codes, ids
    places = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return places[codes], ids.take(pa.array(np.flatnonzero(used)))


def _unify(parts: Iterable[tuple[pa.Array, Codes]]) -> tuple[pa.Array, Codes]:
    """One dictionary for all parts, and the codes of all rows in it."""
    dictionaries, codes = zip(*parts, strict=True)
    encoded = pa.concat_arrays(dictionaries).dictionary_encode()
    places = encoded.indices.to_numpy().astype(np.int32)
    starts = np.cumsum([0, *map(len, dictionaries)])
    return encoded.dictionary, np.concatenate(
        [places[start : start + len(ids)][code] for start, ids, code in zip(starts, dictionaries, codes, strict=False)]
    )


def columns_of(config: FeedbackConfig, event: int | None) -> ColumnsConfig:
    """How the columns are named in the files of an event, by its place; None without any."""
    own = None if event is None else config.events[event].columns
    return own or config.columns


def required_columns(config: FeedbackConfig, event: int | None = None) -> list[str]:
    """Names of the columns that the rules of `config` need, without repeats, in the files of an event if there is one.

    Its polarity comes from the event, or from a column that the event names.
    """
    names = columns_of(config, event)
    if event is None:
        return [getattr(names, role) for role in config.roles]
    found = [getattr(names, role) for role in config.roles if role != "polarity"]
    own = config.events[event]
    return list(dict.fromkeys([*found, *filter(None, [own.column, own.where_column])]))


@dataclasses.dataclass(frozen=True)
class BadRows:
    """Rows of a batch that cannot be used for what is in one column.

    Attributes:
        column: The name of the column in the input.
        reason: One of `account.REASONS`.
        expected: What should be there.
        mask: The rows.
    """

    column: str
    reason: str
    expected: str
    mask: Mask


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The rows of one batch.

    Attributes:
        columns: Every row, also those that cannot be used.
        bad: The rows that cannot be used, by column.
        units: Usable rows by the unit of their timestamp.
        zones: Usable rows whose date names its zone ("zoned") or does not ("naive").
        silent: Rows that say neither like nor dislike, by the bounds of their event; None where each says one.
    """

    columns: Columns
    bad: tuple[BadRows, ...]
    units: dict[str, int]
    zones: dict[str, int]
    silent: Mask | None = None


def decode(stored: dict[str, pa.Array], config: FeedbackConfig, where: str, event: int | None = None) -> Decoded:
    """Decodes the columns of a batch. `where` names the file, `event` the place of its event.

    Raises:
        FeedbackError: A column has a type that cannot hold what is asked of it.
    """
    names = columns_of(config, event)
    users, user = decode_ids(stored[names.user], f"{where}, column {names.user!r}")
    items, item = decode_ids(stored[names.item], f"{where}, column {names.item!r}")
    reading = config.time_reading
    time, dated, zoned, bad_time = decode_times(
        stored[names.timestamp], f"{where}, column {names.timestamp!r}", reading
    )
    bad = [
        BadRows(names.user, "bad_user", expected_id(stored[names.user].type), user < 0),
        BadRows(names.item, "bad_item", expected_id(stored[names.item].type), item < 0),
        BadRows(names.timestamp, "bad_timestamp", expected_time(reading), bad_time),
    ]
    value, of_value, silent = _values(stored, config, where, event)
    bad += of_value
    split = None
    if "split" in config.split_rule.columns:
        codes, bad_split = decode_words(stored[names.split], SPLIT_CODES, f"{where}, column {names.split!r}")
        split = codes.astype(np.int8)
        bad.append(BadRows(names.split, "bad_split", "train, validation or test", bad_split))
    usable = usable_rows(bad)
    masks = dict(units_of(time, dated, reading.unit))
    units = {unit: int(count) for unit, mask in masks.items() if (count := np.count_nonzero(mask & usable))}
    zones = {"zoned": int(np.count_nonzero(zoned & usable)), "naive": int(np.count_nonzero(dated & ~zoned & usable))}
    of_event = None if event is None else np.full(len(user), event, np.int16)
    columns = Columns(users, user, items, item, time, value, split, event=of_event)
    return Decoded(columns, tuple(bad), units, zones, silent)


def _values(
    stored: dict[str, pa.Array], config: FeedbackConfig, where: str, event: int | None
) -> tuple[Floats, list[BadRows], Mask | None]:
    """What the rule of polarity looks at, the rows where that cannot be read, and those that say nothing."""
    own = None if event is None else config.events[event]
    if own is not None and not own.column:
        # Of what takes others back no value is ever looked at.
        count = len(next(iter(stored.values())))
        return np.full(count, float(own.polarity == "like")), [], None
    by_words = config.positive == "column" if own is None else not own.has_bounds
    name = own.column if own is not None else config.columns.polarity if by_words else config.columns.value
    place = f"{where}, column {name!r}"
    if by_words:
        value, unusable = decode_words(stored[name], POLARITIES, place)
        return value, [BadRows(name, "bad_polarity", _POLARITY, unusable)], None
    value, unusable = decode_numbers(stored[name], place)
    bad = [BadRows(name, "bad_value", "a finite number", unusable)]
    if own is None:
        return value, bad, None
    liked = np.zeros(len(value), bool) if own.like_from is None else value >= own.like_from
    disliked = np.zeros(len(value), bool) if own.dislike_below is None else value < own.dislike_below
    return liked.astype(np.float64), bad, ~(liked | disliked)


def usable_rows(bad: Sequence[BadRows]) -> Mask:
    """The rows in which no column is bad."""
    usable: Mask = ~np.logical_or.reduce([each.mask for each in bad])
    return usable
