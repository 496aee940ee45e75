"""The measures of the lists of all users together: how much of the catalogue they hold, how evenly, and how popular it
is (docs/reference/metrics.md).

They look at which items the lists hold and never at the ranks of targets. `pnfrec_keras.evaluation` and the gate use
these definitions. Needs numpy only.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pnfrec_core import diversity, popularity

COVERAGE: Final = "coverage"
GINI: Final = "gini"
NOVELTY: Final = "novelty"
DIVERSITY: Final = "diversity"
MISCALIBRATION: Final = "miscalibration"
# The share of each bucket of popularity in what the lists hold, and in the liked targets.
LIST_SHARES: Final[tuple[str, ...]] = tuple(f"list_{bucket}" for bucket in popularity.BUCKETS)
TARGET_SHARES: Final[tuple[str, ...]] = tuple(f"target_{bucket}" for bucket in popularity.BUCKETS)

LIST_METRICS: Final[tuple[str, ...]] = (
    COVERAGE,
    GINI,
    NOVELTY,
    DIVERSITY,
    MISCALIBRATION,
    *LIST_SHARES,
    *TARGET_SHARES,
)
# What bounds may name: the targets are the data's, and no model changes them.
OF_MODELS: Final[tuple[str, ...]] = LIST_METRICS[: -len(TARGET_SHARES)]

# No share of whole numbers of interactions is as small as 2 to the power of minus this.
_MOST_BITS: Final = 64.0

Integers = npt.NDArray[np.int64]


def exposure_of(items: npt.ArrayLike, size: int) -> Integers:
    """How many times each item stands in the lists, shape (size,).

    Args:
        items: Item indices from 1 of all lists, of any shape; 0 is padding.
        size: How many items the catalogue has.

    >>> exposure_of([[1, 3], [3, 0]], 4).tolist()
    [1, 0, 2, 0]
    """
    return np.bincount(np.asarray(items, np.int64).ravel(), minlength=size + 1)[1:].astype(np.int64)


def information(counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The self-information of each item in bits, -log2 of its share of the training interactions, shape (size,)."""
    return -popularity.log_shares(counts) / math.log(2.0)


def gini(exposure: Integers) -> float:
    """The Gini index of the exposures: 0 where all items stand in as many lists, near 1 where few have everything.

    With the exposures x_1 <= ... <= x_N it is sum_i (2 i - N - 1) x_i / (N sum_i x_i); NaN where the lists are empty.

    >>> gini(np.array([2, 2, 2, 2])), gini(np.array([0, 0, 4, 0]))
    (0.0, 0.75)
    """
    size, total = len(exposure), int(exposure.sum())
    if not total:
        return math.nan
    weights = 2 * np.arange(1, size + 1, dtype=np.int64) - size - 1
    return int(weights @ np.sort(exposure).astype(np.int64)) / (size * total)


def novelty(exposure: Integers, bits: npt.NDArray[np.float64]) -> float:
    """The mean self-information of what the lists hold, in bits; NaN where they are empty.

    Args:
        exposure: Of each item, shape (N,).
        bits: Of each item, as `information` has it, shape (N,).

    >>> novelty(np.array([3, 1]), np.array([1.0, 5.0]))
    2.0
    """
    total = int(exposure.sum())
    return float(exposure @ bits) / total if total else math.nan


def list_metrics(
    exposure: Integers,
    bits: npt.NDArray[np.float64] | None = None,
    targets: Integers | None = None,
    pairs: Integers | None = None,
) -> dict[str, float]:
    """Each of `LIST_METRICS`.

    Args:
        exposure: How many times each item of the catalogue stands in the lists, in the order of popularity, (N,).
        bits: Self-information of each item (`information`), (N,); None where nobody knows it.
        targets: Liked targets in each bucket of popularity, (3,); None where nobody knows them.
        pairs: Of the groups of the listed items (`diversity.count_pairs`); None where nobody knows them.

    Returns:
        Metric to value; NaN where the lists are empty, or what it needs is not known.

    >>> found = list_metrics(np.array([5, 3, 0, 0, 0, 2, 0, 0, 0, 0]), targets=np.array([2, 1, 1]))
    >>> found["coverage"], found["list_head"], found["target_head"], found["miscalibration"]
    (0.3, 0.5, 0.5, 0.05)
    """
    size = len(exposure)
    buckets = popularity.bucket_of(np.arange(1, size + 1), size)
    places = [int(exposure[buckets == place].sum()) for place in range(len(popularity.BUCKETS))]
    listed = _shares(np.array(places), LIST_SHARES)
    wanted = _shares(np.zeros(len(places), np.int64) if targets is None else targets, TARGET_SHARES)
    apart = [abs(own - other) for own, other in zip(listed.values(), wanted.values(), strict=True)]
    return {
        COVERAGE: int(np.count_nonzero(exposure)) / size if size else math.nan,
        GINI: gini(exposure),
        NOVELTY: math.nan if bits is None else novelty(exposure, bits),
        DIVERSITY: diversity.diversity(pairs),
        MISCALIBRATION: round(sum(apart) / 2, 12),  # sums of shares differ in the last digit
        **listed,
        **wanted,
    }


def higher_is_better(metric: str) -> bool:
    """Which way one of `LIST_METRICS` is better: lists that are wide, even, new, diverse and calibrated are."""
    return metric not in (GINI, MISCALIBRATION, LIST_SHARES[0])


def value_range(metric: str) -> tuple[float, float]:
    """The least and the greatest value that one of `LIST_METRICS` can take."""
    return (0.0, _MOST_BITS) if metric == NOVELTY else (0.0, 1.0)


def targets_in_buckets(bucket: npt.ArrayLike, is_positive: npt.NDArray[Any]) -> Integers:
    """Liked targets in each bucket of popularity, (3,).

    Args:
        bucket: Of each target, as `popularity.bucket_of` has it, (T,); an unknown target, -1, is in none.
        is_positive: 1 for a liked target, else 0, (T,).
    """
    found = np.asarray(bucket, np.int64)
    return np.bincount(found[(is_positive == 1) & (found >= 0)], minlength=len(popularity.BUCKETS)).astype(np.int64)


def _shares(counts: Integers, names: tuple[str, ...]) -> Mapping[str, float]:
    total = int(counts.sum())
    return {name: int(count) / total if total else math.nan for name, count in zip(names, counts.tolist(), strict=True)}
