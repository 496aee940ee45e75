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
from pnfrec_columns.arrays import Ints, Mask
from pnfrec_columns.ids import hash_ids

# When a row is taken back that never is.
NEVER = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class UserTable(Columns):
    """All rows of some users: by user (code points of the id), then timestamp, then order of the input.

    Attributes:
        users: The ids, sorted.
        user: Rises.
        place: Says nothing here.
        first: True at the first row of each (user, item) pair.
        stays: True at the rows that the rule on duplicates keeps, before the split has had its say.
        until: When a later event takes a row back, `NEVER` where none does; None where that is settled.
        by: The place of that event; -1.
    """

    first: Mask = dataclasses.field(kw_only=True)
    stays: Mask = dataclasses.field(kw_only=True)
    until: Ints | None = dataclasses.field(default=None, kw_only=True)
    by: npt.NDArray[np.int16] | None = dataclasses.field(default=None, kw_only=True)

    BY_ROW: ClassVar[tuple[str, ...]] = (*Columns.BY_ROW, "first", "stays", "until", "by")

    @property
    def in_doubt(self) -> Mask:
        """The rows that are taken back at some time, where it is not settled yet what becomes of them."""
        return np.zeros(len(self), bool) if self.until is None else self.until != NEVER

    def hash_users(self, key: str) -> npt.NDArray[np.uint64]:
        """A hash of each of `users`, which depends on the id and the 16 characters of `key` alone."""
        return hash_ids(self.users, key)

    def days_before(self, time: int | None, days: float, ticks_a_day: int) -> Mask:
        """Which rows lie in the last `days` before `time`; `ticks_a_day` is a day in the unit of the timestamps."""
        if time is None:
            return np.zeros(len(self), bool)
        return (self.time < time) & (self.time >= time - int(days * ticks_a_day))


def order_rows(chunks: Iterable[Columns]) -> Columns:
    """The chunks of a shard in order, with the tie rule.

    Args:
        chunks: In any order. The rows of each are in the order of the input, and their places do not overlap.
    """
    parts = sorted(chunks, key=lambda chunk: chunk.place)
    if not parts:
        nothing, codes = pa.array([], pa.string()), np.zeros(0, np.int32)
        return Columns(nothing, codes, nothing, codes, codes.astype(np.int64), np.zeros(0), None)
    rows = _order_users(join(parts))
    # A stable sort of rows that are in the order of the input: that is the tie rule.
    return rows.take(np.lexsort((rows.time, rows.user)))


def make_table(
    rows: Columns, duplicates: str, until: Ints | None = None, by: npt.NDArray[np.int16] | None = None
) -> UserTable:
    """Marks what the rule on duplicates keeps of ordered rows, of which those taken back count for nothing.

    Args:
        rows: Of `order_rows`.
        duplicates: "all", "first" or "last" row of each (user, item) pair stays.
        until: As of `UserTable`.
        by: As of `UserTable`.
    """
    among = None if until is None else until == NEVER
    first = once_a_pair(rows, "first", among=among)
    if duplicates == "all":
        stays = np.ones(len(rows), bool) if among is None else among
    else:
        stays = once_a_pair(rows, duplicates, among=among)
    columns = {field.name: getattr(rows, field.name) for field in dataclasses.fields(Columns)}
    return UserTable(**columns, first=first, stays=stays, until=until, by=by)


def drop_duplicates(table: UserTable, duplicates: str) -> UserTable:
    """The rows that the rule on duplicates keeps whatever the split is: all but those of "last"."""
    kept = table.stays | table.in_doubt
    if duplicates == "last" or kept.all():
        return table
    rest = table.take(kept)
    return dataclasses.replace(rest, first=rest.stays.copy())


def settle(table: UserTable, gone: Mask, duplicates: str) -> UserTable:
    """The rows that are left once it is known which of those in doubt are `gone`, by the rule on duplicates."""
    rest = make_table(table.take(~gone), duplicates)
    return drop_duplicates(rest, duplicates)


def drop_duplicates_apart(table: UserTable, held_out: Mask) -> tuple[UserTable, Mask]:
    """What the rule "last" keeps: the last row of each (user, item) pair on each side of the cut.

    What is held out must not change what is trained on. So a row of training gives way to a later one there, and never
    to one that is held out.

    Returns:
        The rows that stay, and which of them are held out.
    """
    stays = once_a_pair(table, "last", held_out)
    kept = table.take(stays)
    return dataclasses.replace(kept, first=once_a_pair(kept, "first"), stays=np.ones(len(kept), bool)), held_out[stays]


def once_a_pair(rows: Columns, keep: Any, side: Mask | None = None, among: Mask | None = None) -> Mask:
    """True at the first or the last row of each (user, item) pair, on each side if there are two, `among` some rows."""
    pairs = rows.user.astype(np.int64) * len(rows.items) + rows.item
    pairs = pairs if side is None else pairs * 2 + side
    if among is None:
        return np.asarray(~pd.Series(pairs).duplicated(keep=keep).to_numpy())
    once = np.zeros(len(pairs), bool)
    once[among] = ~pd.Series(pairs[among]).duplicated(keep=keep).to_numpy()
    return once


def _order_users(columns: Columns) -> Columns:
    """The same rows with the users' ids sorted by code points."""
    by_id = np.asarray(pc.array_sort_indices(columns.users))
    place = np.empty(len(by_id), np.int32)
    place[by_id] = np.arange(len(by_id), dtype=np.int32)
    return dataclasses.replace(columns, users=columns.users.take(pa.array(by_id)), user=place[columns.user])
