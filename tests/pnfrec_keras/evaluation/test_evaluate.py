"""The plain evaluation, by hand and against Keras'; the baselines."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.evaluation.baselines import ItemKNN, most_popular, most_popular_positive, most_popular_recent
from pnfrec_keras.evaluation.evaluate import evaluate, of_model, rank_all
from pnfrec_keras.evaluation.ranked import measure
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, evaluation_dataset, pad
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec

VOCABULARY = Vocabulary(["a", "b", "c", "d"], np.array([9, 7, 5, 1]), np.array([1, 6, 5, 0]))
ARRAYS = EvaluationArrays(
    pad([[1], [1, 2], []], 3),
    [np.array([1]), np.array([1, 4, 2]), np.array([], np.int32)],
    np.array([3, 3, 4], np.int32),
    np.array([1, 0, 1], np.int32),
)


def test_ranks_and_measures_by_hand() -> None:
    ranked = rank_all(most_popular(VOCABULARY), ARRAYS, k=2)
    # Seen items leave b c d; then c alone; then a b c d, of which d is the last.
    assert ranked.rank.tolist() == [2, 1, 4]
    assert ranked.top.tolist() == [[2, 3], [3, 0], [1, 2]]
    found = measure(ranked, k=2)
    ndcg = 1 / math.log2(3)
    expected = {"hr_p": 0.5, "hr_n": 1.0, "ndcg_p": ndcg / 2, "ndcg_n": 1.0, "mrr_p": 0.25, "coverage": 0.75}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["ndcg_delta"] == pytest.approx(ndcg / 2 - 1)


@pytest.mark.parametrize(
    ("scores", "target", "rank"),
    [
        ([0, 5, 5, 5, 1], 2, 2),  # equal scores in the order of the vocabulary
        ([0, 5, 5, 5, 1], 0, 0),  # unknown
        ([0, 5, np.nan, 4, 1], 3, 2),  # what is no finite number is never listed: it takes no place
        ([0, 5, np.inf, 4, 1], 3, 2),
        ([0, 5, np.nan, 4, 1], 2, 0),
        ([0, 5, np.inf, 4, 1], 2, 0),
        ([0, 5, 3, -np.inf, 1], 3, 0),
        ([9, 1, 2, 3, 4], 4, 1),  # padding is no item
    ],
)
def test_ties_and_scores_that_are_no_numbers(scores: list[float], target: int, rank: int) -> None:
    arrays = EvaluationArrays(
        pad([[]], 3), [np.array([], np.int32)], np.array([target], np.int32), np.array([1], np.int32)
    )
    assert rank_all(lambda _: np.array([scores]), arrays).rank.tolist() == [rank]


@pytest.mark.parametrize("variant", ["PNFRec", "SASRec"])
def test_it_agrees_with_keras(variant: str) -> None:
    generator = np.random.default_rng(3)
    users, items = 200, 40
    rows = [generator.integers(0, items + 1, generator.integers(0, 12)).astype(np.int32) for _ in range(users)]
    seen = [row[row > 0] for row in rows]
    arrays = EvaluationArrays(
        pad([row[generator.random(len(row)) < 0.6] for row in seen], 6),
        seen,
        generator.integers(0, items + 1, users).astype(np.int32),
        generator.integers(0, 2, users).astype(np.int32),
    )
    keras.utils.set_random_seed(2)
    model = PNFRec(items, max_length=6, dim=8, k=5, variant=variant)
    model.compile()
    popularity = np.arange(items + 1)[::-1].astype(np.float32)
    model.set_popularity(popularity)

    expected = model.evaluate(evaluation_dataset(arrays, 64), verbose=0, return_dict=True)
    found = evaluate(of_model(model, popularity), arrays, k=5)
    assert {name: found[name] for name in expected} == pytest.approx(
        {name: float(value) for name, value in expected.items()}, abs=1e-6
    )


def test_a_group_without_examples_has_no_measure() -> None:
    arrays = EvaluationArrays(ARRAYS.positive, ARRAYS.seen, ARRAYS.target, np.ones(3, np.int32))
    found = evaluate(most_popular(VOCABULARY), arrays)
    assert math.isnan(found["ndcg_n"])
    assert math.isnan(found["ndcg_delta"])
    assert not math.isnan(found["ndcg_p"])


def test_bad_scores_and_no_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have the shape \(3, num_items"):
        evaluate(lambda _: np.zeros((2, 5)), ARRAYS)
    none = EvaluationArrays(ARRAYS.positive[:0], [], ARRAYS.target[:0], ARRAYS.is_positive[:0])
    with pytest.raises(ValueError, match="no example"):
        evaluate(most_popular(VOCABULARY), none)


def test_popularity_counts_one_or_both_polarities() -> None:
    assert most_popular(VOCABULARY)(ARRAYS)[2].tolist() == [0, 9, 7, 5, 1]
    assert most_popular_positive(VOCABULARY)(ARRAYS)[2].tolist() == [0, 1, 6, 5, 0]


def test_popularity_of_late() -> None:
    with pytest.raises(ValueError, match=r"set `feedback.recent_days`"):
        most_popular_recent(VOCABULARY)
    counted = dataclasses.replace(VOCABULARY, recent_positive_counts=np.array([0, 2, 5, 1]))
    assert most_popular_recent(counted)(ARRAYS)[2].tolist() == [0, 0, 2, 5, 1]


def test_neighbours_of_the_last_positive_item() -> None:
    training = TrainingArrays(pad([[1, 2], [1, 2, 3, 1], [3], [1]], 5), pad([[], [], [4], []], 5))
    scores = ItemKNN(training, 4)(ARRAYS)
    # Users of 1: 0 1 3; of 2: 0 1; of 3: 1 2. Of 4 nobody, since disliking it is no sign of being alike.
    np.testing.assert_allclose(scores[0], [0, 1, 2 / math.sqrt(6), 1 / math.sqrt(6), 0])
    np.testing.assert_allclose(scores[1], [0, 2 / math.sqrt(6), 1, 1 / math.sqrt(4), 0])
    np.testing.assert_allclose(scores[2], [0, 3, 2, 2, 0])


def test_what_cannot_be_evaluated_is_told() -> None:
    model = PNFRec(len(VOCABULARY), dim=2, max_length=3)
    for recommender, arrays in ((ARRAYS, model), (model, {"positive": []}), (None, ARRAYS)):
        with pytest.raises(TypeError, match="`evaluate` takes a model, or a function that scores examples, and Eval"):
            evaluate(recommender, arrays)  # type: ignore[arg-type]
    for k in (0, 2.5, "10"):
        with pytest.raises(ValueError, match="`k` must be a whole number of at least 1"):
            evaluate(model, ARRAYS, k)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "size"), [("popularity", 5), ("counts", 4), ("groups", 5)])
def test_what_is_told_of_another_catalogue_is_refused(name: str, size: int) -> None:
    model = PNFRec(len(VOCABULARY), dim=2, max_length=3)
    with pytest.raises(ValueError, match=rf"`{name}` must have the shape \({size},\).* Received: \(3,\)"):
        evaluate(model, ARRAYS, **{name: np.zeros(3, np.int64)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("counts", [3, -1, 1, 1], "`counts` must be finite numbers of 0 or more. Received, at place 1: -1."),
        ("counts", [3.0, 1.0, math.nan, 1.0], "`counts` must be finite .* at place 2: nan"),
        ("counts", [math.inf, 1.0, 1.0, 1.0], "`counts` must be finite .* at place 0: inf"),
        ("counts", ["3", "1", "1", "1"], "`counts` must be finite .* at place 0: '3'"),
        ("groups", [0, 1, -2, 1, 1], "`groups` must be whole numbers of 0 or more. Received, at place 2: -2."),
        ("groups", [0.0, 1.5, 1.0, 1.0, 1.0], "`groups` must be whole .* at place 0: 0.0"),
        ("groups", [1, 1, 1, 2, 2], "`groups` must be 0 at place 0, which is no item but padding. Received: 1."),
        ("popularity", [0.0, 1.0, math.nan, 1.0, 1.0], "`popularity` must be finite numbers. .* at place 2: nan"),
        ("popularity", [None] * 5, "`popularity` must be finite numbers. .* at place 0: None"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(name: str, values: list[Any], message: str) -> None:
    model = PNFRec(len(VOCABULARY), dim=2, max_length=3)
    with pytest.raises(ValueError, match=message):
        evaluate(model, ARRAYS, **{name: np.array(values)})  # type: ignore[arg-type]


def test_popularity_may_be_below_0_as_logarithms_are() -> None:
    model = PNFRec(len(VOCABULARY), dim=2, max_length=3)
    counted = [evaluate(model, ARRAYS, popularity=np.array(each)) for each in ([0, 4, 3, 2, 1], [0, -1, -2, -3, -4.0])]
    assert counted[0]["hr_p"] == counted[1]["hr_p"]


def test_scores_without_the_column_of_padding_are_refused() -> None:
    with pytest.raises(ValueError, match="hold the items 3 to 4, and the scores have the items 1 to 3"):
        evaluate(lambda examples: np.zeros((len(examples), 4)), ARRAYS)
    with pytest.raises(ValueError, match=r"Scores must have the shape \(3, num_items \+ 1\)\. Received: \(\)"):
        evaluate(lambda _: np.array(None), ARRAYS)
