"""What a dislike does: each disliked target becomes a dislike that the query gains, and its relatives are looked at.

The state after it is held against the state before it on the same candidates, those that the list after it may hold; so
where scores do not change, no rank does. Measures and formulas: `pnfrec_core.responses`. Needs numpy only.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_core import responses
from pnfrec_keras.evaluation.evaluate import Recommender, batches, examples_at, listable
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Of the nearest and of the co-liked items.
NEIGHBOURS = 10
_SEED = 23


@dataclasses.dataclass(frozen=True)
class Relation:
    """Which items are like a given one.

    Attributes:
        kind: One of `responses.KINDS`.
        similarities: Item to the similarity of each item of the catalogue, (N + 1,).
        above: What is not more similar than this is not related.
        most: How many at most, the most similar first; None for all.
    """

    kind: str
    similarities: Callable[[int], Floats]
    above: float
    most: int | None = NEIGHBOURS

    def related(self, item: int, candidates: npt.NDArray[np.bool_]) -> Integers:
        """The items among `candidates` (N + 1,) that are like an item, equal ones in the order of the catalogue."""
        similar = self.similarities(item)
        chosen = np.flatnonzero(candidates & (similar > self.above))
        return chosen[np.argsort(-similar[chosen], kind="stable")][: self.most]


class Ranks(NamedTuple):
    """Of each item of the catalogue before and after a dislike, (N + 1,); 0 for what a list may not hold."""

    before: Integers
    after: Integers


def nearest(vectors: npt.ArrayLike) -> Relation:
    """The nearest items by the cosine of item vectors, (N + 1, dim)."""
    table = np.asarray(vectors, np.float64)
    table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)

    def cosines(item: int) -> Floats:
        # Not by BLAS, whose threads wait for each other on a busy machine: 12 ms an item against 0.07.
        found: Floats = np.einsum("nd,d->n", table, table[item])
        return found

    return Relation(responses.NEAR, cosines, -np.inf)


def coliked(similarities: Callable[[int], Floats]) -> Relation:
    """The items that most share the people who like them (`baselines.ItemKNN.similarities`)."""
    return Relation(responses.COLIKED, similarities, 0.0)


def of_group(vocabulary: Vocabulary) -> Relation:
    """All items of the same group; none of an item without one."""
    names, group = np.unique(vocabulary.group_names(), return_inverse=True)
    named = names[group] != ""

    def same(item: int) -> Floats:
        found: Floats = ((group == group[item]) & named).astype(np.float64)
        return found

    return Relation(responses.GROUP, same, 0.0, None)


def with_dislike(arrays: EvaluationArrays) -> EvaluationArrays:
    """The same examples, a moment later: each target is the newest dislike of its history.

    Raises:
        ValueError: The examples have no negative histories.
    """
    if arrays.negative is None:
        msg = "A history without dislikes cannot gain one: read the negative histories of the examples too."
        raise ValueError(msg)
    negative = np.concatenate([arrays.negative, np.zeros((len(arrays), 1), np.int32)], axis=1)
    negative[np.arange(len(arrays)), np.count_nonzero(arrays.negative, axis=1)] = arrays.target
    full = negative[:, -1:] > 0
    negative = np.where(full, negative[:, 1:], negative[:, :-1])
    seen = [np.append(row, item).astype(np.int32) for row, item in zip(arrays.seen, arrays.target, strict=True)]
    return dataclasses.replace(arrays, negative=negative, seen=seen)


def respond(
    recommender: Recommender, arrays: EvaluationArrays, relations: Sequence[Relation], k: int
) -> dict[str, npt.NDArray[np.float32]]:
    """What each disliked target does as a dislike that its history gains.

    Args:
        recommender: What ranks.
        arrays: Examples; the disliked targets of the catalogue among them count.
        relations: Which items are like a disliked one, each of another kind.
        k: Length of the list.

    Returns:
        Those of `responses.MEASURES` that the relations tell of, (T,) each; NaN for a target that is liked or
        unknown, or that has no relative left to be listed.
    """
    found = {name: np.full(len(arrays), np.nan, np.float32) for name in _names(relations)}
    places = np.flatnonzero((arrays.is_positive == 0) & (arrays.target > 0))
    done = 0
    for part in batches(examples_at(arrays, places)):
        later = with_dislike(part)
        before, after = (listable(np.array(recommender(each)), later.seen) for each in (part, later))
        for row, item in enumerate(part.target.tolist()):
            ranked = np.isfinite(before[row]) & np.isfinite(after[row])
            ranks = Ranks(*(responses.ranks_of(np.where(ranked, each[row], -np.inf)) for each in (before, after)))
            for relation in relations:
                # The same draws for every arm, whatever else is measured.
                generator = np.random.default_rng((_SEED, places[done], responses.KINDS.index(relation.kind)))
                for name, value in _response(relation, item, ranks, generator, k).items():
                    found[name][places[done]] = value
            done += 1
    return found


def _names(relations: Sequence[Relation]) -> list[str]:
    kinds = [relation.kind for relation in relations]
    near = [responses.RANDOM, responses.COPY_BEFORE, responses.COPY_AFTER] if responses.NEAR in kinds else []
    return [*map(responses.of_kind, kinds), *near]


def _response(relation: Relation, item: int, ranks: Ranks, generator: np.random.Generator, k: int) -> dict[str, float]:
    related = relation.related(item, ranks.before > 0)
    others = responses.controls(ranks.before, related, generator.random(len(related)))
    if not len(related) or not len(others):
        return {}
    push, unrest = (
        float(responses.push(ranks.before[items], ranks.after[items]).mean()) for items in (related, others)
    )
    found = {responses.of_kind(relation.kind): push - unrest}
    if relation.kind == responses.NEAR:
        found[responses.RANDOM] = unrest
        for name, rank in ((responses.COPY_BEFORE, ranks.before), (responses.COPY_AFTER, ranks.after)):
            found[name] = float(rank[related[0]] <= k)
    return found
