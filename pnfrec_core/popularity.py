"""How popular the items of a catalogue are: their shares of the training interactions, and the buckets made of these.

The items of a vocabulary stand in the order of their training interactions, the most frequent first, so that an item's
index, from 1, says which bucket it is in. Needs numpy only.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pnfrec_core import schema

# Head, middle and tail, in this order: the numbers of `bucket_of` are places in it.
BUCKETS: Final[tuple[str, ...]] = (*(name for name, _ in schema.POPULARITY_BUCKETS), schema.POPULARITY_OVERFLOW)

# Interactions that each item has beside its own, as in a trend, so that one that was never chosen has a logarithm.
UNSEEN: Final = 0.5


def log_shares(counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The natural logarithm of each item's share of the training interactions.

    The share of an item with c of the C interactions with N items is (c + 0.5) / (C + 0.5 N), so that it is above 0
    for every item and all shares add up to 1.

    Args:
        counts: Training interactions of each item, shape (N,).

    Returns:
        Logarithms of shape (N,).

    >>> np.exp(log_shares([2, 1, 0])).round(4).tolist()
    [0.5556, 0.3333, 0.1111]
    """
    every = np.asarray(counts, np.float64) + UNSEEN
    shares: npt.NDArray[np.float64] = np.log(every / every.sum())
    return shares


def bucket_bounds(size: int) -> list[int]:
    """Number of items in the first bucket, the first two and so on: shares of `size` items, rounded up.

    >>> bucket_bounds(70), bucket_bounds(11)
    ([7, 35], [2, 6])
    """
    # Rounding first keeps 0.1 * 70 = 7.000000000000001 from becoming 8.
    return [int(np.ceil(np.round(share * size, 6))) for _, share in schema.POPULARITY_BUCKETS]


def bucket_of(items: npt.ArrayLike, size: int) -> npt.NDArray[np.int64]:
    """The bucket of each item, as its place in `BUCKETS`; -1 for the padding.

    Args:
        items: Indices from 1 in the order of popularity, of any shape; 0 is padding or an unknown item.
        size: How many items the catalogue has.

    >>> bucket_of([0, 1, 2, 5, 6, 10], 10).tolist()
    [-1, 0, 1, 1, 2, 2]
    """
    index = np.asarray(items, np.int64)
    found = np.searchsorted(bucket_bounds(size), index - 1, side="right")
    return np.where(index > 0, found, -1).astype(np.int64)
