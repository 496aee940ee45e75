"""Rankings that use dislikes at inference too; the paper ranks by the positive encoder alone (spec, section 8).

A rule lowers items by a weight gamma; 0 is the paper's ranking. With s_p and s_n the scores of the positive and of the
negative encoder, p and n their softmax over the catalogue:

    like_rate    s_p(i) + gamma * log r(i)
    like_odds    s_p(i) + gamma * log sigmoid(logit r(i) + logit r(u) - logit r)
    difference   s_p(i) - gamma * s_n(i)
    posterior    s_p(i) + gamma * log(p(i) / (p(i) + n(i)))

r(i) is the share of the item's training interactions that are positive, drawn towards the share of all items by
`PRIOR` interactions: what everybody thinks of the item; r is that share of all items.

`like_odds` asks the user too: r(u) is the share of likes in what the model reads of the user's history, drawn towards r
by `USER_PRIOR` interactions, and odds multiply (the model of Rasch), so that what some dislike is lowered for who
dislikes much, and hardly for who likes everything. Where nobody tells the user's dislikes it is `like_rate`.

The last factor of `posterior` is the probability that an interaction with i is positive if both polarities come equally
often (Bayes' rule): what this user would think of it.

Beside any of them, recency adds `recency * log t(i)`. The network learns how often items were chosen over the whole
time of training; t(i), the share of the item's likes that fell into its last days, drawn in the same way, turns that
into how often they are chosen now (a shift of the prior, where a weight of 1 is Bayes' rule).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pnfrec_keras.config import ENCODER_RULES

RULES = ("like_rate", "like_odds", *ENCODER_RULES)
# Interactions that an item's rates count beside its own, at the rate of all items.
PRIOR = 10.0
# The same of a user's: histories are short, and people differ more than items do.
USER_PRIOR = 2.0

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
        ValueError: The rule is no such.
    """
    gamma = tf.broadcast_to(tf.cast(gamma, tf.float32), tf.shape(known_negatives))
    weight = tf.where(known_negatives > 0, gamma, 0.0)[:, tf.newaxis]
    if rule == "difference":
        return positive - weight * negative
    if rule == "posterior":
        lead = _log_softmax(positive) - _log_softmax(negative)
        return positive + weight * tf.math.log_sigmoid(lead)
    msg = f"The rule must be 'difference' or 'posterior'. Received: {rule!r}."
    raise ValueError(msg)


def needs_negative_encoder(rule: str) -> bool:
    """Whether a rule reads the negative history by the negative encoder."""
    return rule in ENCODER_RULES


def needs_dislikes(rule: str) -> bool:
    """Whether a rule asks what the user dislikes, if only how much."""
    return needs_negative_encoder(rule) or rule == "like_odds"


class LikeOdds:
    """What `like_odds` adds, for one catalogue.

    Args:
        counts: (items,), training interactions of each item.
        positive_counts: (items,), the positive ones among them.
    """

    def __init__(self, counts: npt.ArrayLike, positive_counts: npt.ArrayLike) -> None:
        self._overall = _overall(positive_counts, counts)
        rate = np.exp(log_like_rate(counts, positive_counts).astype(np.float64)[1:])
        self._item = np.concatenate([[0.0], _logit(rate)]).astype(np.float32)

    def __call__(self, liked: Tensor, disliked: Tensor) -> Tensor:
        """The logarithm of the probability that a user likes each item, float32 (batch, items + 1).

        Args:
            liked: (batch,), how many liked items the model reads of each user.
            disliked: (batch,), how many disliked ones.
        """
        liked, disliked = tf.cast(liked, tf.float32), tf.cast(disliked, tf.float32)
        # r(u) / (1 - r(u)) by its definition; both parts are above 0.
        odds = (liked + USER_PRIOR * self._overall) / (disliked + USER_PRIOR * (1.0 - self._overall))
        lead = tf.math.log(odds) - float(_logit(self._overall))
        return tf.math.log_sigmoid(self._item[tf.newaxis, :] + lead[:, tf.newaxis])


def log_like_rate(counts: npt.ArrayLike, positive_counts: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The logarithm of r for each item, float32 (items + 1,); column 0, the padding, is 0.

    Args:
        counts: (items,), training interactions of each item.
        positive_counts: (items,), the positive ones among them.
    """
    return _log_rate(positive_counts, counts)


def log_recency(positive_counts: npt.ArrayLike, recent_positive_counts: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The logarithm of t for each item, float32 (items + 1,); column 0, the padding, is 0.

    Args:
        positive_counts: (items,), positive training interactions of each item.
        recent_positive_counts: (items,), those of the last days among them.
    """
    return _log_rate(recent_positive_counts, positive_counts)


def _log_rate(counts: npt.ArrayLike, among: npt.ArrayLike) -> npt.NDArray[np.float32]:
    some, every = np.asarray(counts, np.float64), np.asarray(among, np.float64)
    rate = np.log((some + PRIOR * _overall(some, every)) / (every + PRIOR))
    padded: npt.NDArray[np.float32] = np.concatenate([[0.0], rate]).astype(np.float32)
    return padded


def _overall(counts: npt.ArrayLike, among: npt.ArrayLike) -> float:
    # Never 0 or 1, so that logarithms are finite even where nobody likes anything, or everybody everything.
    return float((np.sum(counts) + 0.5) / (np.sum(among) + 1.0))


def _logit(rate: Any) -> Any:
    return np.log(rate) - np.log1p(-rate)


def log_popularity(popularity: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """What stands for the positive encoder's scores where it has nothing to read: log(1 + positive interactions)."""
    return np.log1p(np.asarray(popularity, np.float64)).astype(np.float32)


def _log_softmax(scores: Tensor) -> Tensor:
    """Over the catalogue, without column 0."""
    return scores - tf.reduce_logsumexp(scores[:, 1:], axis=1, keepdims=True)
