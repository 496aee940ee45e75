"""How an arm ranks with a trained model, and how it takes gamma from its validation targets."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures
from pnfrec_keras.config import check_recency, check_rule
from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.evaluation.evaluate import Floats, Recommender
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking.rules import LikeOdds, combine, log_like_rate, log_popularity, log_recency
from studies.inference_rule import InferenceRule
from studies.results.bootstrap import paired_difference


def without_positives(arrays: EvaluationArrays) -> EvaluationArrays:
    """The same targets after the last L negative items of their histories alone; only those are filtered out."""
    negative = _negative(arrays)
    seen = [row[row > 0] for row in negative]
    return dataclasses.replace(arrays, positive=np.zeros_like(arrays.positive), seen=seen)


def choose_gamma(
    model: PNFRec,
    vocabulary: Vocabulary,
    rule: InferenceRule,
    validation: EvaluationArrays,
    user: npt.NDArray[np.str_],
    k: int,
) -> tuple[float, list[dict[str, float]]]:
    """The gamma with the largest delta NDCG among those that cost no liked target that can be told from chance.

    With `rule.delta_weight`, w, it is the one with the largest NDCG_p + w * delta NDCG, whatever it costs. Else a gamma
    is left out where the 95 % interval of its difference in NDCG_p from the first one, of a paired bootstrap over the
    validation users, is below zero. The first one, 0 as a rule, is what there is to lose.

    Args:
        model: The trained model.
        vocabulary: Its catalogue.
        rule: With the gammas to choose from.
        validation: Examples that choose.
        user: Id of the user of each.
        k: Length of the list.

    Returns:
        The gamma, and the measures of each, with `loss_is_sure`: 1 where it was left out.

    Raises:
        ValueError: There is something to choose, but validation has no negative target.
    """
    if len(rule.gamma) == 1:
        return rule.gamma[0], []
    if validation.is_positive.all():
        msg = "To choose gamma, validation needs negative targets too: set `feedback.validation_targets: both`."
        raise ValueError(msg)
    ranked = [evaluate.rank_all(recommender(model, vocabulary, rule, gamma), validation, k) for gamma in rule.gamma]
    gains = [measures.gains(each.rank, "ndcg", k) for each in ranked]
    _, number = np.unique(user, return_inverse=True)
    liked = validation.is_positive.astype(np.float64)
    found = []
    for gamma, each, own in zip(rule.gamma, ranked, gains, strict=True):
        loss_is_sure = paired_difference(own, gains[0], number, liked).high < 0
        found.append({"gamma": gamma, **evaluate.measure(each, k), "loss_is_sure": float(loss_is_sure)})
    # Of equal ones the first.
    if (weight := rule.delta_weight) is not None:
        best = max(found, key=lambda row: row["ndcg_p"] + weight * row["ndcg_delta"])
    else:
        best = max((row for row in found if not row["loss_is_sure"]), key=lambda row: row["ndcg_delta"])
    return best["gamma"], found


def recommender(model: PNFRec, vocabulary: Vocabulary, rule: InferenceRule, gamma: float) -> Recommender:
    """A rule of inference as a recommender.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, for popularity and like rates.
        rule: Its name and what it reads.
        gamma: Weight of the dislikes.
    """
    popularity = vocabulary.popularity()
    plain = evaluate.of_model(model, log_popularity(popularity))
    like_rate = log_like_rate(vocabulary.counts, vocabulary.positive_counts)
    like_odds = LikeOdds(vocabulary.counts, vocabulary.positive_counts)

    check_rule(rule.rule, model.variant, model.alpha)
    check_recency(rule.recency, model.trend_days)
    recency: Any = 0.0
    if rule.recency:
        recency = rule.recency * log_recency(vocabulary.positive_counts, _recent(vocabulary))

    def recommend(arrays: EvaluationArrays) -> Floats:
        scores: Floats = by_rule(arrays) + recency
        return scores

    def by_rule(arrays: EvaluationArrays) -> Floats:
        liked = np.count_nonzero(arrays.positive, axis=1)  # before dislikes are read in their place
        if rule.negatives_for_positives:
            arrays = dataclasses.replace(arrays, positive=_read_instead(arrays))
        scores = plain(arrays)
        if rule.rule == "like_rate":
            return scores + gamma * like_rate
        if rule.rule == "positive":
            return scores
        if rule.rule == "like_odds":
            return scores + gamma * np.array(like_odds(liked, np.count_nonzero(_negative(arrays), axis=1)))
        history = _negative(arrays)
        negative = model.state_scores(model.encode_history(history, negative=True), negative=True)
        known = np.count_nonzero(history, axis=1)
        combined: Floats = np.array(combine(scores.astype(np.float32), negative, gamma, known, rule.rule))
        return combined

    return recommend


def _recent(vocabulary: Vocabulary) -> Any:
    if vocabulary.recent_positive_counts is None:
        msg = "Recency needs the likes of the last days: set `feedback.recent_days` in the study."
        raise ValueError(msg)
    return vocabulary.recent_positive_counts


def _read_instead(arrays: EvaluationArrays) -> Any:
    has_positive = (arrays.positive > 0).any(axis=1)[:, np.newaxis]
    return np.where(has_positive, arrays.positive, _negative(arrays))


def _negative(arrays: EvaluationArrays) -> Any:
    if arrays.negative is None:
        msg = "This rule of inference reads negative histories, and the examples have none."
        raise ValueError(msg)
    return arrays.negative
