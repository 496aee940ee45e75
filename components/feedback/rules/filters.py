"""Which rows are dropped: those of rare items and users (k-core, rule 2), and held-out rows of unknown ids (rule 4).

The k-core filters look at every row, whatever its split, and before any split is made. Held-out rows are counted too.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.rules.table import UserTable
from pnfrec_columns.arrays import Mask


def item_users(table: UserTable) -> npt.NDArray[np.int64]:
    """Number of distinct users of each item."""
    return np.bincount(table.item[table.first], minlength=len(table.items))


@dataclasses.dataclass(frozen=True)
class Filtered:
    """Rows after the k-core filters, and how many they dropped.

    Attributes:
        table: The rows that are left.
        rare_item: Dropped rows of items with too few users.
        rare_user: Dropped rows of users with too few items.
        repeated: Further dropped rows, which the rule on duplicates would not have kept in any case.
        users: Number of users that are left.
    """

    table: UserTable
    rare_item: int
    rare_user: int
    repeated: int
    users: int


def filter_rows(table: UserTable, kept_items: pa.Array, min_user_items: int) -> Filtered:
    """Drops rows of other than `kept_items`, then users with fewer than `min_user_items` distinct items (rule 2)."""
    is_kept = places_in(table.items, kept_items) >= 0
    of_kept = is_kept[table.item]
    distinct = np.bincount(table.user[of_kept & table.first], minlength=len(table.users))
    enough = distinct >= min_user_items
    stays = of_kept & enough[table.user]
    # What is taken back and may yet come back is no repetition of another row.
    counted = table.stays | table.in_doubt
    remaining = table if stays.all() else table.take(stays)
    return Filtered(
        remaining,
        int(np.count_nonzero(counted & ~of_kept)),
        int(np.count_nonzero(counted & of_kept & ~stays)),
        int(np.count_nonzero(~counted & ~stays)),
        int(np.count_nonzero(distinct[enough])),
    )


@dataclasses.dataclass(frozen=True)
class Known:
    """Rows whose user and item occur in training.

    Attributes:
        train: Training rows.
        known: Training rows, and held-out rows of users and items of training.
        unknown_user, unknown_item: Held-out rows left out for an unknown id; those with both count as the former.
        popularity: Place of each of the table's items in the catalogue, -1 where it is not there.
    """

    train: Mask
    known: Mask
    unknown_user: int
    unknown_item: int
    popularity: npt.NDArray[np.int64]


def known_rows(table: UserTable, train: Mask, catalogue: pa.Array) -> Known:
    """Leaves out held-out rows with unknown ids: of a user or an item that no training row has (rule 4)."""
    popularity = places_in(table.items, catalogue)
    user_known = np.bincount(table.user[train], minlength=len(table.users))[table.user] > 0
    item_known = (popularity >= 0)[table.item]
    unknown_user = int(np.count_nonzero(~train & ~user_known))
    unknown_item = int(np.count_nonzero(~train & user_known & ~item_known))
    return Known(train, train | (user_known & item_known), unknown_user, unknown_item, popularity)


def places_in(ids: pa.Array, among: pa.Array) -> npt.NDArray[np.int64]:
    """Place of each id in `among`, -1 where it is not there."""
    places: npt.NDArray[np.int64] = (
        pc.index_in(ids, value_set=among).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return places
