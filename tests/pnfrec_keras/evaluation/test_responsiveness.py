"""What a dislike does, by hand: a recommender that lowers one item for who dislikes another."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.evaluation.evaluate import Floats
from pnfrec_keras.evaluation.responsiveness import Relation, coliked, nearest, of_group, respond, with_dislike
from pnfrec_keras.examples.arrays import EvaluationArrays, pad
from pnfrec_keras.examples.vocabulary import Vocabulary

pytestmark = pytest.mark.tensorflow

ONES = np.ones(4, np.int64)
VOCABULARY = Vocabulary(["a", "b", "c", "d"], ONES, ONES, groups={"a": "x", "c": "x"})
# Items 1 and 2 point the same way.
VECTORS = [[0.0, 0.0], [1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]
NEAREST = dataclasses.replace(nearest(VECTORS), most=1)


def examples(target: list[int], is_positive: list[int]) -> EvaluationArrays:
    """Everybody has liked item 4."""
    seen = [np.array([4], np.int32)] * len(target)
    liked = pad([[4]] * len(target), 2)
    return EvaluationArrays(
        liked, seen, np.array(target, np.int32), np.array(is_positive, np.int32), np.zeros((len(target), 2), np.int32)
    )


def responsive(arrays: EvaluationArrays) -> Floats:
    """Items in their order, but the second falls behind the third for who dislikes the first."""
    scores = np.tile([0.0, 9.0, 8.0, 7.0, 6.0], (len(arrays), 1))
    assert arrays.negative is not None
    scores[(arrays.negative == 1).any(axis=1), 2] = 6.5
    return scores


def test_relatives_of_what_was_disliked_are_told_from_what_stood_as_high() -> None:
    together = {1: np.array([0.0, 0.0, 0.0, 0.3, 0.9])}
    relations = [NEAREST, coliked(together.__getitem__), of_group(VOCABULARY)]
    found = respond(responsive, examples([1], [0]), relations, k=1)
    # Of the items 2 and 3, which alone are left, the former goes from rank 1 to 2, the latter from 2 to 1.
    assert {name: values.tolist() for name, values in found.items()} == {
        "response_near": [2.0],
        "response_random": [-1.0],
        "copy_before": [1.0],
        "copy_after": [0.0],
        "response_coliked": [-2.0],  # the third; the fourth shares more people, but was seen
        "response_group": [-2.0],
    }
    wider = respond(responsive, examples([1], [0]), [NEAREST], k=2)
    assert (wider["copy_before"].tolist(), wider["copy_after"].tolist()) == ([1.0], [1.0])


def test_only_disliked_targets_of_the_catalogue_are_asked_about() -> None:
    found = respond(responsive, examples([1, 0, 1, 2], [1, 0, 0, 0]), [NEAREST, of_group(VOCABULARY)], k=1)
    known = {name: np.isfinite(values).tolist() for name, values in found.items()}
    assert known["response_near"] == [False, False, True, True]
    assert known["response_group"] == [False, False, True, False], "item 2 has no group"


def test_who_does_not_read_dislikes_does_not_respond() -> None:
    generator = np.random.default_rng(5)
    items, rows = 40, 700
    seen = [generator.permutation(items)[:5].astype(np.int32) + 1 for _ in range(rows)]
    target = generator.integers(1, items + 1, rows).astype(np.int32)
    data = EvaluationArrays(
        pad([row[:3] for row in seen], 3), seen, target, np.zeros(rows, np.int32), pad([row[3:] for row in seen], 3)
    )
    table = generator.normal(size=(items + 1, items + 1))

    def plain(arrays: EvaluationArrays) -> Floats:
        return np.asarray(table[arrays.positive[:, 0]])

    relations = [nearest(generator.normal(size=(items + 1, 4))), coliked(table.__getitem__)]
    found = respond(plain, data, relations, k=5)
    for name in ("response_near", "response_coliked", "response_random"):
        assert not found[name].any(), name
    assert np.array_equal(found["copy_before"], found["copy_after"])
    assert 0 < found["copy_after"].mean() < 1

    def restless(arrays: EvaluationArrays) -> Floats:
        assert arrays.negative is not None
        return np.asarray(table[arrays.positive[:, 0]] + table[arrays.negative.sum(axis=1) % items])

    once, again = (respond(restless, data, relations, k=5) for _ in range(2))
    alone = respond(restless, data, relations[:1], k=5)
    for name, values in alone.items():
        assert np.array_equal(values, once[name]), "the same draws, whatever else is measured"
        assert np.array_equal(values, again[name])
    # What only makes unrest pushes relatives no further than their controls.
    near = once["response_near"].astype(np.float64)
    assert abs(near.mean()) < 3 * near.std() / math.sqrt(rows)


def test_a_history_gains_a_dislike_and_keeps_its_length() -> None:
    data = EvaluationArrays(
        pad([[1], [1]], 2),
        [np.array([1, 2, 3], np.int32), np.array([1], np.int32)],
        np.array([4, 2], np.int32),
        np.zeros(2, np.int32),
        pad([[2, 3], []], 2),
    )
    later = with_dislike(data)
    assert later.negative is not None
    assert later.negative.tolist() == [[3, 4], [2, 0]]
    assert [row.tolist() for row in later.seen] == [[1, 2, 3, 4], [1, 2]]
    assert later.positive is data.positive
    with pytest.raises(ValueError, match="cannot gain one"):
        with_dislike(dataclasses.replace(data, negative=None))


def test_relatives_are_the_most_similar_of_those_that_can_be_listed() -> None:
    def related(relation: Relation, item: int, left_out: int) -> Any:
        candidates = np.arange(5) > 0
        candidates[left_out] = False
        return relation.related(item, candidates).tolist()

    assert related(nearest(VECTORS), 1, left_out=1) == [2, 3, 4], "by the cosine"
    assert related(NEAREST, 1, left_out=2) == [1]
    assert related(of_group(VOCABULARY), 1, left_out=1) == [3]
    assert related(of_group(VOCABULARY), 2, left_out=1) == []
    assert related(coliked(lambda _: np.array([9.0, 0.0, 1.0, 2.0, 1.0])), 1, left_out=1) == [3, 2, 4]
