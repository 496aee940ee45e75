"""The data protocol (spec, section 1) on the rows of one shard. What needs all shards comes in as arguments."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.config import FeedbackConfig
from components.feedback.reading.columns import Floats, Mask
from components.feedback.rules.table import UserTable, hash_ids
from pnfrec_core import schema

TRAIN, VALIDATION, TEST = (schema.SPLITS.index(name) for name in schema.SPLITS)
Splits = npt.NDArray[np.int8]


def places_in(ids: pa.Array, among: pa.Array) -> npt.NDArray[np.int64]:
    """Place of each id in `among`, -1 where it is not there."""
    places: npt.NDArray[np.int64] = (
        pc.index_in(ids, value_set=among).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return places


def item_users(table: UserTable) -> npt.NDArray[np.int64]:
    """Number of distinct users of each item."""
    return np.bincount(table.item[table.first], minlength=len(table.items))


@dataclasses.dataclass(frozen=True)
class Filtered:
    """Rows after the k-core filter, and how many it dropped."""

    table: UserTable
    rare_item: int
    rare_user: int
    users: int


def filter_rows(table: UserTable, kept_items: pa.Array, min_user_items: int) -> Filtered:
    """Drops rows of other than `kept_items`, then users with fewer than `min_user_items` distinct items (rule 2)."""
    is_kept = places_in(table.items, kept_items) >= 0
    of_kept = is_kept[table.item]
    distinct = np.bincount(table.user[of_kept & table.first], minlength=len(table.users))
    enough = distinct >= min_user_items
    stays = of_kept & enough[table.user]
    remaining = table if stays.all() else table.take(stays)
    left = int(np.count_nonzero(of_kept))
    return Filtered(remaining, len(table) - left, left - len(remaining), int(np.count_nonzero(distinct[enough])))


def held_out(table: UserTable, rule: str, time: int | None) -> Mask:
    """Rows that are not for training."""
    if rule == "global_time":
        return np.zeros(len(table), bool) if time is None else table.time >= time
    if rule == "column":
        return np.zeros(0, bool) if table.split is None else table.split != TRAIN
    return _rows_after(table) < 2


def _rows_after(table: UserTable) -> npt.NDArray[np.int64]:
    """How many rows of the same user follow each row."""
    ends = np.cumsum(np.bincount(table.user, minlength=len(table.users)))
    after: npt.NDArray[np.int64] = ends[table.user] - 1 - np.arange(len(table))
    return after


def split_key(seed: int) -> str:
    """Key of the hash that orders users for the split in halves."""
    return f"split{seed:011d}"[-16:]


@dataclasses.dataclass(frozen=True)
class Known:
    """Rows whose user and item occur in training.

    Attributes:
        train: Training rows.
        known: Training rows, and held-out rows of users and items of training.
        unknown_user, unknown_item: Held-out rows left out, the former first.
        popularity: Place of each of the table's items in the catalogue, -1 where it is not there.
    """

    train: Mask
    known: Mask
    unknown_user: int
    unknown_item: int
    popularity: npt.NDArray[np.int64]


def known_rows(table: UserTable, train: Mask, catalogue: pa.Array) -> Known:
    """Leaves out held-out rows whose user or item training does not know (rule 4)."""
    popularity = places_in(table.items, catalogue)
    user_known = np.bincount(table.user[train], minlength=len(table.users))[table.user] > 0
    item_known = (popularity >= 0)[table.item]
    unknown_user = int(np.count_nonzero(~train & ~user_known))
    unknown_item = int(np.count_nonzero(~train & user_known & ~item_known))
    return Known(train, train | (user_known & item_known), unknown_user, unknown_item, popularity)


def held_out_hashes(table: UserTable, known: Known, seed: int) -> npt.NDArray[np.uint64]:
    """The hash of each user with known held-out rows; the smaller half of all of them is validation.

    The users are halved here, before rule 5 drops those with too few positive rows from every set.
    """
    users = np.unique(table.user[known.known & ~known.train])
    return hash_ids(table.users.take(pa.array(users)), split_key(seed))


def split_rows(table: UserTable, known: Known, config: FeedbackConfig, cut: int | None) -> Splits:
    """The split of each row (rules 4 and 5); of the rows in `known.known` alone it means something.

    Args:
        table: The rows.
        known: Which of them are training rows.
        config: The rule.
        cut: For "global_time": users whose hash is below are validation.
    """
    splits = np.zeros(len(table), np.int8)
    if config.split == "column" and table.split is not None:
        splits = table.split
    elif config.split == "leave_one_out":
        splits[_rows_after(table) == 1] = VALIDATION
        splits[_rows_after(table) == 0] = TEST
    elif cut is not None:
        is_validation = hash_ids(table.users, split_key(config.split_seed)) < np.uint64(cut)
        splits = np.where(known.train, TRAIN, np.where(is_validation, VALIDATION, TEST)[table.user]).astype(np.int8)
    return splits


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Where liked and disliked part (rule 3): of all rows alike, or one a row.

    Attributes:
        threshold: Values from it on are positive.
        below: The largest training value below it; the threshold itself where there is none.
    """

    threshold: float | Floats
    below: float | Floats

    def positives(self, table: UserTable) -> Mask:
        """Which rows are positive."""
        positive: Mask = table.value >= self.threshold
        return positive

    def margins(self, table: UserTable) -> Floats:
        """Distance of each row's value from the middle between threshold and what is below it."""
        distances: Floats = np.abs(table.value - (self.threshold + self.below) / 2)
        return distances


