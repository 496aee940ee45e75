"""The measures of a ranking (spec, section 6): what a rank is worth, the metrics made of it, and which way is better.

A metric is a measure of a group of targets: `ndcg_p` is the mean NDCG of the liked ones, `ndcg_n` that of the disliked
ones, `ndcg_delta` the difference p - n. Others look at the lists of all (`pnfrec_core.lists`). Validation (Keras), the
gate (TFMA), studies and the tests all use these definitions; a further measure is one more line of `_GAINS`. Needs
numpy only.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pnfrec_core import lists

_Floats = npt.NDArray[np.float64]

# Gain of each rank, from 1.
_GAINS: Final[Mapping[str, Callable[[_Floats], _Floats]]] = {
    "hr": np.ones_like,
    "ndcg": lambda ranks: 1.0 / np.log2(ranks + 1.0),  # one relevant item: the ideal list is worth 1
    "mrr": lambda ranks: 1.0 / ranks,
}
MEASURES: Final[tuple[str, ...]] = tuple(_GAINS)

# Groups of targets: the liked ones, and the disliked ones, whose hits are false positives.
POSITIVE_GROUP: Final = "p"
NEGATIVE_GROUP: Final = "n"
# Group to the value of `target_is_positive` in it.
GROUPS: Final[Mapping[str, int]] = {POSITIVE_GROUP: 1, NEGATIVE_GROUP: 0}
# Takes the place of the group in the name of a difference p - n.
DELTA: Final = "delta"
COVERAGE: Final = lists.COVERAGE

METRICS: Final[tuple[str, ...]] = (
    *(f"{measure}_{suffix}" for measure in MEASURES for suffix in (*GROUPS, DELTA)),
    *lists.LIST_METRICS,
)


def gain_table(measure: str, k: int) -> _Floats:
    """Gain of each rank from 0 to `k` of a target in a list of `k` items.

    Rank 0 is every miss: a target that is beyond the list, already seen, or unknown. HR@k is 1 on a hit, NDCG@k
    is 1 / log2(rank + 1) since there is one relevant item, MRR@k is 1 / rank.

    Args:
        measure: One of `MEASURES`.
        k: Length of the list.

    Returns:
        Gains of shape (k + 1,).

    Raises:
        ValueError: `measure` is unknown or `k` below 1.

    >>> gain_table("ndcg", 3).round(4).tolist()
    [0.0, 1.0, 0.6309, 0.5]
    """
    if k < 1:
        msg = f"`k` must be at least 1. Received: {k}."
        raise ValueError(msg)
    if measure not in _GAINS:
        msg = f"`measure` must be one of {', '.join(MEASURES)}. Received: {measure!r}."
        raise ValueError(msg)
    return np.concatenate([[0.0], _GAINS[measure](np.arange(1, k + 1, dtype=np.float64))])


def gains(rank: npt.ArrayLike, measure: str, k: int) -> _Floats:
    """Gains of an array of ranks; a rank of 0 or above `k` is a miss.

    >>> gains([1, 2, 0, 11], "mrr", 10).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    ranks = np.asarray(rank, dtype=np.int64)
    return np.take(gain_table(measure, k), np.where((ranks >= 1) & (ranks <= k), ranks, 0))


def hit(rank: npt.ArrayLike, k: int) -> _Floats:
    """HR@k of each rank.

    >>> hit([1, 10, 11, 0], k=10).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    return gains(rank, "hr", k)


def ndcg(rank: npt.ArrayLike, k: int) -> _Floats:
    """NDCG@k of each rank.

    >>> ndcg([1, 10, 11, 0], k=10).round(4).tolist()
    [1.0, 0.2891, 0.0, 0.0]
    """
    return gains(rank, "ndcg", k)


def mrr(rank: npt.ArrayLike, k: int) -> _Floats:
    """MRR@k of each rank.

    >>> mrr([1, 10, 11, 0], k=10).tolist()
    [1.0, 0.1, 0.0, 0.0]
    """
    return gains(rank, "mrr", k)


def group_means(rank: npt.ArrayLike, is_positive: npt.NDArray[Any], k: int) -> dict[str, float]:
    """Every metric but those of the lists: the mean gain of each group, a miss counts 0, and the differences p - n.

    Args:
        rank: Of each target, shape (T,); 0 or above `k` is a miss.
        is_positive: 1 for a liked target, 0 for a disliked one, shape (T,).
        k: Length of the list.

    Returns:
        Metric to value; NaN for a group without targets, since no data is not a score of 0.

    >>> group_means([1, 2, 0], np.array([1, 0, 0]), 10)["hr_delta"]
    0.5
    """
    means: dict[str, float] = {}
    for measure in MEASURES:
        gain = gains(rank, measure, k)
        for group, value in GROUPS.items():
            chosen = gain[is_positive == value]
            means[f"{measure}_{group}"] = float(chosen.mean()) if len(chosen) else math.nan
        means[f"{measure}_{DELTA}"] = means[f"{measure}_{POSITIVE_GROUP}"] - means[f"{measure}_{NEGATIVE_GROUP}"]
    return means


def mean_of_counts(counts: npt.NDArray[np.int64], measure: str) -> float:
    """The mean gain of one group of which only the number of targets at each rank is known.

    Args:
        counts: Targets at rank 0 (misses) to k, shape (k + 1,).
        measure: One of `MEASURES`.

    Returns:
        The mean; NaN without a target.

    >>> mean_of_counts(np.array([3, 0, 1]), "mrr")
    0.125
    """
    total = int(counts.sum())
    return float(counts @ gain_table(measure, len(counts) - 1)) / total if total else math.nan


def split_metric(metric: str) -> tuple[str, str]:
    """Measure and group of a metric's name; the group of a metric of the lists is "".

    >>> split_metric("ndcg_delta"), split_metric("coverage")
    (('ndcg', 'delta'), ('coverage', ''))
    """
    if metric in lists.LIST_METRICS:
        return metric, ""
    measure, _, group = metric.rpartition("_")
    return (measure, group) if measure else (metric, "")


def groups_of(metric: str) -> tuple[str, ...]:
    """The groups whose targets `metric` looks at: one, or both."""
    if metric in lists.TARGET_SHARES:
        return (POSITIVE_GROUP,)
    group = split_metric(metric)[1]
    return (group,) if group in GROUPS else tuple(GROUPS)


def higher_is_better(metric: str) -> bool:
    """True unless `metric` is of disliked targets alone (false positives), or says how narrow the lists are."""
    if metric in lists.LIST_METRICS:
        return lists.higher_is_better(metric)
    return split_metric(metric)[1] != NEGATIVE_GROUP


def value_range(metric: str) -> tuple[float, float]:
    """The least and the greatest value that `metric` can take."""
    if metric in lists.LIST_METRICS:
        return lists.value_range(metric)
    return (-1.0, 1.0) if split_metric(metric)[1] == DELTA else (0.0, 1.0)
