"""Which users and rows examples are made of (rules 5 and 6): training rows, and targets with their histories."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.feedback.config import FeedbackConfig
from components.feedback.rules.caps import first_of_users, newest_of_users
from components.feedback.rules.filters import Known
from components.feedback.rules.splits import TEST, VALIDATION, Splits
from components.feedback.rules.table import UserTable
from pnfrec_columns.arrays import Mask


@dataclasses.dataclass(frozen=True)
class Targets:
    """Which rows an example asks for, of one split.

    Attributes:
        rows: Places of the targets in the table; rises.
        history: Rows that may stand in their histories, if they come before.
        most: How many of these do, the newest ones; 0 for all.
    """

    rows: npt.NDArray[np.int64]
    history: Mask
    most: int


@dataclasses.dataclass(frozen=True)
class Selection:
    """What becomes of the known rows.

    Attributes:
        train: Rows in training examples.
        targets: Of validation and test, by split.
        few_positives, few_heldout_positives, no_positive_target, capped: Rows in no example, by reason.
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
    capped: int
    heldout_users: int
    heldout_users_enough: int


def select(table: UserTable, known: Known, splits: Splits, positive: Mask, config: FeedbackConfig) -> Selection:
    """Chooses users and targets (rules 5 and 6).

    A target of a split is one of its rows. Its history are the known rows before it, in the user's order, of its own
    split and of those before (train, validation, test). Validation has positive targets only, unless both are wanted.
    Of users with very many of either the caps leave some out.
    """
    users = len(table.users)
    train_positives = np.bincount(table.user[known.train & positive], minlength=users)
    enough = (train_positives >= config.min_positives)[table.user]
    eligible_train = known.train & enough
    train = eligible_train.copy()
    train[eligible_train] = newest_of_users(table.user[eligible_train], config.caps.history)
    used, uncapped, few_heldout = train.copy(), eligible_train, np.zeros(len(table), bool)
    targets: dict[int, Targets] = {}
    for split in (VALIDATION, TEST):
        here = known.known & (splits == split)
        heldout_positives = np.bincount(table.user[here & positive], minlength=users)
        eligible = here & enough & (heldout_positives >= config.min_heldout_positives)[table.user]
        few_heldout |= here & enough & ~eligible
        rows = np.flatnonzero(eligible)
        if config.targets == "last":
            rows = rows[is_last(table.user[rows])]
        if split == VALIDATION and config.validation_targets == "positive":
            rows = rows[positive[rows]]
        history = known.known & (splits <= split)
        uncapped = uncapped | in_examples(table, rows, history, 0) & ~known.train
        if config.targets == "successive":
            rows = rows[first_of_users(table.user[rows], config.caps.targets)]
        targets[split] = Targets(rows, history, config.caps.history)
        used |= in_examples(table, rows, history, config.caps.history) & ~known.train
    capped = uncapped & ~used
    left = known.known & ~used & ~capped
    heldout_users = np.unique(table.user[known.known & ~known.train])
    return Selection(
        train,
        targets,
        used,
        int(np.count_nonzero(left & ~enough)),
        int(np.count_nonzero(left & few_heldout)),
        int(np.count_nonzero(left & enough & ~few_heldout)),
        int(np.count_nonzero(capped)),
        len(heldout_users),
        int(np.count_nonzero(train_positives[heldout_users] >= config.min_positives)),
    )


def seen_before(table: UserTable, targets: Targets) -> int:
    """Number of targets whose item is in their history already."""
    rows = np.flatnonzero(targets.history)
    pair = table.user[rows].astype(np.int64) * len(table.items) + table.item[rows]
    place = pd.Series(np.arange(len(rows)))
    # Since the row of the same user and item before it; NaN for the first, which nothing is near to.
    since = place.groupby(pair).diff().to_numpy()[np.searchsorted(rows, targets.rows)]
    return int(np.count_nonzero(since <= (targets.most or len(rows))))


def in_examples(table: UserTable, rows: npt.NDArray[np.int64], history: Mask, most: int) -> Mask:
    """Which rows are a target, or in the history of one, of which the newest `most` count; all with 0."""
    if not len(rows):
        return np.zeros(len(table), bool)
    number = np.cumsum(history)  # all targets are rows of the history
    place = np.searchsorted(rows, np.arange(len(table)))
    following = rows[np.minimum(place, len(rows) - 1)]  # the next target, if there is one
    is_before = (place < len(rows)) & (table.user[following] == table.user)
    is_near = number[following] - number <= most if most else np.ones(len(table), bool)
    return np.asarray(history & is_before & is_near)


def is_last(users: npt.NDArray[Any]) -> Mask:
    """True at the last of each run of equal users."""
    return np.append(users[1:] != users[:-1], True) if len(users) else np.zeros(0, bool)
