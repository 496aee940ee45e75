"""A trained model with a rule of inference as a recommender, which scores as the exported model does."""

import dataclasses
from typing import Any

import numpy as np

from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.evaluation.evaluate import Floats, Recommender
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec


def by_rule(
    model: PNFRec,
    vocabulary: Vocabulary,
    rule: str | None,
    gamma: float,
    recency: float = 0.0,
    *,
    negatives_for_positives: bool = False,
) -> Recommender:
    """The recommender.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, for popularity and like rates.
        rule: Name of the rule by which dislikes lower items; None for none.
        gamma: Weight of the dislikes.
        recency: Weight of what is liked now.
        negatives_for_positives: Whether the encoder of likes reads the dislikes of who has no like.
    """
    from pnfrec_keras.ranking.scorer import Scorer

    scorer = Scorer(model, vocabulary, rule, recency)

    def recommend(arrays: EvaluationArrays) -> Floats:
        # Likes are counted before dislikes are read in their place.
        dislikes = _dislikes(model, scorer, arrays) if scorer.needs_dislikes else None
        if negatives_for_positives:
            arrays = dataclasses.replace(arrays, positive=_read_instead(arrays))
        history = evaluate.history(model, arrays)
        known = np.count_nonzero(history, axis=1)
        scores: Floats = np.array(scorer(model.encode_history(history), known, gamma, dislikes))
        return scores

    return recommend


def negative_histories(arrays: EvaluationArrays) -> Any:
    """The dislikes of each example, (T, length).

    Raises:
        ValueError: The examples have none.
    """
    if arrays.negative is None:
        msg = "This rule of inference reads negative histories, and the examples have none."
        raise ValueError(msg)
    return arrays.negative


def _dislikes(model: PNFRec, scorer: Any, arrays: EvaluationArrays) -> Any:
    liked, history = np.count_nonzero(arrays.positive, axis=1), negative_histories(arrays)
    state = model.encode_history(history, negative=True) if scorer.needs_negative_encoder else None
    return scorer.dislikes(liked, np.count_nonzero(history, axis=1), state)


def _read_instead(arrays: EvaluationArrays) -> Any:
    has_positive = (arrays.positive > 0).any(axis=1, keepdims=True)
    return np.where(has_positive, arrays.positive, negative_histories(arrays))
