"""Rules of inference of an arm: what they read, how gamma is chosen."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.examples.arrays import EvaluationArrays, pad
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking import rates
from pnfrec_keras.ranking.rules.like_odds import LikeOdds
from studies.inference_rule import InferenceRule
from studies.run.inference import choose_gamma, recommender, without_positives

ITEMS = 12
VOCABULARY = Vocabulary([f"i{n}" for n in range(ITEMS)], np.arange(ITEMS, 0, -1), np.arange(ITEMS, 0, -1) // 2)


def arrays() -> EvaluationArrays:
    generator = np.random.default_rng(3)
    rows = [generator.permutation(ITEMS)[:6] + 1 for _ in range(40)]
    liked, disliked = [row[:2] for row in rows], [row[2:4] for row in rows]
    liked[0] = liked[0][:0]
    seen: list[Any] = [np.concatenate(pair) for pair in zip(liked, disliked, strict=True)]
    target = np.array([row[5] for row in rows])
    return EvaluationArrays(pad(liked, 4), seen, target, np.arange(40, dtype=np.int32) % 2, pad(disliked, 4))


@pytest.fixture(scope="module")
def model() -> PNFRec:
    keras.utils.set_random_seed(4)
    made = PNFRec(ITEMS, max_length=4, dim=8)
    made.item_embedding.embeddings.assign(made.item_embedding.embeddings * 40)
    return made


def test_without_positives_only_dislikes_are_read_and_filtered() -> None:
    full, cold = arrays(), without_positives(arrays())
    assert not cold.positive.any()
    assert [sorted(row) for row in cold.seen] == [sorted(row[row > 0]) for row in full.negative]  # type: ignore[union-attr]
    np.testing.assert_array_equal(cold.target, full.target)


def test_each_rule_scores_as_it_is_defined(model: PNFRec) -> None:
    data = arrays()
    plain = np.array(model.scores(data.positive))
    plain[0] = rates.log_popularity(VOCABULARY.popularity())
    negative = np.array(model.state_scores(model.encode_history(data.negative, negative=True)))
    rate = rates.log_like_rate(VOCABULARY.counts, VOCABULARY.positive_counts)

    def scores(rule: str) -> np.ndarray:  # type: ignore[type-arg]
        return np.array(recommender(model, VOCABULARY, InferenceRule(rule), 0.7)(data))

    np.testing.assert_allclose(scores("positive"), plain, atol=1e-5)
    np.testing.assert_allclose(scores("like_rate"), plain + 0.7 * rate, atol=1e-5)
    np.testing.assert_allclose(scores("difference"), plain - 0.7 * negative, atol=1e-5)
    odds = LikeOdds(VOCABULARY)
    liked, disliked = np.array([0, *[2] * 39]), np.full(40, 2)
    np.testing.assert_allclose(scores("like_odds"), plain + 0.7 * np.array(odds.log_like(liked, disliked)), atol=1e-5)


def test_dislikes_are_read_only_where_there_is_no_like(model: PNFRec) -> None:
    data = arrays()
    found = np.array(recommender(model, VOCABULARY, InferenceRule(negatives_for_positives=True), 0.0)(data))
    history = np.concatenate([data.negative[:1], data.positive[1:]])  # type: ignore[index]
    np.testing.assert_allclose(found, np.array(model.scores(history)), atol=1e-5)


def test_like_odds_count_a_dislike_once_where_it_is_read_for_a_like(model: PNFRec) -> None:
    data = arrays()
    odds = LikeOdds(VOCABULARY)
    found = np.array(
        recommender(model, VOCABULARY, InferenceRule("like_odds", negatives_for_positives=True), 1.0)(data)
    )
    history = np.concatenate([data.negative[:1], data.positive[1:]])  # type: ignore[index]
    expected = np.array(model.scores(history)) + np.array(odds.log_like(np.array([0, *[2] * 39]), np.full(40, 2)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_rules_that_a_model_cannot_follow_are_refused() -> None:
    mixed = PNFRec(ITEMS, max_length=4, dim=8, variant="SASRec")
    with pytest.raises(ValueError, match="SASRec reads one history of both"):
        recommender(mixed, VOCABULARY, InferenceRule("like_odds"), 1.0)
    with pytest.raises(ValueError, match="both weigh what is liked now"):
        recommender(PNFRec(ITEMS, max_length=4, trend_days=3.0), VOCABULARY, InferenceRule(recency=1.0), 0.0)


def chosen(model: PNFRec, rule: InferenceRule, data: EvaluationArrays) -> tuple[float, list[dict[str, float]]]:
    users = np.array([f"u{number // 2}" for number in range(len(data))])
    return choose_gamma(model, VOCABULARY, rule, data, users, 3)


def test_gamma_has_the_largest_delta_of_those_that_lose_nothing_for_sure(model: PNFRec) -> None:
    """The targets are what the plain ranking puts first: a large gamma loses them for sure."""
    data = arrays()
    best = evaluate.rank_all(recommender(model, VOCABULARY, InferenceRule(), 0.0), data, 3).top[:, 0]
    liked = data.is_positive == 1
    easy = dataclasses.replace(data, target=np.where(liked, best, data.target))
    rule = InferenceRule("difference", [0.0, 0.02, 50.0])
    gamma, tried = chosen(model, rule, easy)
    assert [row["gamma"] for row in tried] == rule.gamma
    assert [row["loss_is_sure"] for row in tried] == [0, 0, 1]
    for row in tried:
        measured = evaluate.evaluate(
            recommender(model, VOCABULARY, rule, row["gamma"]), easy, 3, counts=VOCABULARY.counts
        )
        assert {name: row[name] for name in measured} == measured
    assert gamma == max(tried[:2], key=lambda row: row["ndcg_delta"])["gamma"]
    largest, _ = chosen(model, dataclasses.replace(rule, largest=True), easy)
    assert largest == 0.02
    with pytest.raises(ValueError, match="`largest` and `delta_weight` both say which gamma is taken"):
        dataclasses.replace(rule, largest=True, delta_weight=1.0)


def test_the_largest_delta_wins_where_nothing_is_lost(model: PNFRec) -> None:
    """No target of group p is ever found, so that no gamma can lose one; those of group n are the first by gamma 0."""
    data = arrays()
    best = evaluate.rank_all(recommender(model, VOCABULARY, InferenceRule(), 0.0), data, 3).top[:, 0]
    lost = dataclasses.replace(data, target=np.where(data.is_positive == 1, 0, best))
    gamma, tried = chosen(model, InferenceRule("difference", [0.0, 0.5, 50.0]), lost)
    assert gamma == max(tried, key=lambda row: row["ndcg_delta"])["gamma"] != 0.0


def test_a_weight_of_delta_trades_liked_targets_for_it(model: PNFRec) -> None:
    data = arrays()
    rule = InferenceRule("difference", [0.0, 0.1, 0.3, 1.0, 5.0], delta_weight=0.0)
    _, tried = chosen(model, rule, data)
    assert len({(row["ndcg_p"], row["ndcg_delta"]) for row in tried}) > 2
    for weight in (0.0, 1.0, 100.0):
        best = max(tried, key=lambda row: row["ndcg_p"] + weight * row["ndcg_delta"])
        assert chosen(model, dataclasses.replace(rule, delta_weight=weight), data)[0] == best["gamma"]
    taken = {chosen(model, dataclasses.replace(rule, delta_weight=weight), data)[0] for weight in (0.0, 100.0)}
    assert len(taken) == 2, "the weight decides"


def test_of_equal_gammas_the_first_is_taken(model: PNFRec) -> None:
    assert chosen(model, InferenceRule("positive", [2.0, 0.0, 1.0]), arrays())[0] == 2.0


def test_there_is_nothing_to_choose_by_without_negative_targets(model: PNFRec) -> None:
    liked = dataclasses.replace(arrays(), is_positive=np.ones(40, np.int32))
    with pytest.raises(ValueError, match="validation_targets: both"):
        chosen(model, InferenceRule("like_rate", [0.0, 1.0]), liked)
    assert chosen(model, InferenceRule("like_rate", [1.0]), liked) == (1.0, [])
