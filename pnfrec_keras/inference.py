"""Rankings that read the negative encoder too; the paper ranks by the positive one alone (spec, section 8).

Both encoders give a distribution over the catalogue: which item comes next among those that the user likes, p(i), and
among those that the user dislikes, n(i). A rule lowers items by a weight gamma; 0 is the paper's ranking.

    difference   s_p(i) - gamma * s_n(i)
    posterior    s_p(i) + gamma * log(p(i) / (p(i) + n(i)))

With s the scores, whose softmax over the catalogue p and n are. The last factor of `posterior` is the probability that
an interaction with i is a positive one if both polarities come equally often (Bayes' rule). It leaves alone what the
positive encoder ranks far above the negative one, where the difference lowers, of two items that fit the user equally,
the one that the user knows and dislikes things like.
"""

from typing import Any

import tensorflow as tf

RULES = ("difference", "posterior")

Tensor = Any


def combine(positive: Tensor, negative: Tensor, gamma: Tensor, known_negatives: Tensor, rule: str) -> Tensor:
    """Scores by both encoders.

    Args:
        positive: (batch, items + 1), scores of the positive encoder, or log-popularity where it has nothing to read;
            column 0 is padding and takes no part.
        negative: (batch, items + 1), scores of the negative encoder.
        gamma: Scalar or (batch,).
        known_negatives: (batch,), how many items the negative encoder has read: with none `positive` stays.
        rule: "difference" or "posterior".

    Returns:
        float32 (batch, items + 1).

    Raises:
        ValueError: Unknown rule.
    """
    weight = tf.where(known_negatives > 0, tf.broadcast_to(gamma, tf.shape(known_negatives)), 0.0)[:, tf.newaxis]
    if rule == "difference":
        return positive - weight * negative
    if rule == "posterior":
        lead = _log_softmax(positive) - _log_softmax(negative)
        return positive + weight * tf.math.log_sigmoid(lead)
    msg = f"The rule must be one of {', '.join(RULES)}. Received: {rule!r}."
    raise ValueError(msg)


def _log_softmax(scores: Tensor) -> Tensor:
    """Over the catalogue, without column 0."""
    return scores - tf.reduce_logsumexp(scores[:, 1:], axis=1, keepdims=True)


def log_popularity(popularity: Tensor) -> Tensor:
    """What stands for the positive encoder's scores where it has nothing to read: log(1 + positive interactions)."""
    return tf.math.log1p(tf.cast(popularity, tf.float32))
