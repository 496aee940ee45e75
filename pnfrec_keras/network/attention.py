"""Causal attention that works on padded rows and on flat tokens alike."""

import math
from typing import Any

import keras
import tensorflow as tf

from pnfrec_keras.network.dense import dense
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.newest import Newest
from pnfrec_keras.network.ragged import Gradient, Tokens

Tensor = Any


@keras.saving.register_keras_serializable(package="pnfrec")
class CausalAttention(keras.layers.Layer):
    """Multi-head attention in which a position sees itself and earlier ones (spec, section 3).

    Keras' own layer takes padded rows only and projects them sequence by sequence; this one projects all tokens in one
    matrix product. Scores and softmax are float32 whatever the precision.

    Args:
        dim: d, the width.
        num_heads: Divides `dim`.
        dropout: Rate, on the attention weights.

    Call arguments:
        query: (batch, length, dim), or (tokens, dim) with `tokens`, or (batch, 1, dim) with `newest`.
        context: Keys and values come from it: (batch, length, dim), or (tokens, dim) with `tokens`.
        tokens: Where flat tokens stand; None for padded rows.
        newest: Where the newest items stand, if the queries are theirs alone.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim
        self.num_heads = num_heads
        self.rate = dropout
        common: dict[str, Any] = {"dtype": self.dtype_policy}
        self.query_projection = dense(dim, "query", **common)
        self.key_value_projection = dense(2 * dim, "key_value", **common)
        self.output_projection = dense(dim, "output", **common)
        self.dropout = Dropout(dropout, name="dropout", **common)

    def build(self, input_shape: Any) -> None:
        for projection in (self.query_projection, self.key_value_projection, self.output_projection):
            projection.build(input_shape)
        self.built = True

    def call(
        self,
        query: Tensor,
        context: Tensor,
        tokens: Tokens | None = None,
        newest: Newest | None = None,
        training: bool | None = None,
    ) -> Tensor:
        def attend(queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Gradient]:
            return self._attend(queries, keys_values, _unseen(length_of(queries)), training)

        projected = self.query_projection(query), self.key_value_projection(context)
        if newest is not None:
            unseen = tf.where(newest.seen, 0.0, tf.float32.min)
            attended, _ = self._attend(projected[0], newest.rows(projected[1]), unseen, training)
            return self.output_projection(attended)
        if tokens is None:
            return self.output_projection(attend(*projected)[0])
        return self.output_projection(tokens.grouped(attend, *projected, training=training))

    def _attend(
        self, queries: Tensor, keys_values: Tensor, unseen: Tensor, training: bool | None
    ) -> tuple[Tensor, Gradient]:
        """(rows, queries, dim) and (rows, length, 2 * dim) to (rows, queries, dim), and the gradient by both.

        `unseen` is added to scores: 0 where a query sees a position, else as low as a float goes.
        """
        query, key, value = self._heads(queries, keys_values)
        scores = tf.matmul(query, key, transpose_b=True)
        weights = tf.nn.softmax(tf.cast(scores, tf.float32) + unseen)  # (rows, heads, queries, length)
        drop = self.dropout.drawn(tf.shape(weights), training=training)
        attended = tf.matmul(drop(tf.cast(weights, value.dtype)), value)

        # Besides the weights it keeps a byte for each of them: heads and dropped weights are made again.
        def gradient(queries: Tensor, keys_values: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
            query, key, value = self._heads(queries, keys_values)
            above = split_heads(upstream, 1, self.num_heads)[0]
            by_value = tf.matmul(drop(tf.cast(weights, value.dtype)), above, transpose_a=True)
            by_weights = tf.cast(drop(tf.matmul(above, value, transpose_b=True)), tf.float32)
            by_scores = weights * (by_weights - tf.reduce_sum(by_weights * weights, axis=-1, keepdims=True))
            by_scores = tf.cast(by_scores, query.dtype)
            by_query = tf.matmul(by_scores, key) * self._scale
            return join_heads(by_query), join_heads(tf.matmul(by_scores, query, transpose_a=True), by_value)

        return join_heads(attended), gradient

    @property
    def _scale(self) -> float:
        return 1.0 / math.sqrt(self.dim // self.num_heads)

    def _heads(self, queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled queries, keys and values, each (rows, heads, length, dim / heads)."""
        (query,) = split_heads(queries, 1, self.num_heads)
        key, value = split_heads(keys_values, 2, self.num_heads)
        return query * self._scale, key, value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim, "num_heads": self.num_heads, "dropout": self.rate}


def _unseen(length: Any) -> Tensor:
    """(length, length): what comes later than a position is not seen by it."""
    later = tf.linalg.band_part(tf.fill([length, length], tf.float32.min), 0, -1)
    return later - tf.linalg.diag(tf.linalg.diag_part(later))


def split_heads(projected: Tensor, count: int, heads: int) -> list[Tensor]:
    """`count` projections side by side, (rows, length, count * dim), each as (rows, heads, length, dim / heads)."""
    shape = [-1, length_of(projected), count, heads, projected.shape[-1] // (count * heads)]
    apart: list[Tensor] = tf.unstack(tf.transpose(tf.reshape(projected, shape), [2, 0, 3, 1, 4]), num=count)
    return apart


def join_heads(*heads: Tensor) -> Tensor:
    """The inverse of `split_heads`."""
    together = tf.transpose(tf.stack(heads), [1, 3, 0, 2, 4])  # (rows, length, count, heads, dim / heads)
    return tf.reshape(together, [-1, length_of(together), len(heads) * together.shape[3] * together.shape[4]])


def length_of(rows: Tensor) -> Any:
    """Of the second axis: a number where the graph knows it, which spares it many small operations."""
    known = rows.shape[1]
    return tf.shape(rows)[1] if known is None else known
