"""Evaluates any recommender in numpy: the plain definition, for baselines, studies and as the oracle of the fast paths.

    measures = evaluate(model, arrays)
    measures = evaluate(lambda batch: my_scores(batch.positive), arrays, k=10)

A recommender is a model, or a function that scores the whole catalogue for a batch of examples. Ranks, ties, seen items
and measures are those of `schema` and `measures`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core.whole_numbers import whole_number
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.evaluation.ranked import Ranked, measure
from pnfrec_keras.examples.arrays import EvaluationArrays, pad
from pnfrec_keras.examples.batch import POSITIVE
from pnfrec_keras.examples.histories import IntArray
from pnfrec_keras.examples.of_catalogue import check_examples
from pnfrec_keras.network.model import PNFRec

Floats = npt.NDArray[np.floating[Any]]
# (examples) to (T, num_items + 1); column 0 is padding and is never looked at.
Recommender = Callable[[EvaluationArrays], Floats]

_BATCH = 512


def rank_all(
    recommender: Recommender, arrays: EvaluationArrays, k: int = TrainingConfig.k, batch: int = _BATCH
) -> Ranked:
    """Ranks the target of every example in the whole catalogue, seen items filtered.

    Raises:
        ValueError: There is no example, or the scores have another shape than (examples, num_items + 1).
    """
    if not len(arrays):
        msg = "There is no example to evaluate."
        raise ValueError(msg)
    ranks, tops, width = [], [], None
    for part in batches(arrays, batch):
        given = np.array(recommender(part))
        if width is None and given.ndim == 2:
            # The column of padding is easily forgotten, and all would be read one item off.
            check_examples(arrays, given.shape[1] - 1, "the scores have")
        scores = listable(given, part.seen, width)
        width = scores.shape[1]
        ranks.append(_rank(scores, part.target))
        tops.append(_top(scores, k))
    return Ranked(np.concatenate(ranks), np.concatenate(tops), arrays.is_positive, int(width or 1) - 1, arrays.target)


def listable(scores: Floats, seen: Sequence[IntArray], width: int | None = None) -> Floats:
    """Scores of T examples in which -inf is what no list may hold: padding, seen items, and what is no finite number.

    Args:
        scores: (T, num_items + 1), which are overwritten where they are floats.
        seen: Of each example.
        width: num_items + 1, where it is known.

    Raises:
        ValueError: The scores have another shape, or are no real numbers.
    """
    if np.iscomplexobj(scores):
        msg = f"Scores must be real numbers. Received: {scores.dtype}."
        raise ValueError(msg)
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(np.float64)
    width = width or (scores.shape[-1] if scores.ndim else 0)
    if scores.shape != (len(seen), width):
        msg = f"Scores must have the shape ({len(seen)}, num_items + 1). Received: {scores.shape}."
        raise ValueError(msg)
    # As `ranking.topk.finite`: what is no finite number is never listed, whatever stands beside it.
    scores[~np.isfinite(scores)] = -np.inf
    scores[:, 0] = -np.inf
    for row, items in zip(scores, seen, strict=True):
        row[np.asarray(items, np.int64)] = -np.inf
    return scores


def evaluate(
    recommender: Recommender | PNFRec,
    arrays: EvaluationArrays,
    k: int | None = None,
    popularity: Floats | None = None,
    counts: npt.ArrayLike | None = None,
    groups: npt.NDArray[np.integer[Any]] | None = None,
) -> dict[str, float]:
    """HR, NDCG and MRR of each group, their differences, and the measures of the lists: `measure` of `rank_all`.

    Args:
        recommender: A function that scores examples, or a model.
        arrays: What is to be found.
        k: Length of the list; None: that of the model, or `TrainingConfig.k`.
        popularity: (num_items + 1,), for a model: ranks histories without a known item (`Vocabulary.popularity`); None:
            what `PNFRec.set_popularity` was told last.
        counts: Training interactions of each item, (num_items,), in the order of popularity; None leaves novelty NaN.
        groups: The group of each item, (num_items + 1,) (`Vocabulary.group_numbers`); None leaves diversity NaN.

    Returns:
        "hr_p", "hr_n", "hr_delta" and the same of "ndcg" and "mrr", "coverage" and the others of `lists.LIST_METRICS`.
        The measures of a group without examples are NaN.

    Raises:
        TypeError: It is no model or function, or these are no examples.
        ValueError: As `rank_all`; or the examples hold items that the model does not have, or longer histories; or
            there is another number of items in `popularity`, `counts` or `groups`.
    """
    if not isinstance(arrays, EvaluationArrays) or not callable(recommender):
        msg = (
            "`evaluate` takes a model, or a function that scores examples, and EvaluationArrays, such as the "
            f"validation of `arrays_from_frame`. Received: {type(recommender).__name__} and {type(arrays).__name__}."
        )
        raise TypeError(msg)
    if isinstance(recommender, PNFRec):
        check_examples(arrays, recommender.num_items)
        k = recommender.k if k is None else k
        _check_numbers("popularity", popularity, recommender.num_items + 1)
        recommender = of_model(recommender, recommender.popularity if popularity is None else popularity)
    k = whole_number("k", TrainingConfig.k if k is None else k)
    ranked = rank_all(recommender, arrays, k)
    _check_numbers("counts", counts, ranked.num_items, "finite numbers of 0 or more", least=0)
    _check_numbers("groups", groups, ranked.num_items + 1, "whole numbers of 0 or more", least=0)
    if groups is not None and groups[0]:
        msg = f"`groups` must be 0 at place 0, which is no item but padding. Received: {groups[0]!r}."
        raise ValueError(msg)
    return measure(ranked, k, counts, groups)


def _check_numbers(name: str, values: Any, size: int, what: str = "finite numbers", least: float = -np.inf) -> None:
    """Raises a ValueError unless there is nothing, or what can be meant for each item; whole numbers by their name."""
    if values is None:
        return
    given = np.asarray(values)
    if given.shape != (size,):
        msg = f"`{name}` must have the shape ({size},), by the size of the catalogue. Received: {given.shape}."
        raise ValueError(msg)
    kinds = (np.integer,) if what.startswith("whole") else (np.integer, np.floating)
    usable = any(np.issubdtype(given.dtype, kind) for kind in kinds)
    wrong = ~(np.isfinite(given) & (given >= least)) if usable else np.ones(size, bool)
    if wrong.any():
        place = int(np.argmax(wrong))
        msg = f"`{name}` must be {what}. Received, at place {place}: {given.tolist()[place]!r}."
        raise ValueError(msg)


def of_model(model: PNFRec, popularity: Any) -> Recommender:
    """A trained model as a recommender.

    Args:
        model: The model.
        popularity: (num_items + 1,); `model.fallback` of it ranks histories without a known item.
    """

    def recommend(arrays: EvaluationArrays) -> Floats:
        read = history(model, arrays)
        scores: Floats = np.array(model.scores(read))
        scores[~(read > 0).any(axis=1)] = model.fallback(popularity)
        return scores

    return recommend


def history(model: PNFRec, arrays: EvaluationArrays) -> IntArray:
    """What the positive encoder of a model reads of each example: the last liked items, or the last of all."""
    if model.reads != POSITIVE:
        return pad(arrays.seen, model.history_length)
    if arrays.positive.shape[1] > model.history_length:
        msg = (
            f"The histories are {arrays.positive.shape[1]} long, and a model of `max_length` {model.history_length} "
            "reads as many: make the examples with its `max_length`."
        )
        raise ValueError(msg)
    return arrays.positive


def examples_at(arrays: EvaluationArrays, places: npt.NDArray[np.int64]) -> EvaluationArrays:
    """The examples at some places, in that order."""
    negative = None if arrays.negative is None else arrays.negative[places]
    seen = [arrays.seen[place] for place in places.tolist()]
    return EvaluationArrays(arrays.positive[places], seen, arrays.target[places], arrays.is_positive[places], negative)


def batches(arrays: EvaluationArrays, size: int = _BATCH) -> Iterator[EvaluationArrays]:
    """The examples in parts of at most `size`."""
    for begin in range(0, len(arrays), size):
        yield arrays.part(begin, begin + size)


def _rank(scores: Floats, target: IntArray) -> npt.NDArray[np.int64]:
    own = scores[np.arange(len(scores)), target][:, np.newaxis]
    before = np.arange(scores.shape[1]) < target[:, np.newaxis]
    behind = (scores < own) | ((scores == own) & ~before) | np.isneginf(scores)
    rank = 1 + np.count_nonzero(~behind, axis=1)
    return np.where((target > 0) & np.isfinite(own[:, 0]), rank, 0).astype(np.int64)


def _top(scores: Floats, k: int) -> IntArray:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    valid = np.isfinite(np.take_along_axis(scores, order, axis=1))
    top = np.where(valid, order, 0).astype(np.int32)
    return np.pad(top, [(0, 0), (0, k - top.shape[1])])
