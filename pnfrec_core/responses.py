"""What a dislike does to a list: how far it moves items that are like what was disliked (docs/reference/metrics.md).

A rank counts by its logarithm, as the discount of NDCG does: from 5 to 10 is as far as from 500 to 1,000. What a push
tells apart from mere unrest are control items that stood as high. Needs numpy only.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Which items are like a disliked one: the nearest by the model's own item vectors, those that the same people liked,
# those of the same group.
NEAR: Final = "near"
COLIKED: Final = "coliked"
GROUP: Final = "group"
KINDS: Final = (NEAR, COLIKED, GROUP)


def of_kind(kind: str) -> str:
    """The measure of a kind of relatives.

    >>> of_kind(NEAR)
    'response_near'
    """
    return f"response_{kind}"


# Mean push of each kind, less that of its controls; the push of the controls of the nearest; and the share of the lists
# that hold the very nearest item, before the dislike and after it.
RANDOM: Final = "response_random"
COPY_BEFORE: Final = "copy_before"
COPY_AFTER: Final = "copy_after"
MEASURES: Final = (*map(of_kind, KINDS), RANDOM, COPY_BEFORE, COPY_AFTER)


def higher_is_better(measure: str) -> bool:
    """Which way one of `MEASURES` is better: what is like a disliked item goes down, and everything else stays."""
    return measure not in (RANDOM, COPY_BEFORE, COPY_AFTER)


def mean(values: npt.ArrayLike) -> float:
    """The mean over the targets that have a value; NaN where none has one.

    >>> mean([1.0, float("nan"), 0.0])
    0.5
    """
    found = np.asarray(values, np.float64)
    known = np.isfinite(found)
    return float(found[known].mean()) if known.any() else math.nan


def ranks_of(scores: npt.NDArray[Any]) -> Integers:
    """The rank of each item, 1 is best, equal scores in the order of the catalogue; 0 for -inf. Shape (N + 1,).

    >>> ranks_of(np.array([-np.inf, 2.0, 3.0, -np.inf, 2.0])).tolist()
    [0, 2, 1, 0, 3]
    """
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(scores), np.int64)
    ranks[order] = np.arange(1, len(scores) + 1)
    return np.where(np.isneginf(scores), 0, ranks)


def push(before: Integers, after: Integers) -> Floats:
    """How often ranks have doubled, log2(after / before): above 0 is down the list.

    >>> push(np.array([5, 8]), np.array([10, 4])).tolist()
    [1.0, -1.0]
    """
    return np.log2(after / before)


def controls(before: Integers, related: Integers, draws: Floats) -> Integers:
    """For each related item one that is not, and that stood next to it: the first above or the first below, by chance.

    Drawn from the whole catalogue, or evenly from some ranks around, controls would stand deeper than what they are
    held against, and mere unrest would look like a response: what is near the top can only fall.

    Args:
        before: Rank of each item of the catalogue before the dislike, (N + 1,); 0 for those that are not ranked.
        related: Items, all of them ranked, (R,).
        draws: A number from 0 to 1 (exclusive) for each, (R,): below 1/2 takes the item above, if there is one.

    Returns:
        Items, (R,); none where no other item is ranked.

    >>> ranks = np.array([0, 1, 2, 3, 4, 5])
    >>> controls(ranks, np.array([1, 4]), np.array([0.0, 0.99])).tolist()
    [2, 5]
    """
    others = np.setdiff1d(np.flatnonzero(before), related)
    others = others[np.argsort(before[others], kind="stable")]
    if not len(others):
        return np.zeros(0, np.int64)
    above = np.searchsorted(before[others], before[related])
    drawn: Integers = others[np.clip(above - (draws < 0.5), 0, len(others) - 1)]
    return drawn
