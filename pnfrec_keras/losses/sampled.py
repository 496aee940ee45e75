"""Sampled softmax and gBCE: CE_p and CE_n from a sample of the catalogue; see docs/guides/losses.md.

Negatives are shared by all tokens of a step, so that their scores are one matrix product and their vectors are gathered
once. As in `pnfrec_keras.losses.softmax`, a loop takes a few tokens at a time and finishes with their gradients: memory
holds (256 tokens, negatives) logits, never (tokens, negatives), and nothing of the size (tokens, items) at all.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pnfrec_keras.losses import proposals
from pnfrec_keras.losses.chunks import even_chunk, in_chunks, tokens_at_once

Tensor = Any
# Logits of the next item (tokens,) and of the negatives (tokens, negatives), to the loss of each token (tokens,).
TokenLoss = Callable[[Tensor, Tensor], Tensor]

SAMPLED_SOFTMAX = "sampled_softmax"
GBCE = "gbce"


def gbce_exponent(items: int, sampled_items: int, calibration: float) -> float:
    """The power beta of gBCE: alpha * (t * (1 - 1 / alpha) + 1 / alpha) (Petrov & Macdonald, arXiv 2308.07192).

    alpha = n / (N - 1) is the rate of sampling, t the calibration. t = 0 gives 1, plain binary cross-entropy; t = 1
    gives alpha, where sigmoid(score) estimates the probability itself.

    >>> gbce_exponent(101, 25, 0.0), gbce_exponent(101, 25, 1.0), gbce_exponent(101, 25, 0.5)
    (1.0, 0.25, 0.625)
    """
    alpha = sampled_items / (items - 1)
    return 1.0 - calibration * (1.0 - alpha)


@dataclasses.dataclass(frozen=True)
class SampledLoss:
    """A loss over the next item and `sampled_items` negatives.

    Attributes:
        kind: "sampled_softmax" (log-uniform negatives, logQ correction) or "gbce" (uniform negatives).
        items: N, the size of the catalogue.
        sampled_items: n, the negatives of a step.
        calibration: t of gBCE, in [0, 1].

    Raises:
        ValueError: There are not more items than negatives, or another value is out of its range.
    """

    kind: str
    items: int
    sampled_items: int
    calibration: float = 0.75

    def __post_init__(self) -> None:
        if self.kind not in (SAMPLED_SOFTMAX, GBCE):
            msg = f"`loss` must be 'softmax', '{SAMPLED_SOFTMAX}' or '{GBCE}'. Received: {self.kind!r}."
            raise ValueError(msg)
        if not 1 <= self.sampled_items < self.items:
            msg = (
                f"`sampled_items` must be at least 1 and below the size of the catalogue ({self.items}). Received: "
                f"{self.sampled_items}. Lower `model.sampled_items`, or use `model.loss: softmax`, which is exact."
            )
            raise ValueError(msg)
        if not 0.0 <= self.calibration <= 1.0:
            msg = f"`calibration` must be in [0, 1]. Received: {self.calibration}."
            raise ValueError(msg)

    def summed(
        self,
        hidden: Tensor,
        labels: Tensor,
        table: Tensor,
        seed: Tensor,
        weights: Tensor | None = None,
        *,
        static_shapes: bool = False,
    ) -> Tensor:
        """Draws negatives by `seed`, int32 (2,), and sums the loss over tokens.

        Other arguments and the result as in `sampled_softmax_sum`.
        """
        count = self.sampled_items
        if self.kind == GBCE:
            sampled = proposals.uniform_items(self.items, count, seed)
            exponent = gbce_exponent(self.items, count, self.calibration)
            return gbce_sum(hidden, labels, table, sampled, exponent, weights, static_shapes=static_shapes)
        sampled = proposals.log_uniform_items(self.items, count, seed)
        log_counts = [proposals.log_uniform_log_counts(each, self.items, count) for each in (labels, sampled)]
        return sampled_softmax_sum(
            *(hidden, labels, table, sampled, log_counts[0], log_counts[1], weights), static_shapes=static_shapes
        )

    def rejected(
        self,
        hidden: Tensor,
        disliked: Tensor,
        table: Tensor,
        seed: Tensor,
        weights: Tensor,
        *,
        static_shapes: bool = False,
    ) -> Tensor:
        """The term "not to recommend" as this loss sees it, beside the negatives that `summed` draws by the same seed.

        With sampled softmax it is `sampled_rejection_sum`. gBCE gives each item a probability of its own, sigmoid(s),
        and -log(1 - sigmoid(s_i)) is what one more negative costs: a dislike is one that was not drawn by chance.

        The tokens are dislikes: `hidden` (dislikes, dim) is the state that each is scored at, `disliked` (dislikes,)
        its item, 0 at padding, which needs a weight of 0. Other arguments and the result as in `summed`.
        """
        if self.kind == GBCE:
            vectors = tf.cast(tf.gather(table, disliked), tf.float32)
            scores = tf.reduce_sum(tf.cast(hidden, tf.float32) * vectors, axis=1)
            return tf.reduce_sum(tf.stop_gradient(weights) * tf.nn.softplus(scores))
        sampled = proposals.log_uniform_items(self.items, self.sampled_items, seed)
        log_counts = proposals.log_uniform_log_counts(sampled, self.items, self.sampled_items)
        return sampled_rejection_sum(hidden, disliked, table, sampled, log_counts, weights, static_shapes=static_shapes)


def sampled_softmax_sum(
    hidden: Tensor,
    labels: Tensor,
    table: Tensor,
    sampled: Tensor,
    label_log_counts: Tensor,
    sampled_log_counts: Tensor,
    weights: Tensor | None = None,
    *,
    static_shapes: bool = False,
) -> Tensor:
    """Sampled softmax with logQ correction (Jean et al., arXiv 1412.2007), as TensorFlow defines it.

    -log(exp(c_y) / (exp(c_y) + sum_j exp(c_j))), c = h . e - log(expected number of draws), over the negatives j that
    are not y. With all items once each and log counts of 0 it is the exact softmax cross-entropy.

    Args:
        hidden: (tokens, dim), one vector a token.
        labels: (tokens,) int32, index of the next item; 0, the padding, needs a weight of 0.
        table: (items + 1, dim) of the dtype of `hidden`; row 0 is padding.
        sampled: (negatives,) int32, indices of the negatives, which may repeat. A token does without those that are its
            label.
        label_log_counts: (tokens,), log of the expected number of draws of each label.
        sampled_log_counts: (negatives,), the same of the negatives.
        weights: (tokens,) float32, or None for 1. No gradient flows to them.
        static_shapes: Cuts into chunks of one constant size, as XLA needs it.

    Returns:
        Scalar, float32: the weighted sum over tokens; 0 when there is none.
    """

    def token_loss(wanted: Tensor, negative: Tensor) -> Tensor:
        return tf.nn.softplus(tf.reduce_logsumexp(negative, axis=1) - wanted)

    tokens = _Tokens(hidden, labels, weights, label_log_counts)
    return _summed(token_loss, tokens, table, sampled, sampled_log_counts, static_shapes)


def gbce_sum(
    hidden: Tensor,
    labels: Tensor,
    table: Tensor,
    sampled: Tensor,
    exponent: float,
    weights: Tensor | None = None,
    *,
    static_shapes: bool = False,
) -> Tensor:
    """The loss gBCE (Petrov & Macdonald, RecSys 2023, arXiv 2308.07192).

    -log(sigmoid(s_y)^beta) - sum_j log(1 - sigmoid(s_j)), over the negatives j that are not y, with beta = `exponent`
    (`gbce_exponent`) and uniform draws; written with softplus, which neither overflows nor vanishes. The paper divides
    a token's terms by their number; here they are summed, so that a token weighs as much beside the contrastive term
    as with softmax. Other arguments and the result as in `sampled_softmax_sum`.
    """

    def token_loss(wanted: Tensor, negative: Tensor) -> Tensor:
        return exponent * tf.nn.softplus(-wanted) + tf.reduce_sum(tf.nn.softplus(negative), axis=1)

    tokens = _Tokens(hidden, labels, weights, tf.zeros(tf.shape(labels)))
    return _summed(token_loss, tokens, table, sampled, tf.zeros(tf.shape(sampled)), static_shapes)


def sampled_rejection_sum(
    hidden: Tensor,
    disliked: Tensor,
    table: Tensor,
    sampled: Tensor,
    sampled_log_counts: Tensor,
    weights: Tensor | None = None,
    *,
    static_shapes: bool = False,
) -> Tensor:
    """-log(1 - p(i)) of disliked items i, with the rest of the catalogue estimated from negatives.

    -log(1 - p(i)) = softplus(s_i - log sum_{j != i} exp(s_j)), and the sum is the mean of

        Z_i = sum_j exp(s_j - log(expected number of draws of j)) over the negatives j that are not i

    over draws. So the term is softplus(s_i - log Z_i): the score of the disliked item, which is there for certain, is
    not corrected, as that of what was drawn is. With all items once each and log counts of 0 it is exact
    (`pnfrec_keras.losses.dislikes.rejection_sum`). A dislike without any other negative counts nothing.

    The tokens are dislikes: `hidden` (dislikes, dim) is the state that each is scored at, `disliked` (dislikes,) its
    item, 0 at padding, which needs a weight of 0. Other arguments and the result as in `sampled_softmax_sum`.
    """

    def dislike_loss(own: Tensor, negative: Tensor) -> Tensor:
        # What is the item itself has the least score there is.
        known = tf.reduce_max(negative, axis=1) > 0.5 * tf.float32.min
        return tf.where(known, tf.nn.softplus(tf.where(known, own - tf.reduce_logsumexp(negative, axis=1), 0.0)), 0.0)

    tokens = _Tokens(hidden, disliked, weights, tf.zeros(tf.shape(disliked)))
    return _summed(dislike_loss, tokens, table, sampled, sampled_log_counts, static_shapes)


@dataclasses.dataclass(frozen=True)
class _Tokens:
    """Vectors (tokens, dim), and labels, weights and corrections of their logits, each (tokens,)."""

    hidden: Tensor
    labels: Tensor
    weights: Tensor | None
    corrections: Tensor


def _summed(
    token_loss: TokenLoss, tokens: _Tokens, table: Tensor, sampled: Tensor, corrections: Tensor, static_shapes: bool
) -> Tensor:
    most = tokens_at_once(sampled.shape[0])
    weights = tf.ones(tf.shape(tokens.labels), tf.float32) if tokens.weights is None else tokens.weights

    def part_loss(hidden: Tensor, wanted: Tensor, negatives: Tensor, constants: list[Tensor]) -> Tensor:
        labels, weight, correction = constants
        positive = tf.reduce_sum(tf.cast(hidden, tf.float32) * tf.cast(wanted, tf.float32), axis=1) - correction
        negative = tf.cast(tf.matmul(hidden, negatives, transpose_b=True), tf.float32) - corrections
        accidental = labels[:, tf.newaxis] == sampled  # (tokens, negatives)
        return tf.reduce_sum(weight * token_loss(positive, tf.where(accidental, tf.float32.min, negative)))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def chunked(hidden: Tensor, table: Tensor) -> tuple[Tensor, Any]:
        chunk = most if static_shapes else even_chunk(tf.shape(hidden)[0], most)
        constants = [tokens.labels, weights, tokens.corrections]
        vectors = (hidden, tf.gather(table, tokens.labels))
        total, by_hidden, by_wanted, by_negatives = in_chunks(
            *(part_loss, vectors, tf.gather(table, sampled), constants, chunk)
        )
        rows = tf.concat([tf.cast(by_wanted, tf.float32), by_negatives], axis=0)
        places = tf.concat([tokens.labels, sampled], axis=0)

        def gradients(upstream: Tensor) -> tuple[Tensor, Tensor]:
            # Dense, as Adam makes it anyway: in slices with repeated rows Keras' loss scaling overlooks infinities.
            by_table = tf.math.unsorted_segment_sum(upstream * rows, places, table.shape[0])
            return tf.cast(upstream, by_hidden.dtype) * by_hidden, tf.cast(by_table, table.dtype)

        return total, gradients

    # A tensor, since what has its own gradient must not read variables.
    return chunked(tokens.hidden, tf.convert_to_tensor(table))
