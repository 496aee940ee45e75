"""The terms of the loss, as pure functions that return sums (spec, section 4).

Each returns the sum over real positions; the caller divides by the number of real positions of the whole batch, over
all replicas, so that the loss does not depend on how the batch is laid out. Softmax and logarithms are computed in
float32.
"""

from typing import Any

import tensorflow as tf

from pnfrec_keras.chunked import softmax_cross_entropy_sum
from pnfrec_keras.sampled import SampledLoss

Tensor = Any


def real_positions(labels: Tensor) -> Tensor:
    """Number of real positions as float32: label 0 is padding."""
    return tf.math.count_nonzero(labels, dtype=tf.float32)


def cross_entropy_sum(hidden: Tensor, labels: Tensor, table: Tensor, *, compact: bool = True) -> Tensor:
    """Full-catalogue softmax cross-entropy of the next item: CE_p and CE_n (eq. 3 and 4 of arXiv 2508.14786).

    Args:
        hidden: (batch, length, dim), one vector a position.
        labels: (batch, length), index of the next item, 0 at padding.
        table: (items + 1, dim), the item table; row 0 is padding and no candidate.
        compact: Scores real positions only. Their number varies, so XLA needs False, which scores padding as well and
            weighs it 0; the value is the same.

    Returns:
        Scalar, float32: the sum over real positions; 0 when there is none.
    """
    hidden, labels, weights = _tokens(hidden, labels, compact)
    if weights is not None:
        labels = tf.maximum(labels, 1)
    return softmax_cross_entropy_sum(hidden, labels - 1, table[1:], weights, static_shapes=not compact)


def sampled_sum(
    hidden: Tensor, labels: Tensor, table: Tensor, loss: SampledLoss, seed: Tensor, *, compact: bool = True
) -> Tensor:
    """What stands for `cross_entropy_sum` where the catalogue is too large for it: `loss` over sampled negatives.

    `loss` says which one, with its settings; `seed`, int32 (2,), decides the draw of negatives. Other arguments and the
    result as in `cross_entropy_sum`.
    """
    hidden, labels, weights = _tokens(hidden, labels, compact)
    return loss.summed(hidden, labels, table, seed, weights, static_shapes=not compact)


def _tokens(hidden: Tensor, labels: Tensor, compact: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Vectors (tokens, dim), labels and weights (tokens,): the real positions alone, or all, padding with weight 0."""
    if compact:
        real = labels > 0  # (batch, length)
        return tf.boolean_mask(hidden, real), tf.boolean_mask(labels, real), None
    labels = tf.reshape(labels, [-1])
    return tf.reshape(hidden, [-1, hidden.shape[-1]]), labels, tf.cast(labels > 0, tf.float32)


def contrastive_sum(
    hidden: Tensor,
    labels: Tensor,
    negatives: Tensor,
    table: Tensor,
    *,
    similarity: str = "dot",
    temperature: float = 0.1,
) -> Tensor:
    """The contrast of each next positive item with the user's own negative items (eq. 5 of arXiv 2508.14786).

    -log(exp(s_y) / (exp(s_y) + sum_j exp(s_j))) = softplus(logsumexp_j s_j - s_y), which cannot overflow.

    Args:
        hidden: (batch, length, dim) of the positive encoder.
        labels: (batch, length), index of the next positive item, 0 at padding.
        negatives: (batch, width), indices of the user's negative items, 0 at padding.
        table: (items + 1, dim), the item table.
        similarity: "dot", or "cosine" divided by `temperature`.
        temperature: Of the cosine.

    Returns:
        Scalar, float32: the sum over real positions. Users without negatives add 0.
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
    counts = (labels > 0) & tf.reduce_any(is_negative, axis=-1, keepdims=True)
    return tf.reduce_sum(tf.where(counts, losses, 0.0))
