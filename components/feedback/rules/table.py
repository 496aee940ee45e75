"""The table of a shard: every row of its users, in order, with the tie rule and the rule on duplicates.

The tie rule (rule 1): a user's rows go by timestamp, and of rows with equal timestamps the one that comes first in the
input comes first: files sorted by path, then the row in its file. Every later rule relies on this order.
"""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.reading.arrays import Mask
from components.feedback.reading.columns import Columns, join
from components.feedback.reading.ids import hash_ids


@dataclasses.dataclass(frozen=True)
class UserTable(Columns):
    """All rows of some users: by user (code points of the id), then timestamp, then order of the input.

    Attributes:
        users: The ids, sorted.
        user: Rises.
        place: Says nothing here.
        first: True at the first row of each (user, item) pair.
    """

    first: Mask = dataclasses.field(kw_only=True)

    BY_ROW: ClassVar[tuple[str, ...]] = (*Columns.BY_ROW, "first")

    def hash_users(self, key: str) -> npt.NDArray[np.uint64]:
        """A hash of each of `users`, which depends on the id and the 16 characters of `key` alone."""
        return hash_ids(self.users, key)

    def days_before(self, time: int | None, days: float, ticks_a_day: int) -> Mask:
        """Which rows lie in the last `days` before `time`; `ticks_a_day` is a day in the unit of the timestamps."""
        if time is None:
            return np.zeros(len(self), bool)
        return (self.time < time) & (self.time >= time - int(days * ticks_a_day))


def build_table(chunks: Iterable[Columns], duplicates: str) -> tuple[UserTable, int]:
    """Puts the chunks of a shard in order, with the tie rule, and applies the rule on duplicates.

    Args:
        chunks: In any order. The rows of each are in the order of the input, and their places do not overlap.
        duplicates: "all", "first" or "last" row of each (user, item) pair stays.

    Returns:
        The table, and how many rows the rule on duplicates dropped.
    """
    parts = sorted(chunks, key=lambda chunk: chunk.place)
    if not parts:
        nothing, codes = pa.array([], pa.string()), np.zeros(0, np.int32)
        no_times, no_values = codes.astype(np.int64), np.zeros(0)
        return UserTable(nothing, codes, nothing, codes, no_times, no_values, None, first=codes > 0), 0
    rows = _order_users(join(parts))
    # A stable sort of rows that are in the order of the input: that is the tie rule.
    rows = rows.take(np.lexsort((rows.time, rows.user)))
    pairs = pd.Series(rows.user.astype(np.int64) * len(rows.items) + rows.item)
    first: Mask = ~pairs.duplicated().to_numpy()
    table = UserTable(**vars(rows), first=first)
    if duplicates == "all" or first.all():
        return table, 0
    stays: Mask = first if duplicates == "first" else ~pairs.duplicated(keep="last").to_numpy()
    table = dataclasses.replace(table.take(stays), first=np.ones(int(stays.sum()), bool))
    return table, int(np.count_nonzero(~stays))


def _order_users(columns: Columns) -> Columns:
    """The same rows with the users' ids sorted by code points."""
    by_id = np.asarray(pc.array_sort_indices(columns.users))
    place = np.empty(len(by_id), np.int32)
    place[by_id] = np.arange(len(by_id), dtype=np.int32)
    return dataclasses.replace(columns, users=columns.users.take(pa.array(by_id)), user=place[columns.user])
