"""Where liked and disliked part (rule 3): the threshold, and how far a value lies from it.

`feedback.positive` names a number, a column that says the polarity, each user's own median, or the median of the
training rows of all users. The last one needs all shards: `quantiles.SelectRanks` finds the values at `middle_ranks`,
and `median_of` makes the threshold of them, as numpy.median would.
"""

import dataclasses

import numpy as np

from components.feedback.rules.table import UserTable
from pnfrec_columns.arrays import Floats, Mask


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


def make_boundary(table: UserTable, train: Mask, threshold: float | None, below: float | None) -> Boundary:
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


def fixed_threshold(positive: float | str) -> float | None:
    """The threshold that `feedback.positive` fixes before any row is read; None where it depends on the rows."""
    if positive == "column":
        # The column was read as 1.0 and 0.0.
        return 0.5
    return None if isinstance(positive, str) else float(positive)


def middle_ranks(count: int) -> list[int]:
    """The ranks among `count` values whose mean is the median.

    >>> middle_ranks(5), middle_ranks(6)
    ([2, 2], [2, 3])
    """
    return [(count - 1) // 2, count // 2] if count else []


def median_of(low: float, high: float) -> float:
    """The median, of the values at `middle_ranks`."""
    return (low + high) / 2


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


def positive_rule(rule: float | str, threshold: float | None) -> str:
    """Which rows are positive, in words."""
    if rule == "column":
        return "what the polarity column says"
    if rule == "events":
        return "what the event of a row says"
    if rule == "user_median":
        return "value >= the user's own median"
    return f"value >= {threshold:.12g}" + (", the median of the training rows" if rule == "median" else "")
