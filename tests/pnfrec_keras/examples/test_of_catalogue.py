"""Examples and histories that somebody made by hand: what a model would read otherwise than it is meant is told."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pnfrec_keras import PNFRec, evaluate, fit
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays

pytestmark = pytest.mark.tensorflow
ITEMS = 6
EXAMPLES = EvaluationArrays(
    positive=np.array([[1, 2, 0], [3, 0, 0], [4, 5, 6]], np.int32),
    seen=[np.array([1, 2]), np.array([3]), np.array([4, 5, 6])],
    target=np.array([5, 4, 1], np.int32),
    is_positive=np.array([1, 0, 1], np.int32),
)
SCORES = np.random.default_rng(0).normal(size=(3, ITEMS + 1))
FLAGS = r"`is_positive` of EvaluationArrays must be an array of 1 for liked targets and 0 for disliked ones\. Rec"


def scores(_: EvaluationArrays) -> Any:
    return SCORES


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"is_positive": np.array([2, 0, 1])}, FLAGS),
        ({"is_positive": np.array([0.5, 0, 1])}, FLAGS),
        ({"is_positive": np.array([1, -1, 1])}, FLAGS),
        ({"is_positive": [1, 0, 1]}, FLAGS),
        ({"is_positive": np.array([1, 0])}, "as many examples each. Received: 3 in `positive`, 3 .* 2 in `is_pos"),
        ({"positive": EXAMPLES.positive[:1]}, "as many examples each. Received: 1 in `positive`"),
        ({"seen": EXAMPLES.seen[:2]}, "as many examples each. .* 2 in `seen`"),
        ({"seen": [np.arange(7) == 2] * 3}, "`seen` of .* item indices, whole numbers .* Received: bool in 1"),
        ({"seen": [np.array([1.0]), [], []]}, "`seen` of .* Received: float64 in 1"),
        ({"target": EXAMPLES.target[:, np.newaxis]}, r"`target` of .* in 1 dimension\(s\). Received: int32 in 2"),
        ({"positive": EXAMPLES.positive.astype(np.float32)}, "`positive` of .* Received: float32 in 2"),
        ({"positive": np.array([[1, 2, 0], [0, 0, 3], [4, 5, 6]])}, r"padded on the right, .* in row 1: \[0, 0, 3\]"),
        ({"seen": [np.array([1]), np.array([3]), np.array([9])]}, "hold the items 1 to 9, and the scores have"),
    ],
)
def test_examples_that_cannot_be_meant_are_told(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(scores, dataclasses.replace(EXAMPLES, **wrong))


def test_examples_may_be_lists_and_flags() -> None:
    other = dataclasses.replace(
        EXAMPLES, seen=[row.tolist() for row in EXAMPLES.seen], is_positive=EXAMPLES.is_positive == 1
    )
    found, expected = evaluate(scores, other), evaluate(scores, EXAMPLES)
    assert {name: found[name] for name in ("ndcg_p", "hr_n", "coverage")} == {
        name: expected[name] for name in ("ndcg_p", "hr_n", "coverage")
    }
    nothing: list[Any] = [[], np.array([]), np.array([], np.int32)]
    empty = dataclasses.replace(EXAMPLES, seen=nothing)
    assert evaluate(scores, empty)["coverage"] == 1.0


def test_scores_with_an_imaginary_part_are_refused() -> None:
    def imaginary(_: EvaluationArrays) -> Any:
        return SCORES + 1j

    with pytest.raises(ValueError, match=r"Scores must be real numbers\. Received: complex128"):
        evaluate(imaginary, EXAMPLES)


def test_training_sequences_are_padded_on_the_right() -> None:
    rows = np.array([[1, 2, 3, 0], [0, 0, 4, 5]], np.int32)
    model = PNFRec(ITEMS, max_length=3, dim=4, num_blocks=1)
    with pytest.raises(ValueError, match=r"The positive sequences of the training data must be padded on the right"):
        fit(model, TrainingArrays(rows, np.zeros_like(rows)), EXAMPLES, epochs=1)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([[0, 1, 2]], r"The histories must be padded on the right, .* in row 0: \[0, 1, 2\]"),
        ([[1, -1, 0]], "The histories hold the items -1 to 1, and the model has the items 1 to 6"),
        ([[1, 7, 0]], "The histories hold the items 0 to 7, and the model has"),
        ([[1, 2, 3, 4]], r"whole numbers of the shape \(batch, 3 or less\), .* Received: int64 of the shape \(1, 4\)"),
        ([1, 2], r"Received: int64 of the shape \(2,\)"),
        ([[1.0, 2.0]], r"Received: float64 of the shape \(1, 2\)"),
        ([["1", "2"]], r"Received: <U1 of the shape"),
    ],
)
def test_histories_that_cannot_be_read_are_told(history: Any, message: str) -> None:
    model = PNFRec(ITEMS, max_length=3, dim=4, num_blocks=1)
    with pytest.raises(ValueError, match=message):
        model.scores(np.array(history))


def test_a_short_history_is_a_padded_one() -> None:
    model = PNFRec(ITEMS, max_length=3, dim=4, num_blocks=1)
    np.testing.assert_array_equal(np.array(model.scores([[1, 2]])), np.array(model.scores(np.array([[1, 2, 0]]))))
