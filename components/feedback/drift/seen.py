"""What is counted of the rows by day, shard by shard, and how it comes together."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.drift.window import Window, first_of_items
from components.feedback.rules.table import UserTable
from pnfrec_columns.ids import hash_ids
from pnfrec_columns.units import Mask

ROWS, USERS, NEW_USERS, NEW_ITEMS, REPEATS = "rows", "users", "rows_of_new_users", "rows_of_new_items", "repeats"
LIKES, JUDGED = "likes", "judged"
# Beginnings of names, before the hour, the value or the form.
HOUR, VALUE, USER_FORM, ITEM_FORM = "hour_", "value_", "user_form_", "item_form_"
# Of the distinct items of a day those of the smallest hashes are kept, which tell how many there are.
MOST_HASHES = 512
_HASH_KEY = "pnfrec.feedback3"
# Longer ids count as so long.
_LONGEST = 40


@dataclasses.dataclass(frozen=True)
class DaySeen:
    """What was seen of a day.

    Attributes:
        counts: Rows, by name.
        hashes: The smallest hashes of its items, in order; at most `MOST_HASHES`.
    """

    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    hashes: tuple[int, ...] = ()

    @property
    def items(self) -> float:
        """About how many distinct items the day has: exact up to `MOST_HASHES`, else to some 5 %."""
        if len(self.hashes) < MOST_HASHES:
            return len(self.hashes)
        return (MOST_HASHES - 1) * 2.0**64 / self.hashes[-1]

    def part(self, beginning: str) -> dict[str, int]:
        """Counts whose name begins so, by the rest of it."""
        return {
            name.removeprefix(beginning): number for name, number in self.counts.items() if name.startswith(beginning)
        }


Days = Mapping[int, DaySeen]


def merge_days(parts: Iterable[Days]) -> dict[int, DaySeen]:
    """All parts together; the same whatever their order."""
    counts: dict[int, Counter[str]] = {}
    hashes: dict[int, set[int]] = {}
    for part in parts:
        for day, seen in part.items():
            counts.setdefault(day, Counter()).update(seen.counts)
            hashes.setdefault(day, set()).update(seen.hashes)
    return {day: DaySeen(counts[day], tuple(sorted(hashes[day])[:MOST_HASHES])) for day in sorted(counts)}


def see_days(table: UserTable, has_values: bool, window: Window | None) -> dict[int, DaySeen]:
    """What the rows of each day of the window are, before any filter.

    Args:
        table: Of a shard.
        has_values: Whether its values are values, and not polarities.
        window: None for nothing.
    """
    if window is None or not len(table):
        return {}
    all_days = window.days_of(table.time)
    inside = np.flatnonzero((all_days >= 0) & (all_days <= window.last))
    if not len(inside):
        return {}
    days, user, item, time = all_days[inside], table.user[inside], table.item[inside], table.time[inside]
    # A user's rows stand in the order of time, and all rows of a user are in one shard.
    first_of_users = all_days[np.flatnonzero(np.append(True, table.user[1:] != table.user[:-1]))]
    table_users = np.unique(table.user)
    first_of_rows = first_of_users[np.searchsorted(table_users, user)]
    values = table.value[inside]
    columns = {"user": user, "item": item, "time": time, "value": values}
    hours = np.zeros(len(time), np.int64) if window.ticks < 24 else time % window.ticks // (window.ticks // 24)
    tallies: dict[int, dict[str, int]] = {int(day): {} for day in np.unique(days)}
    _tally(tallies, ROWS, days)
    _tally(tallies, NEW_USERS, days[first_of_rows == days])
    _tally(tallies, NEW_ITEMS, days[first_of_items(table, window)[item] == days])
    _tally(tallies, REPEATS, days[pd.DataFrame(columns).duplicated().to_numpy()])
    _tally(tallies, USERS, _pairs(days, user)[0])
    _spread(tallies, HOUR, days, hours, [f"{hour:02}" for hour in range(24)])
    if has_values:
        distinct, codes = np.unique(_rounded(values), return_inverse=True)
        _spread(tallies, VALUE, days, codes.reshape(-1), [f"{value:.2g}" for value in distinct.tolist()])
    for name, ids, of_rows in ((USER_FORM, table.users, user), (ITEM_FORM, table.items, item)):
        forms = _forms(ids).dictionary_encode()
        codes = forms.indices.to_numpy(zero_copy_only=False)[of_rows]
        _spread(tallies, name, days, codes, forms.dictionary.to_pylist())
    hashes = _smallest(*_pairs(days, item), table)
    return {day: DaySeen(counts, hashes.get(day, ())) for day, counts in tallies.items()}


def see_likes(table: UserTable, positive: Mask, window: Window | None) -> dict[int, DaySeen]:
    """How many rows of each day are positive, of those after the filters."""
    if window is None or not len(table):
        return {}
    days = window.days_of(table.time)
    inside = (days >= 0) & (days <= window.last)
    tallies: dict[int, dict[str, int]] = {int(day): {} for day in np.unique(days[inside])}
    _tally(tallies, JUDGED, days[inside])
    _tally(tallies, LIKES, days[inside & positive])
    return {day: DaySeen(counts) for day, counts in tallies.items()}


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values to two digits: ratings as they are, and what is counted or measured in few steps."""
    size = np.abs(values)
    step = 10.0 ** (np.floor(np.log10(np.where(size > 1e-300, size, 1.0))) - 1)
    rounded: npt.NDArray[np.float64] = np.round(values / step) * step
    return rounded


def _pairs(days: npt.NDArray[Any], codes: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The distinct pairs of day and code."""
    size = int(codes.max()) + 1
    distinct = np.unique(days.astype(np.int64) * size + codes)
    return distinct // size, distinct % size


def _tally(tallies: dict[int, dict[str, int]], name: str, days: npt.NDArray[Any]) -> None:
    for day, number in zip(*(each.tolist() for each in np.unique(days, return_counts=True)), strict=True):
        tallies[day][name] = number


def _spread(
    tallies: dict[int, dict[str, int]], name: str, days: npt.NDArray[Any], codes: npt.NDArray[Any], names: list[str]
) -> None:
    """Counts rows by day and code."""
    keys, counts = np.unique(days * len(names) + codes, return_counts=True)
    for key, number in zip(keys.tolist(), counts.tolist(), strict=True):
        of_day, full = tallies[key // len(names)], name + names[key % len(names)]
        # Values that differ in their last bit have one name.
        of_day[full] = of_day.get(full, 0) + number


def _forms(ids: pa.Array) -> pa.Array:
    """How each id is written: its length, what it is made of, and whether it begins with a zero."""
    kind = pc.if_else(
        pc.match_substring_regex(ids, "^[0-9]+$"),
        pc.if_else(pc.starts_with(ids, "0"), "digits, the first a 0", "digits"),
        pc.if_else(pc.match_substring_regex(ids, "^[A-Za-z]+$"), "letters", "signs"),
    )
    length = pc.min_element_wise(pc.utf8_length(ids).cast(pa.int64()), pa.scalar(_LONGEST)).cast(pa.string())
    return pc.binary_join_element_wise(length, kind, " ")


def _smallest(days: npt.NDArray[Any], items: npt.NDArray[Any], table: UserTable) -> dict[int, tuple[int, ...]]:
    """The smallest hashes of each day's items."""
    distinct, places = np.unique(items, return_inverse=True)
    hashes = hash_ids(table.items.take(pa.array(distinct)), _HASH_KEY)[places.reshape(-1)]
    return {int(day): tuple(np.sort(hashes[days == day])[:MOST_HASHES].tolist()) for day in np.unique(days)}
