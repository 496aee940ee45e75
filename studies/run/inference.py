"""How an arm ranks with a trained model, and how it takes gamma from its validation targets."""

import dataclasses

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures
from pnfrec_keras.config import check_rule
from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.evaluation.by_rule import by_rule, negative_histories
from pnfrec_keras.evaluation.evaluate import Recommender
from pnfrec_keras.evaluation.ranked import measure
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from studies.inference_rule import InferenceRule
from studies.results.bootstrap import paired_difference


def without_positives(arrays: EvaluationArrays) -> EvaluationArrays:
    """The same targets after the last L negative items of their histories alone; only those are filtered out."""
    negative = negative_histories(arrays)
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

    With `rule.largest` it is the largest of these. With `rule.delta_weight`, w, it is the one with the largest
    NDCG_p + w * delta NDCG, whatever it costs. Else a gamma is left out where the 95 % interval of its difference in
    NDCG_p from the first one, of a paired bootstrap over the validation users, is below zero. The first one, 0 as a
    rule, is what there is to lose.

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
    found, groups = [], vocabulary.group_numbers()
    for gamma, each, own in zip(rule.gamma, ranked, gains, strict=True):
        loss_is_sure = paired_difference(own, gains[0], number, liked).high < 0
        told = measure(each, k, vocabulary.counts, groups)
        found.append({"gamma": gamma, **told, "loss_is_sure": float(loss_is_sure)})
    # Of equal ones the first.
    if (weight := rule.delta_weight) is not None:
        best = max(found, key=lambda row: row["ndcg_p"] + weight * row["ndcg_delta"])
    elif rule.largest:
        best = max((row for row in found if not row["loss_is_sure"]), key=lambda row: row["gamma"])
    else:
        best = max((row for row in found if not row["loss_is_sure"]), key=lambda row: row["ndcg_delta"])
    return best["gamma"], found


def recommender(model: PNFRec, vocabulary: Vocabulary, rule: InferenceRule, gamma: float) -> Recommender:
    """A rule of inference as a recommender, which scores as the exported model does.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, for popularity and like rates.
        rule: Its name and what it reads.
        gamma: Weight of the dislikes.
    """
    if rule.rule_name is not None:
        check_rule(rule.rule_name, model.variant, model.alpha)
    return by_rule(
        *(model, vocabulary, rule.rule_name, gamma, rule.recency),
        negatives_for_positives=rule.negatives_for_positives,
    )
