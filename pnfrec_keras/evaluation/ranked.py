"""What a recommender did with examples, and the measures of it. Needs numpy only."""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core import diversity, lists, measures, popularity
from pnfrec_keras.config import TrainingConfig


@dataclasses.dataclass(frozen=True)
class Ranked:
    """What a recommender did with T examples.

    Attributes:
        rank: int64 (T,): 1 is best; 0 where the target is unknown, seen, not listed, or has no finite score.
        top: int32 (T, k): the best items, 0 where there are fewer.
        is_positive: int32 (T,), the group of each target.
        num_items: Size of the catalogue; 0 where nobody told it.
        target: int32 (T,): index of each target, 0 if it is unknown; None where nobody needs it.
    """

    rank: npt.NDArray[np.int64]
    top: npt.NDArray[np.int32]
    is_positive: npt.NDArray[np.int32]
    num_items: int
    target: npt.NDArray[np.int32] | None = None


def measure(
    ranked: Ranked,
    k: int = TrainingConfig.k,
    counts: npt.ArrayLike | None = None,
    groups: npt.NDArray[np.integer[Any]] | None = None,
) -> dict[str, float]:
    """HR, NDCG and MRR at `k` of each group, their differences, and the measures of the lists (spec, section 6).

    Args:
        ranked: What was done with the examples.
        k: Length of the list.
        counts: Training interactions of each item of the catalogue, (num_items,), in the order of popularity
            (`Vocabulary.counts`), which novelty needs.
        groups: The group of each item as a number, (num_items + 1,), which diversity needs; 0 is none, as is that of
            padding, item 0 (`Vocabulary.group_numbers`).

    Returns:
        Each of `measures.METRICS`. The measures of a group without examples are NaN, as is what would need `counts`,
        `groups`, the targets of `ranked` or the size of the catalogue where nobody told them.

    >>> ranked = Ranked(np.array([1, 4, 0, 2]), np.array([[3], [1], [3], [2]]), np.array([1, 1, 0, 0]), num_items=6)
    >>> found = measure(ranked)
    >>> found["mrr_p"], found["mrr_n"], found["mrr_delta"], found["coverage"]
    (0.625, 0.25, 0.375, 0.5)
    """
    found = measures.group_means(ranked.rank, ranked.is_positive, k)
    if not ranked.num_items:
        return found | dict.fromkeys(lists.LIST_METRICS, math.nan)
    bits = None if counts is None else lists.information(counts)
    targets = None
    if ranked.target is not None:
        buckets = popularity.bucket_of(ranked.target, ranked.num_items)
        targets = lists.targets_in_buckets(buckets, ranked.is_positive)
    top = ranked.top[:, :k]
    pairs = None if groups is None else diversity.count_pairs(groups[top], k)
    return found | lists.list_metrics(lists.exposure_of(top, ranked.num_items), bits, targets, pairs)
