"""How far the lists of two models agree, for the same histories."""

from typing import Any

import numpy as np

from serving.bulk.histories import Histories, Objects
from serving.bulk.ranking import Lists


def agreement(one: Lists, other: Lists) -> dict[str, float | None]:
    """Measures of two models' lists of the same users, a row each.

    Returns:
        "overlap": the mean share of a list that stands in the other one too, of the longer of the two; two empty lists
        agree. "rank_correlation": the mean over users of Spearman's correlation of the ranks of the items in both,
        where there are two such items; None where no user has any.
    """
    overlaps, correlations = [], []
    for row in range(len(one.counts)):
        first, second = _ranks(one, row), _ranks(other, row)
        common = [item for item in first if item in second]
        longest = max(len(first), len(second))
        overlaps.append(len(common) / longest if longest else 1.0)
        if len(common) > 1:
            correlations.append(_spearman([first[item] for item in common], [second[item] for item in common]))
    return {
        "overlap": float(np.mean(overlaps)) if overlaps else 1.0,
        "rank_correlation": float(np.mean(correlations)) if correlations else None,
    }


def account(lists: Lists, histories: Histories, catalogue: dict[bytes, int], bounds: list[int]) -> dict[str, Any]:
    """What one model did.

    Args:
        lists: Its lists.
        histories: The users.
        catalogue: Item id to its place in the order of popularity, from 0.
        bounds: How many items the first popularity bucket has, the first two, and so on.
    """
    items = sum(map(len, histories.merged))
    listed: Objects = lists.items[np.arange(lists.items.shape[1])[np.newaxis, :] < lists.counts[:, np.newaxis]]
    buckets = np.searchsorted(bounds, [catalogue[item] for item in listed], side="right")
    shares = np.bincount(buckets, minlength=len(bounds) + 1) / max(len(listed), 1)
    return {
        "listed": len(set(listed)),
        "fallback": float(lists.fallback.mean()),
        "empty": float((lists.counts == 0).mean()),
        "unknown_items": 1.0 - int(lists.known.sum()) / items if items else 0.0,
        "popularity": [float(share) for share in shares],
    }


def _ranks(lists: Lists, row: int) -> dict[Any, int]:
    return {item: rank for rank, item in enumerate(lists.items[row][: lists.counts[row]])}


def _spearman(one: list[int], other: list[int]) -> float:
    """Of ranks without ties: Pearson's correlation of the order of either."""
    first, second = np.argsort(np.argsort(one)), np.argsort(np.argsort(other))
    return float(np.corrcoef(first, second)[0, 1])
