"""The table of a shard: every row of its users, in order, with the tie rule and the rule on duplicates.

The tie rule (rule 1): a user's rows go by timestamp, and of rows with equal timestamps the one that comes first in the
input comes first: files sorted by path, then the row in its file. Every later rule relies on this order.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.reading.columns import Columns, join
from pnfrec_columns.arrays import Mask
from pnfrec_columns.ids import hash_ids


@dataclasses.dataclass(frozen=True)
class UserTable(Columns):
    """All rows of some users: by user (code points of the id), then timestamp, then order of the input.

    Attributes:
        users: The ids, sorted.
        user: Rises.
        place: Says nothing here.
        first: True at the first row of each (user, item) pair.
        stays: True at the rows that the rule on duplicates keeps, before the split has had its say.
    """

    first: Mask = dataclasses.field(kw_only=True)
    stays: Mask = dataclasses.field(kw_only=True)

    BY_ROW: ClassVar[tuple[str, ...]] = (*Columns.BY_ROW, "first", "stays")

    def hash_users(self, key: str) -> npt.NDArray[np.uint64]:
        """A hash of each of `users`, which depends on the id and the 16 characters of `key` alone."""
        return hash_ids(self.users, key)

    def days_before(self, time: int | None, days: float, ticks_a_day: int) -> Mask:
        """Which rows lie in the last `days` before `time`; `ticks_a_day` is a day in the unit of the timestamps."""
        if time is None:
            return np.zeros(len(self), bool)
        return (self.time < time) & (self.time >= time - int(days * ticks_a_day))


def build_table(chunks: Iterable[Columns], duplicates: str) -> UserTable:
    """Puts the chunks of a shard in order, with the tie rule, and marks what the rule on duplicates keeps.

    Args:
        chunks: In any order. The rows of each are in the order of the input, and their places do not overlap.
        duplicates: "all", "first" or "last" row of each (user, item) pair stays.
    """
    parts = sorted(chunks, key=lambda chunk: chunk.place)
    if not parts:
        nothing, codes = pa.array([], pa.string()), np.zeros(0, np.int32)
        no_times, no_values = codes.astype(np.int64), np.zeros(0)
        return UserTable(nothing, codes, nothing, codes, no_times, no_values, None, first=codes > 0, stays=codes > 0)
    rows = _order_users(join(parts))
    # A stable sort of rows that are in the order of the input: that is the tie rule.
    rows = rows.take(np.lexsort((rows.time, rows.user)))
    first = _once(rows, "first")
    stays = np.ones(len(rows), bool) if duplicates == "all" else _once(rows, duplicates)
    return UserTable(**vars(rows), first=first, stays=stays)


def drop_duplicates(table: UserTable, duplicates: str) -> UserTable:
    """The rows that the rule on duplicates keeps whatever the split is: all but those of "last"."""
    if duplicates == "last" or table.stays.all():
        return table
    return dataclasses.replace(table.take(table.stays), first=np.ones(int(table.stays.sum()), bool))


def drop_duplicates_apart(table: UserTable, held_out: Mask) -> tuple[UserTable, Mask]:
    """What the rule "last" keeps: the last row of each (user, item) pair on each side of the cut.

    What is held out must not change what is trained on. So a row of training gives way to a later one there, and never
    to one that is held out.

    Returns:
        The rows that stay, and which of them are held out.
    """
    stays = _once(table, "last", held_out)
    kept = table.take(stays)
    return dataclasses.replace(kept, first=_once(kept, "first"), stays=np.ones(len(kept), bool)), held_out[stays]


def _once(rows: Columns, keep: Any, side: Mask | None = None) -> Mask:
    """True at the first or the last row of each (user, item) pair, on each side if there are two."""
    pairs = rows.user.astype(np.int64) * len(rows.items) + rows.item
    once: Mask = ~pd.Series(pairs if side is None else pairs * 2 + side).duplicated(keep=keep).to_numpy()
    return once


def _order_users(columns: Columns) -> Columns:
    """The same rows with the users' ids sorted by code points."""
    by_id = np.asarray(pc.array_sort_indices(columns.users))
    place = np.empty(len(by_id), np.int32)
    place[by_id] = np.arange(len(by_id), dtype=np.int32)
    return dataclasses.replace(columns, users=columns.users.take(pa.array(by_id)), user=place[columns.user])