def boundary(table: UserTable, train: Mask, threshold: float | None, below: float | None) -> Boundary:
    """The boundary at `threshold`; without one, at the median of each user's own training rows.

    Args:
        table: The rows.
        train: Which of them are training rows.
        threshold: Of all rows, or None.
        below: The largest training value below that threshold; None where there is none.
    """
    if threshold is not None:
        return Boundary(threshold, threshold if below is None else below)
    medians, lower = user_medians(table, train)
    return Boundary(medians[table.user], lower[table.user])


def recent(table: UserTable, time: int | None, days: float, ticks_a_day: int) -> Mask:
    """Which rows lie in the last days before the held-out time."""
    if time is None:
        return np.zeros(len(table), bool)
    return (table.time < time) & (table.time >= time - int(days * ticks_a_day))


def largest_below(values: Floats, threshold: float) -> list[float]:
    """The largest of the values below `threshold`, alone in a list; nothing where there is none."""
    lower = values[values < threshold]
    return [float(lower.max())] if len(lower) else []


def user_medians(table: UserTable, train: Mask) -> tuple[Floats, Floats]:
    """Median of each user's training values, and the largest of them below it.

    Users without any training row have infinity for both, those with none below the median have the median twice.
    """
    user, value = table.user[train], table.value[train]
    value = value[np.lexsort((value, user))]
    counts = np.bincount(user, minlength=len(table.users))
    starts = np.cumsum(counts) - counts
    medians = np.full(len(table.users), np.inf)
    some = counts > 0
    low, high = value[(starts + (counts - 1) // 2)[some]], value[(starts + counts // 2)[some]]
    # As numpy.median has it: half the sum.
    medians[some] = (low + high) / 2
    lower = medians.copy()
    # Users rise, so that they stand beside the sorted values as they stood beside the unsorted.
    below = np.bincount(user[value < medians[user]], minlength=len(table.users))
    some = below > 0
    lower[some] = value[(starts + below - 1)[some]]
    return medians, lower


@dataclasses.dataclass(frozen=True)
class Targets:
    """Which rows an example asks for, of one split.

    Attributes:
        rows: Places of the targets in the table; rises.
        history: Rows that may stand in their histories, if they come before.
    """

    rows: npt.NDArray[np.int64]
    history: Mask


@dataclasses.dataclass(frozen=True)
class Selection:
    """What becomes of the known rows.

    Attributes:
        train: Rows in training examples.
        targets: Of validation and test, by split.
        few_positives, few_heldout_positives, no_positive_target: Rows in no example, by reason.
        used: Rows in at least one example.
        heldout_users: Users with held-out rows.
        heldout_users_enough: Those of them with enough positive training rows.
    """

    train: Mask
    targets: dict[int, Targets]
    used: Mask
    few_positives: int
    few_heldout_positives: int
    no_positive_target: int
    heldout_users: int
    heldout_users_enough: int


def select(table: UserTable, known: Known, splits: Splits, positive: Mask, config: FeedbackConfig) -> Selection:
    """Chooses users and targets (rules 5 and 6).

    A target of a split is one of its rows. Its history are the known rows before it, in the user's order, of its own
    split and of those before (train, validation, test). Validation has positive targets only, unless both are wanted.
    """
    users = len(table.users)
    train_positives = np.bincount(table.user[known.train & positive], minlength=users)
    enough = (train_positives >= config.min_positives)[table.user]
    train = known.train & enough
    used, few_heldout = train.copy(), np.zeros(len(table), bool)
    targets: dict[int, Targets] = {}
    for split in (VALIDATION, TEST):
        here = known.known & (splits == split)
        heldout_positives = np.bincount(table.user[here & positive], minlength=users)
        eligible = here & enough & (heldout_positives >= config.min_heldout_positives)[table.user]
        few_heldout |= here & enough & ~eligible
        rows = np.flatnonzero(eligible)
        if config.targets == "last":
            rows = rows[_is_last(table.user[rows])]
        if split == VALIDATION and config.validation_targets == "positive":
            rows = rows[positive[rows]]
        history = known.known & (splits <= split)
        targets[split] = Targets(rows, history)
        last_target = np.full(users, -1, np.int64)
        last_target[table.user[rows]] = rows
        used |= history & ~known.train & (np.arange(len(table)) <= last_target[table.user])
    left = known.known & ~used
    heldout_users = np.unique(table.user[known.known & ~known.train])
    return Selection(
        train,
        targets,
        used,
        int(np.count_nonzero(left & ~enough)),
        int(np.count_nonzero(left & few_heldout)),
        int(np.count_nonzero(left & enough & ~few_heldout)),
        len(heldout_users),
        int(np.count_nonzero(train_positives[heldout_users] >= config.min_positives)),
    )


def seen_before(table: UserTable, targets: Targets) -> int:
    """Number of targets whose item is in their history already."""
    rows = np.flatnonzero(targets.history)
    pair = table.user[rows].astype(np.int64) * len(table.items) + table.item[rows]
    repeated = pd.Series(pair).duplicated().to_numpy()
    return int(np.count_nonzero(repeated[np.searchsorted(rows, targets.rows)]))


def _is_last(users: npt.NDArray[Any]) -> Mask:
    """True at the last of each run of equal users."""
    return np.append(users[1:] != users[:-1], True) if len(users) else np.zeros(0, bool)


def popularity_bounds(size: int) -> list[int]:
    """Number of items in the first popularity bucket, the first two and so on: shares of `size` items, rounded up."""
    # Rounding first keeps 0.1 * 70 = 7.000000000000001 from becoming 8.
    return [int(np.ceil(np.round(share * size, 6))) for _, share in schema.POPULARITY_BUCKETS]
