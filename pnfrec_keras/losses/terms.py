"""The terms of the loss, as pure functions that return sums (spec, section 4).

Each returns the sum over real positions, of which each may have a weight; the caller divides by the number of real
positions (the sum of their weights) of the whole batch, over all replicas, so that the loss does not depend on how the
batch is laid out. Softmax and logarithms are computed in
float32.
"""

from typing import Any

import tensorflow as tf

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.losses.sampled import SampledLoss
from pnfrec_keras.losses.softmax import Offsets, softmax_cross_entropy_sum

Tensor = Any


def position_weights(margins: Tensor, soft_boundary: float) -> Tensor:
    """How much each position counts: in full from `soft_boundary` (above 0) on, below in proportion.

    Args:
        margins: (batch, length) float32, distance of each label's value from the boundary, 0 or more.
        soft_boundary: A distance, in the same unit.
    """
    return tf.minimum(margins / soft_boundary, 1.0)


def real_positions(labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Number of real positions, or the sum of their `weights` (batch, length), as float32: label 0 is padding."""
    if weights is None:
        return tf.math.count_nonzero(labels, dtype=tf.float32)
    return tf.reduce_sum(tf.where(labels > 0, weights, 0.0))


def cross_entropy_sum(
    hidden: Tensor,
    labels: Tensor,
    table: Tensor,
    weights: Tensor | None = None,
    offsets: Offsets | None = None,
    *,
    compact: bool = True,
) -> Tensor:
    """Full-catalogue softmax cross-entropy of the next item: CE_p and CE_n (eq. 3 and 4 of arXiv 2508.14786).

    Args:
        hidden: (batch, length, dim), one vector a position.
        labels: (batch, length), index of the next item, 0 at padding.
        table: (items + 1, dim), the item table; row 0 is padding and no candidate.
        weights: (batch, length) float32, how much each position counts; None: all alike, 1.
        offsets: Added to the scores of the items, by a place (batch, length) for each position; None: nothing.
        compact: Scores real positions only. Their number varies, so XLA needs False, which scores padding as well and
            weighs it 0; the value is the same.

    Returns:
        Scalar, float32: the weighted sum over real positions; 0 when there is none.
    """
    if offsets is not None:
        place = tf.boolean_mask(offsets.place, labels > 0) if compact else tf.reshape(offsets.place, [-1])
        offsets = offsets._replace(place=place)
    hidden, labels, weights = _tokens(hidden, labels, weights, compact)
    if weights is not None:
        labels = tf.maximum(labels, 1)
    return softmax_cross_entropy_sum(hidden, labels - 1, table[1:], weights, offsets, static_shapes=not compact)


def sampled_sum(
    hidden: Tensor,
    labels: Tensor,
    table: Tensor,
    loss: SampledLoss,
    seed: Tensor,
    weights: Tensor | None = None,
    *,
    compact: bool = True,
) -> Tensor:
    """What stands for `cross_entropy_sum` where the catalogue is too large for it: `loss` over sampled negatives.

    `loss` says which one, with its settings; `seed`, int32 (2,), decides the draw of negatives. Other arguments and the
    result as in `cross_entropy_sum`.
    """
    hidden, labels, weights = _tokens(hidden, labels, weights, compact)
    return loss.summed(hidden, labels, table, seed, weights, static_shapes=not compact)


def _tokens(
    hidden: Tensor, labels: Tensor, weights: Tensor | None, compact: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Vectors (tokens, dim), labels and weights (tokens,): the real positions alone, or all, padding with weight 0."""
    real = labels > 0  # (batch, length)
    if compact:
        kept = None if weights is None else tf.boolean_mask(weights, real)
        return tf.boolean_mask(hidden, real), tf.boolean_mask(labels, real), kept
    weights = tf.cast(real, tf.float32) if weights is None else tf.where(real, weights, 0.0)
    return tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.reshape(labels, [-1]), tf.reshape(weights, [-1])


def contrastive_sum(
    hidden: Tensor,
    labels: Tensor,
    negatives: Tensor,
    table: Tensor,
    weights: Tensor | None = None,
    *,
    similarity: str = ModelConfig.similarity,
    temperature: float = ModelConfig.temperature,
) -> Tensor:
    """The contrast of each next positive item with the user's own negative items (eq. 5 of arXiv 2508.14786).

    -log(exp(s_y) / (exp(s_y) + sum_j exp(s_j))) = softplus(logsumexp_j s_j - s_y), which cannot overflow.

    Args:
        hidden: (batch, length, dim) of the positive encoder.
        labels: (batch, length), index of the next positive item, 0 at padding.
        negatives: (batch, width), indices of the user's negative items, 0 at padding.
        table: (items + 1, dim), the item table.
        weights: (batch, length) float32, how much each position counts; None: all alike, 1.
        similarity: "dot", or "cosine" divided by `temperature`.
        temperature: Of the cosine.

    Returns:
        Scalar, float32: the weighted sum over real positions. Users without negatives add 0.
    """
    hidden, table = tf.cast(hidden, tf.float32), tf.cast(table, tf.float32)
    positive_vectors, negative_vectors = tf.gather(table, labels), tf.gather(table, negatives)
    scale = 1.0
    if similarity == "cosine":
        # The padding row is zero: the epsilon inside keeps its norm, and so the gradient, finite.
        hidden = tf.math.l2_normalize(hidden, axis=-1)
        positive_vectors = tf.math.l2_normalize(positive_vectors, axis=-1)
        negative_vectors = tf.math.l2_normalize(negative_vectors, axis=-1)
        scale = 1.0 / temperature
    positive_scores = scale * tf.reduce_sum(hidden * positive_vectors, axis=-1)  # (batch, length)
    negative_scores = scale * tf.matmul(hidden, negative_vectors, transpose_b=True)  # (batch, length, width)
    is_negative = negatives > 0  # (batch, width)
    masked = tf.where(is_negative[:, tf.newaxis, :], negative_scores, tf.float32.min)
    # A row without negatives would give log(0): its finite stand-in is masked out below, value and gradient.
    losses = tf.nn.softplus(tf.reduce_logsumexp(masked, axis=-1) - positive_scores)
    losses = losses if weights is None else weights * losses
    counts = (labels > 0) & tf.reduce_any(is_negative, axis=-1, keepdims=True)
    return tf.reduce_sum(tf.where(counts, losses, 0.0))
