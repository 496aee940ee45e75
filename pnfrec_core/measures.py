"""What a rank is worth: the one definition of HR, NDCG and MRR (spec, section 6).

Validation (Keras), the gate (TFMA) and the tests all look gains up in `gain_table`. Needs numpy only.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

MEASURES: Final = ("hr", "ndcg", "mrr")


def gain_table(measure: str, k: int) -> npt.NDArray[np.float64]:
    """Gain of each rank from 0 to `k` of a target in a list of `k` items.

    Rank 0 stands for every miss: a target that is beyond the list, already seen, or unknown. HR@k is 1 on a hit, NDCG@k
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
    ranks = np.arange(1, k + 1, dtype=np.float64)
    if measure == "hr":
        gains = np.ones_like(ranks)
    elif measure == "ndcg":
        gains = 1.0 / np.log2(ranks + 1.0)
    elif measure == "mrr":
        gains = 1.0 / ranks
    else:
        msg = f"`measure` must be one of {', '.join(MEASURES)}. Received: {measure!r}."
        raise ValueError(msg)
    return np.concatenate([[0.0], gains])


def gains(rank: npt.ArrayLike, measure: str, k: int) -> npt.NDArray[np.float64]:
    """Gains of an array of ranks; a rank of 0 or above `k` is a miss.

    >>> gains([1, 2, 0, 11], "mrr", 10).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    ranks = np.asarray(rank, dtype=np.int64)
    return np.take(gain_table(measure, k), np.where((ranks >= 1) & (ranks <= k), ranks, 0))


def hit(rank: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """HR@k of each rank.

    >>> hit([1, 10, 11, 0], k=10).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    return gains(rank, "hr", k)


def ndcg(rank: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """NDCG@k of each rank.

    >>> ndcg([1, 10, 11, 0], k=10).round(4).tolist()
    [1.0, 0.2891, 0.0, 0.0]
    """
    return gains(rank, "ndcg", k)


def mrr(rank: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """MRR@k of each rank.

    >>> mrr([1, 10, 11, 0], k=10).tolist()
    [1.0, 0.1, 0.0, 0.0]
    """
    return gains(rank, "mrr", k)
