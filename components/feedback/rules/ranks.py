"""Which ranks among the keys of all shards a rule has to know."""

from collections.abc import Callable

# From how many keys there are to the ranks that are needed, from 0. It has to be picklable.
RankRule = Callable[[int], list[int]]


def nearest_rank(quantile: float, count: int) -> list[int]:
    """The rank that `numpy.quantile(method="nearest")` takes: halves go to the even rank.

    >>> nearest_rank(0.9, 1001), nearest_rank(0.5, 4), nearest_rank(0.9, 0)
    ([900], [2], [])
    """
    return [round((count - 1) * quantile)] if count else []


def last_rank(count: int) -> list[int]:
    """The rank of the latest."""
    return [count - 1] if count else []


def half_rank(count: int) -> list[int]:
    """The rank below which the smaller half lies."""
    return [count // 2] if count else []
