"""Causal attention that works on padded rows and on flat tokens alike."""

import math
from typing import Any

import keras
import tensorflow as tf

from pnfrec_keras.network.dropout import Dropout
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
        query: (batch, length, dim), or (tokens, dim) with `tokens`.
        context: Keys and values come from it; of the same shape.
        tokens: Where flat tokens stand; None for padded rows.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim
        self.num_heads = num_heads
        self.rate = dropout
        self.query_projection = self._projection(dim, "query")
        self.key_value_projection = self._projection(2 * dim, "key_value")
        self.output_projection = self._projection(dim, "output")
        self.dropout = Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def _projection(self, width: int, name: str) -> Any:
        normal = keras.initializers.RandomNormal(stddev=0.02)
        return keras.layers.Dense(width, kernel_initializer=normal, name=name, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        for projection in (self.query_projection, self.key_value_projection, self.output_projection):
            projection.build(input_shape)
        self.built = True

    def call(
        self, query: Tensor, context: Tensor, tokens: Tokens | None = None, training: bool | None = None
    ) -> Tensor:
        def attend(queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Gradient]:
            return self._attend(queries, keys_values, training)

        projected = self.query_projection(query), self.key_value_projection(context)
        if tokens is None:
            return self.output_projection(attend(*projected)[0])
        return self.output_projection(tokens.grouped(attend, *projected, training=training))

    def _attend(self, queries: Tensor, keys_values: Tensor, training: bool | None) -> tuple[Tensor, Gradient]:
        """(rows, length, dim) and (rows, length, 2 * dim) to (rows, length, dim), and the gradient by both."""
        length = _length(queries)
        query, key, value = self._heads(queries, keys_values)
        scores = tf.matmul(query, key, transpose_b=True)
        later = tf.linalg.band_part(tf.fill([length, length], tf.float32.min), 0, -1)
        later -= tf.linalg.diag(tf.linalg.diag_part(later))
        weights = tf.nn.softmax(tf.cast(scores, tf.float32) + later)  # (rows, heads, length, length)
        drop = self.dropout.drawn(tf.shape(weights), training=training)
        attended = tf.matmul(drop(tf.cast(weights, value.dtype)), value)

        # Besides the weights it keeps a byte for each of them: heads and dropped weights are made again.
        def gradient(queries: Tensor, keys_values: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
            query, key, value = self._heads(queries, keys_values)
            above = self._split(upstream, 1)[0]
            by_value = tf.matmul(drop(tf.cast(weights, value.dtype)), above, transpose_a=True)
            by_weights = tf.cast(drop(tf.matmul(above, value, transpose_b=True)), tf.float32)
            by_scores = weights * (by_weights - tf.reduce_sum(by_weights * weights, axis=-1, keepdims=True))
            by_scores = tf.cast(by_scores, query.dtype)
            by_query = tf.matmul(by_scores, key) * self._scale
            return self._join(by_query), self._join(tf.matmul(by_scores, query, transpose_a=True), by_value)

        return self._join(attended), gradient

    @property
    def _scale(self) -> float:
        return 1.0 / math.sqrt(self.dim // self.num_heads)

    def _heads(self, queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled queries, keys and values, each (rows, heads, length, dim / heads)."""
        (query,), (key, value) = self._split(queries, 1), self._split(keys_values, 2)
        return query * self._scale, key, value

    def _split(self, projected: Tensor, count: int) -> list[Tensor]:
        """`count` projections side by side, (rows, length, count * dim), each as (rows, heads, length, dim / heads)."""
        shape = [-1, _length(projected), count, self.num_heads, self.dim // self.num_heads]
        apart: list[Tensor] = tf.unstack(tf.transpose(tf.reshape(projected, shape), [2, 0, 3, 1, 4]), num=count)
        return apart

    def _join(self, *heads: Tensor) -> Tensor:
        """The inverse of `_split`."""
        together = tf.transpose(tf.stack(heads), [1, 3, 0, 2, 4])  # (rows, length, count, heads, dim / heads)
        return tf.reshape(together, [-1, _length(together), len(heads) * self.dim])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim, "num_heads": self.num_heads, "dropout": self.rate}


def _length(rows: Tensor) -> Any:
    """Of the second axis: a number where the graph knows it, which spares it many small operations."""
    known = rows.shape[1]
    return tf.shape(rows)[1] if known is None else known
