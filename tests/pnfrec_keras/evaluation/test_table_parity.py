"""A table that was written from one of our own recommenders has the very numbers of `evaluate`."""

import keras
import numpy as np
import pandas as pd
import pytest

from pnfrec_keras.evaluation.baselines import ItemKNN, most_popular_positive
from pnfrec_keras.evaluation.evaluate import Recommender, evaluate, of_model
from pnfrec_keras.evaluation.tables import evaluate_table
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, pad
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec


def examples(users: int, items: int) -> EvaluationArrays:
    generator = np.random.default_rng(5)
    rows = [generator.integers(1, items + 1, generator.integers(1, 12)).astype(np.int32) for _ in range(users)]
    return EvaluationArrays(
        pad([row[generator.random(len(row)) < 0.6] for row in rows], 6),
        rows,
        generator.integers(0, items + 1, users).astype(np.int32),  # some unknown, some already seen
        generator.integers(0, 2, users).astype(np.int32),
    )


def recommender(name: str) -> Recommender:
    if name == "PNFRec":
        keras.utils.set_random_seed(2)
        return of_model(PNFRec(40, max_length=6, dim=8), np.arange(41)[::-1].astype(np.float32))
    if name == "most popular":  # of which seven items each are equal
        counts = np.arange(40) // 7
        return most_popular_positive(Vocabulary([str(item) for item in range(1, 41)], np.full(40, 9), counts))
    liked = examples(90, 40).positive
    return ItemKNN(TrainingArrays(liked, liked), 40)


@pytest.mark.parametrize("name", ["PNFRec", "most popular", "item kNN"])
def test_the_table_of_our_own_recommender_has_the_very_numbers_of_evaluate(name: str) -> None:
    ours = recommender(name)
    arrays, vocabulary = examples(150, 40), [f"item {item}" for item in range(1, 41)]
    scores = np.array(ours(arrays), np.float64)
    rows = [
        (f"user {place}", vocabulary[item - 1], scores[place, item])
        for place in range(len(arrays))
        for item in np.random.default_rng(place).permutation(np.arange(1, 41)).tolist()
        if item not in arrays.seen[place]
    ]
    table = pd.DataFrame(rows, columns=["user", "item", "score"])
    targets = pd.DataFrame(
        {
            "user": [f"user {place}" for place in range(len(arrays))],
            "item": [vocabulary[item - 1] if item else "new" for item in arrays.target.tolist()],
            "value": arrays.is_positive,
        }
    )
    for k in (1, 10, 50):
        expected = evaluate(ours, arrays, k)
        np.testing.assert_equal(
            evaluate_table(table, targets, positive=1, k=k, catalogue=vocabulary, score="score"), expected
        )
    order = {item: place for place, item in enumerate(vocabulary)}
    best = table.assign(place=table["item"].map(order)).sort_values(["score", "place"], ascending=[False, True])
    best = best.assign(rank=best.groupby("user").cumcount() + 1)
    top = best[best["rank"] <= 10]
    np.testing.assert_equal(evaluate_table(top, targets, positive=1, catalogue=vocabulary), evaluate(ours, arrays, 10))
    counts = np.arange(40, 0, -1)
    groups = {item: f"group {place % 3}" for place, item in enumerate(vocabulary)}
    known = Vocabulary(vocabulary, counts, counts, groups=groups)
    with_counts = evaluate(ours, arrays, 10, counts=counts, groups=known.group_numbers())
    np.testing.assert_equal(evaluate_table(top, targets, positive=1, catalogue=known), with_counts)
    assert not any(map(np.isnan, with_counts.values()))
