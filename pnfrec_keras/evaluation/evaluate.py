"""Evaluates any recommender in numpy: the plain definition, for baselines, studies and as the oracle of the fast paths.

    measures = evaluate(lambda batch: my_scores(batch.positive), arrays, k=10)

A recommender is a function that scores the whole catalogue for a batch of examples. Ranks, ties, seen items and
measures are those of `schema` and `measures`.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures
from pnfrec_keras.examples.arrays import EvaluationArrays, IntArray, pad
from pnfrec_keras.network.model import POSITIVE, PNFRec

Floats = npt.NDArray[np.floating[Any]]
# (examples) to (T, num_items + 1); column 0 is padding and is never looked at.
Recommender = Callable[[EvaluationArrays], Floats]

_BATCH = 512


@dataclasses.dataclass(frozen=True)
class Ranked:
    """What a recommender did with T examples.

    Attributes:
        rank: int64 (T,): 1 is best; 0 where the target is unknown, seen, or has no finite score.
        top: int32 (T, k): the best items, 0 where there are fewer.
        is_positive: int32 (T,), the group of each target.
        num_items: Size of the catalogue.
    """

    rank: npt.NDArray[np.int64]
    top: IntArray
    is_positive: IntArray
    num_items: int


def rank_all(recommender: Recommender, arrays: EvaluationArrays, k: int = 10, batch: int = _BATCH) -> Ranked:
    """Ranks the target of every example in the whole catalogue, seen items filtered.

    Raises:
        ValueError: There is no example, or the scores have another shape than (examples, num_items + 1).
    """
    if not len(arrays):
        msg = "There is no example to evaluate."
        raise ValueError(msg)
    ranks, tops, width = [], [], None
    for part in _batches(arrays, batch):
        scores = np.array(recommender(part))
        if not np.issubdtype(scores.dtype, np.floating):
            scores = scores.astype(np.float64)
        width = width or scores.shape[-1]
        if scores.shape != (len(part), width):
            msg = f"Scores must have the shape ({len(part)}, num_items + 1). Received: {scores.shape}."
            raise ValueError(msg)
        scores[:, 0] = -np.inf
        for row, seen in zip(scores, part.seen, strict=True):
            row[seen] = -np.inf
        ranks.append(_rank(scores, part.target))
        tops.append(_top(scores, k))
    return Ranked(np.concatenate(ranks), np.concatenate(tops), arrays.is_positive, int(width or 1) - 1)


def measure(ranked: Ranked, k: int = 10) -> dict[str, float]:
    """HR, NDCG and MRR at `k` of each group, their differences, and the coverage (spec, section 6).

    The measures of a group without examples are NaN.
    """
    found = measures.group_means(ranked.rank, ranked.is_positive, k)
    listed = np.unique(ranked.top[:, :k])
    found[measures.COVERAGE] = int(np.count_nonzero(listed)) / ranked.num_items
    return found


def evaluate(recommender: Recommender, arrays: EvaluationArrays, k: int = 10) -> dict[str, float]:
    """`measure` of `rank_all`."""
    return measure(rank_all(recommender, arrays, k), k)


def of_model(model: PNFRec, popularity: Floats) -> Recommender:
    """A trained model as a recommender.

    Args:
        model: The model.
        popularity: (num_items + 1,); `model.fallback` of it ranks histories without a known item.
    """

    def recommend(arrays: EvaluationArrays) -> Floats:
        history = arrays.positive if model.reads == POSITIVE else pad(arrays.seen, model.history_length)
        scores: Floats = np.array(model.scores(history))
        scores[~(history > 0).any(axis=1)] = model.fallback(popularity)
        return scores

    return recommend


def _batches(arrays: EvaluationArrays, size: int) -> Iterator[EvaluationArrays]:
    for begin in range(0, len(arrays), size):
        yield arrays.part(begin, begin + size)


def _rank(scores: Floats, target: IntArray) -> npt.NDArray[np.int64]:
    own = scores[np.arange(len(scores)), target][:, np.newaxis]
    before = np.arange(scores.shape[1]) < target[:, np.newaxis]
    # NaN is neither above nor behind: whatever does not come behind the target counts against it.
    behind = (scores < own) | ((scores == own) & ~before) | np.isneginf(scores)
    rank = 1 + np.count_nonzero(~behind, axis=1)
    return np.where((target > 0) & np.isfinite(own[:, 0]), rank, 0).astype(np.int64)


def _top(scores: Floats, k: int) -> IntArray:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    valid = np.isfinite(np.take_along_axis(scores, order, axis=1))
    top = np.where(valid, order, 0).astype(np.int32)
    return np.pad(top, [(0, 0), (0, k - top.shape[1])])
