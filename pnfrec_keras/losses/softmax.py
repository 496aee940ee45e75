"""Softmax cross-entropy over a whole catalogue that never holds the (tokens, items) logits.

The plain way keeps logits, probabilities and their gradient, each (tokens, items): 300 MB apiece for 25,000 tokens and
3,000 items, 100 GB for 1,000,000 items. Here a loop takes a few tokens at a time and computes, besides their loss, what
the loss adds to the gradients while their logits are still in the processor's cache. The result is exact: the same sums
in another order: docs/guides/cross-entropy.md.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from pnfrec_keras.losses.chunks import even_chunk, tokens_at_once

Tensor = Any


class Offsets(NamedTuple):
    """What is added to the logits of each token, beside the products; no gradient flows to it.

    Attributes:
        rows: (rows, items) float32, finite.
        place: (tokens,) integer, the row that each token adds.
        largest: No number in `rows` is further from 0.
    """

    rows: Tensor
    place: Tensor
    largest: float


# exp(60) * 1,000,000 items is far from float32's end, and so is exp(-60) from its other end.
_SAFE_LOGIT = 60.0


def softmax_cross_entropy_sum(
    hidden: Tensor,
    labels: Tensor,
    table: Tensor,
    weights: Tensor | None = None,
    offsets: Offsets | None = None,
    *,
    static_shapes: bool = False,
) -> Tensor:
    """Sum over tokens of `weight * (logsumexp_j(h . e_j + o_j) - h . e_label - o_label)`, exact, in little memory.

    Logits, softmax and logarithm are float32 whatever the precision of the products; the gradient of the table is
    summed in float32. First derivatives only: the gradients are computed together with the value.

    Args:
        hidden: (tokens, dim), one vector a token.
        labels: (tokens,), integer in [0, items): the row of `table` that each token has to find.
        table: (items, dim) of the dtype of `hidden`. The number of items must be known when the graph is built.
        weights: (tokens,) float32, or None for 1. A token of weight 0 adds nothing, to gradients neither. No gradient
            flows to the weights.
        offsets: o of each token; None for 0.
        static_shapes: Cuts into chunks of one constant size, as XLA needs it; else into chunks that divide the tokens
            evenly.

    Returns:
        Scalar, float32; 0 when there is no token.
    """
    most = tokens_at_once(table.shape[0])
    if weights is None:
        weights = tf.ones(tf.shape(labels), tf.float32)
    weights = tf.stop_gradient(weights)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def chunked(hidden: Tensor, table: Tensor) -> tuple[Tensor, Any]:
        tokens = tf.shape(hidden)[0]
        chunk = most if static_shapes else even_chunk(tokens, most)
        # XLA fuses the subtraction of the maximum; elsewhere it is a pass over the logits that is seldom needed.
        bounded = None if static_shapes else _are_bounded(hidden, table, offsets)
        total, by_hidden, by_table = _log_sum_exp(hidden, weights, table, offsets, chunk, bounded)
        wanted, weighted = tf.gather(table, labels), hidden * tf.cast(weights, hidden.dtype)[:, tf.newaxis]
        total -= tf.reduce_sum(tf.cast(weighted, tf.float32) * tf.cast(wanted, tf.float32))
        if offsets is not None:
            own = tf.gather_nd(offsets.rows, tf.stack([tf.cast(offsets.place, labels.dtype), labels], axis=1))
            total -= tf.reduce_sum(weights * own)
        by_hidden -= wanted * tf.cast(weights, wanted.dtype)[:, tf.newaxis]
        by_table -= tf.math.unsorted_segment_sum(tf.cast(weighted, tf.float32), labels, table.shape[0])

        def gradients(upstream: Tensor) -> tuple[Tensor, Tensor]:
            return tf.cast(upstream, by_hidden.dtype) * by_hidden, tf.cast(upstream * by_table, table.dtype)

        return total, gradients

    return chunked(hidden, table)


def _log_sum_exp(
    hidden: Tensor, weights: Tensor, table: Tensor, offsets: Offsets | None, chunk: Any, bounded: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The weighted sum of logsumexp over tokens, and its gradients by `hidden` and, float32, by `table`."""
    items, dim = table.shape
    tokens = tf.shape(hidden)[0]
    # At least one chunk, since XLA takes no empty array. Padded tokens have weight 0.
    padding = tf.maximum(-(-tokens // chunk), 1) * chunk - tokens
    vectors = tf.reshape(tf.pad(hidden, [[0, padding], [0, 0]]), [-1, chunk, dim])
    weight = tf.reshape(tf.pad(weights, [[0, padding]]), [-1, chunk, 1])
    places = None if offsets is None else tf.reshape(tf.pad(offsets.place, [[0, padding]]), [-1, chunk])
    chunks = tf.shape(vectors)[0]
    columns = tf.transpose(table)

    def body(place: Tensor, total: Tensor, by_hidden: Any, by_table: Tensor) -> tuple[Any, ...]:
        part, share = vectors[place], weight[place]
        logits = tf.cast(tf.matmul(part, columns), tf.float32)
        if offsets is not None and places is not None:
            logits += tf.gather(offsets.rows, places[place])
        exponentials, shift = _exponentials(logits, bounded)
        sums = tf.reduce_sum(exponentials, axis=1, keepdims=True)
        total += tf.reduce_sum(share * (tf.math.log(sums) + shift))
        if table.dtype == tf.float16:  # whose range sums of exponentials leave
            exponentials, sums = exponentials / sums, tf.ones_like(sums)
        # Softmax is exponentials / sums: dividing (chunk, dim) is cheaper than (chunk, items).
        share = tf.cast(share / sums, table.dtype)
        exponentials = tf.cast(exponentials, table.dtype)
        by_hidden = by_hidden.write(place, share * tf.matmul(exponentials, table))
        by_table += tf.cast(tf.matmul(exponentials, share * part, transpose_a=True), tf.float32)
        return place + 1, total, by_hidden, by_table

    start = (
        tf.constant(0),
        tf.constant(0.0),
        tf.TensorArray(table.dtype, size=chunks, element_shape=[chunk if isinstance(chunk, int) else None, dim]),
        tf.zeros([items, dim], tf.float32),
    )
    _, total, by_hidden, by_table = tf.while_loop(lambda place, *_: place < chunks, body, start, parallel_iterations=1)
    return total, tf.reshape(by_hidden.stack(), [-1, dim])[:tokens], by_table


def _exponentials(logits: Tensor, bounded: Tensor | None) -> tuple[Tensor, Tensor]:
    """exp(logits - shift), and the shift of each row: (tokens, items) and (tokens, 1)."""

    def shifted() -> tuple[Tensor, Tensor]:
        shift = tf.reduce_max(logits, axis=1, keepdims=True)
        return tf.exp(logits - shift), shift

    if bounded is None:
        return shifted()
    exponentials, shift = tf.cond(bounded, lambda: (tf.exp(logits), tf.zeros_like(logits[:, :1])), shifted)
    return exponentials, shift


def _are_bounded(hidden: Tensor, table: Tensor, offsets: Offsets | None) -> Tensor:
    """Whether no logit can be so large that its exponential needs a shift: |h . e| <= |h| |e| (Cauchy-Schwarz)."""
    if hidden.dtype == tf.float16:  # its range ends at exp(11)
        return tf.constant(False)

    def longest(vectors: Tensor) -> Tensor:
        squares = tf.reduce_sum(tf.square(tf.cast(vectors, tf.float32)), axis=1)
        return tf.sqrt(tf.reduce_max(tf.concat([squares, [0.0]], axis=0)))

    largest = 0.0 if offsets is None else offsets.largest
    return longest(hidden) * longest(table) + largest < _SAFE_LOGIT
