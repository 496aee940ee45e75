"""How an arm ranks with a trained model, and how it takes gamma from its validation targets."""

import dataclasses
from typing import Any

import numpy as np

from experiments.study import InferenceRule
from pnfrec_keras import evaluation
from pnfrec_keras.data import EvaluationArrays
from pnfrec_keras.evaluation import Floats, Recommender
from pnfrec_keras.inference import combine, log_like_rate, log_popularity
from pnfrec_keras.model import PNFRec
from pnfrec_keras.vocabulary import Vocabulary


def without_positives(arrays: EvaluationArrays) -> EvaluationArrays:
    """The same targets after the last L negative items of their histories alone; only those are filtered out."""
    negative = _negative(arrays)
    seen = [row[row > 0] for row in negative]
    return dataclasses.replace(arrays, positive=np.zeros_like(arrays.positive), seen=seen)


def choose_gamma(
    model: PNFRec, vocabulary: Vocabulary, rule: InferenceRule, validation: EvaluationArrays, k: int
) -> tuple[float, list[dict[str, float]]]:
    """The gamma with the highest NDCG_p + delta NDCG on validation, and the measures of each.

    Raises:
        ValueError: There is something to choose, but validation has no negative target.
    """
    if len(rule.gamma) > 1 and validation.is_positive.all():
        msg = "To choose gamma, validation needs negative targets too: set `feedback.validation_targets: both`."
        raise ValueError(msg)
    found = []
    for gamma in rule.gamma:
        measured = evaluation.evaluate(recommender(model, vocabulary, rule, gamma), validation, k)
        found.append({"gamma": gamma, **measured})
    if len(found) == 1:
        return rule.gamma[0], found
    best = max(range(len(found)), key=lambda place: (objective(found[place]), -abs(rule.gamma[place])))
    return rule.gamma[best], found


def objective(measured: dict[str, float]) -> float:
    """What settings are chosen by: liked targets first, and ahead of disliked ones."""
    return measured["ndcg_p"] + measured["ndcg_delta"]


def recommender(model: PNFRec, vocabulary: Vocabulary, rule: InferenceRule, gamma: float) -> Recommender:
    """A rule of inference as a recommender.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, for popularity and like rates.
        rule: Its name and what it reads.
        gamma: Weight of the dislikes.
    """
    popularity = vocabulary.popularity()
    plain = evaluation.of_model(model, log_popularity(popularity))
    like_rate = log_like_rate(vocabulary.counts, vocabulary.positive_counts)

    def recommend(arrays: EvaluationArrays) -> Floats:
        if rule.negatives_for_positives:
            arrays = dataclasses.replace(arrays, positive=_read_instead(arrays))
        scores = plain(arrays)
        if rule.rule == "like_rate":
            return scores + gamma * like_rate
        if rule.rule == "positive":
            return scores
        history = _negative(arrays)
        negative = model.state_scores(model.encode_history(history, negative=True))
        known = np.count_nonzero(history, axis=1)
        combined: Floats = np.array(combine(scores.astype(np.float32), negative, gamma, known, rule.rule))
        return combined

    return recommend


def _read_instead(arrays: EvaluationArrays) -> Any:
    has_positive = (arrays.positive > 0).any(axis=1)[:, np.newaxis]
    return np.where(has_positive, arrays.positive, _negative(arrays))


def _negative(arrays: EvaluationArrays) -> Any:
    if arrays.negative is None:
        msg = "This rule of inference reads negative histories, and the examples have none."
        raise ValueError(msg)
    return arrays.negative
