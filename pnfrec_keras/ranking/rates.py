"""How often items are liked, and how often of late, as logarithms that scores can be shifted by. Needs numpy only.

r(i) is the share of the item's training interactions that are positive, drawn towards the share of all items by
`PRIOR` interactions: what everybody thinks of the item. r is that share of all items.

Recency adds `recency * log t(i)` to the scores. The network learns how often items were chosen over the whole time of
training; t(i), the share of the item's likes that fell into its last days, drawn in the same way, turns that into how
often they are chosen now (a shift of the prior, where a weight of 1 is Bayes' rule).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

# Interactions that an item's rates count beside its own, at the rate of all items.
PRIOR = 10.0


def log_like_rate(counts: npt.ArrayLike, positive_counts: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The logarithm of r for each item, float32 (items + 1,); column 0, the padding, is 0.

    Args:
        counts: (items,), training interactions of each item.
        positive_counts: (items,), the positive ones among them.
    """
    return _log_rate(positive_counts, counts)


def log_recency(positive_counts: npt.ArrayLike, recent_positive_counts: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The logarithm of t for each item, float32 (items + 1,); column 0, the padding, is 0.

    Args:
        positive_counts: (items,), positive training interactions of each item.
        recent_positive_counts: (items,), those of the last days among them.
    """
    return _log_rate(recent_positive_counts, positive_counts)


def log_popularity(popularity: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """What stands for the positive encoder's scores where it has nothing to read: log(1 + positive interactions)."""
    return np.log1p(np.asarray(popularity, np.float64)).astype(np.float32)


def overall(counts: npt.ArrayLike, among: npt.ArrayLike) -> float:
    """The share of all items together.

    It is never 0 or 1, so that logarithms are finite even where nobody likes anything, or everybody everything.
    """
    return float((np.sum(counts) + 0.5) / (np.sum(among) + 1.0))


def logit(rate: Any) -> Any:
    """The logarithm of the odds of a rate between 0 and 1."""
    return np.log(rate) - np.log1p(-rate)


def _log_rate(counts: npt.ArrayLike, among: npt.ArrayLike) -> npt.NDArray[np.float32]:
    some, every = np.asarray(counts, np.float64), np.asarray(among, np.float64)
    rate = np.log((some + PRIOR * overall(some, every)) / (every + PRIOR))
    padded: npt.NDArray[np.float32] = np.concatenate([[0.0], rate]).astype(np.float32)
    return padded
