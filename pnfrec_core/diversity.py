"""How different the items of one list are: the share of its pairs that come from two groups
(docs/reference/metrics.md). Needs numpy only.

A group is what the table of titles gives an item: its category, brand or artist. The counts are whole numbers, so that
no order of adding them up changes a result.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def count_pairs(groups: npt.ArrayLike, k: int) -> Integers:
    """Counts the lists by how many of their items have a group, and the pairs of one group in them, shape (2, k + 1).

    Args:
        groups: The group of each place of each list, (lists, at most k), of any integers; 0 is an item without a group
            or the end of a list.
        k: Length of the list.

    Returns:
        Row 0: how many lists have 0 to k items with a group. Row 1: how many pairs of one group these lists hold in
        all.

    >>> count_pairs([[7, 7, 9], [7, 0, 9], [0, 0, 0]], 3).tolist()
    [[1, 0, 1, 1], [0, 0, 0, 1]]
    """
    found = np.sort(np.asarray(groups, np.int64), axis=1)
    sizes = np.count_nonzero(found, axis=1)
    pairs = np.zeros(len(found), np.int64)
    for apart in range(1, found.shape[1]):
        # In a sorted row the equal ones stand side by side: each pair is met once, by its distance.
        same = (found[:, apart:] == found[:, :-apart]) & (found[:, apart:] != 0)
        pairs += np.count_nonzero(same, axis=1)
    result = np.zeros((2, k + 1), np.int64)
    np.add.at(result[0], sizes, 1)
    np.add.at(result[1], sizes, pairs)
    return result


def diversity(pairs: npt.NDArray[Any] | None) -> float:
    """The mean over the lists of the share of their pairs that come from two groups; of `count_pairs`.

    A list counts where at least two of its items have a group, and only these items are looked at. NaN where no list
    does, or nobody knows the groups.

    >>> diversity(count_pairs([[7, 7, 9, 9], [7, 0, 9, 0], [0, 0, 0, 0]], 4))  # 4 of 6 pairs, and the only pair
    0.8333333333333334
    """
    if pairs is None:
        return math.nan
    lists, same = (row[2:].tolist() for row in pairs)
    if not sum(lists):
        return math.nan
    shares = (each / math.comb(size, 2) for size, each in enumerate(same, start=2))
    return float(1.0 - sum(shares) / sum(lists))
