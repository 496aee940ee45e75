"""A made-up split rule: all that a new one takes."""

from collections.abc import Sequence

import numpy as np

from components.feedback.rules.splits import TEST, TRAIN, SplitRule, Splits
from components.feedback.rules.table import UserTable
from pnfrec_columns.arrays import Mask


class EveryThird(SplitRule):
    """Every third row of a user is for test; nothing is for validation."""

    name = "every_third"
    summary = "every third row of a user is for test"

    def held_out(self, table: UserTable, times: Sequence[int]) -> Mask:
        del times
        starts = np.searchsorted(table.user, table.user)
        third: Mask = (np.arange(len(table)) - starts) % 3 == 2
        return third

    def split(self, table: UserTable, train: Mask, keys: Sequence[int]) -> Splits:
        del table, keys
        return np.where(train, TRAIN, TEST).astype(np.int8)

    def remedy(self, time: str | None) -> str:
        del time
        return "none is left, which cannot be"
