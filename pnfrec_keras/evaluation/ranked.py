"""What a recommender did with examples, and the measures of it. Needs numpy only."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures
from pnfrec_keras.config import TrainingConfig


@dataclasses.dataclass(frozen=True)
class Ranked:
    """What a recommender did with T examples.

    Attributes:
        rank: int64 (T,): 1 is best; 0 where the target is unknown, seen, not listed, or has no finite score.
        top: int32 (T, k): the best items, 0 where there are fewer.
        is_positive: int32 (T,), the group of each target.
        num_items: Size of the catalogue; 0 where nobody told it.
    """

    rank: npt.NDArray[np.int64]
    top: npt.NDArray[np.int32]
    is_positive: npt.NDArray[np.int32]
    num_items: int


def measure(ranked: Ranked, k: int = TrainingConfig.k) -> dict[str, float]:
    """HR, NDCG and MRR at `k` of each group, their differences, and the coverage (spec, section 6).

    The measures of a group without examples are NaN, and so is the coverage of a catalogue that nobody told.

    >>> ranked = Ranked(np.array([1, 4, 0, 2]), np.array([[3], [1], [3], [2]]), np.array([1, 1, 0, 0]), num_items=6)
    >>> found = measure(ranked)
    >>> found["mrr_p"], found["mrr_n"], found["mrr_delta"], found["coverage"]
    (0.625, 0.25, 0.375, 0.5)
    """
    found = measures.group_means(ranked.rank, ranked.is_positive, k)
    listed = int(np.count_nonzero(np.unique(ranked.top[:, :k])))
    found[measures.COVERAGE] = listed / ranked.num_items if ranked.num_items else math.nan
    return found
