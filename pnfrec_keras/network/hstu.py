"""The block of HSTU, in place of the paper's (`model.block: hstu`)."""

from typing import Any

import keras
import tensorflow as tf

from pnfrec_keras.network.attention import join_heads, length_of, split_heads
from pnfrec_keras.network.block import Block
from pnfrec_keras.network.dense import dense
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.layer_norm import LayerNorm
from pnfrec_keras.network.newest import Newest
from pnfrec_keras.network.ragged import Gradient, Tokens

Tensor = Any


@keras.saving.register_keras_serializable(package="pnfrec")
class HstuBlock(Block):
    """One block that adds up what it attends to instead of averaging it, and lets the sum through a gate.

        U, V, Q, K = SiLU(Dense(LN(x)))
        y = x + Dense(Drop(LN(A V) * U)), where A = SiLU(Q K'), 0 for what comes later

    There is no feed-forward part. HSTU also adds a learnt bias of relative positions and times to Q K'; here positions
    are in the input, as in the paper's network, and the times in `model.trend_days`. Its division of A by the length
    is left out: the normalisation after it undoes it.

    Args:
        dim: d, the width.
        num_heads: Divides `dim`.
        dropout: Rate.

    Call arguments:
        x: (batch, length, dim), or (tokens, dim) with `tokens`.
        tokens: Where flat tokens stand; None for padded rows.
        newest: Where the newest items stand, if their results are asked for alone: (batch, 1, dim).

    Reference:
        Zhai et al.: Actions Speak Louder than Words, ICML 2024, arXiv 2402.17152, equations 1 to 3.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(dim, num_heads, dropout, **kwargs)
        common = self.common
        self.input_norm = LayerNorm(name="input_norm", **common)
        self.gate = dense(dim, "gate", activation="silu", **common)
        self.query = dense(dim, "query", activation="silu", **common)
        self.key_value = dense(2 * dim, "key_value", activation="silu", **common)
        self.sum_norm = LayerNorm(name="sum_norm", **common)
        self.gated_dropout = Dropout(dropout, name="gated_dropout", **common)
        self.output_projection = dense(dim, "output", **common)

    def build(self, input_shape: Any) -> None:
        for layer in (self.input_norm, self.gate, self.query, self.key_value, self.sum_norm, self.output_projection):
            layer.build(input_shape)
        self.built = True

    def call(
        self, x: Tensor, tokens: Tokens | None = None, newest: Newest | None = None, training: bool | None = None
    ) -> Tensor:
        normed = self.input_norm(x, training=training)
        context = self.key_value(normed)
        if newest is not None:
            normed, x = newest.take(normed), newest.take(x)
            seen = tf.cast(newest.seen, tf.float32)
            summed = self._attend(self.query(normed), newest.rows(context), seen)[0]
        elif tokens is None:
            summed = self._attend_causally(self.query(normed), context)[0]
        else:
            summed = tokens.grouped(self._attend_causally, self.query(normed), context, training=training)
        gated = self.sum_norm(summed, training=training) * self.gate(normed)
        return x + self.output_projection(self.gated_dropout(gated, training=training))

    def _attend_causally(self, queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Gradient]:
        return self._attend(queries, keys_values, tf.linalg.band_part(tf.ones([length_of(queries)] * 2), -1, 0))

    def _attend(self, queries: Tensor, keys_values: Tensor, earlier: Tensor) -> tuple[Tensor, Gradient]:
        """(rows, queries, dim) and (rows, length, 2 * dim) to (rows, queries, dim), and the gradient by both.

        `earlier` is 1 where a query sees a position, else 0.
        """

        def scores(query: Tensor, key: Tensor) -> Tensor:
            # Float32 whatever the precision, as the softmax of the paper's attention.
            return tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)

        query, key, value = self._heads(queries, keys_values)
        weights = tf.nn.silu(scores(query, key)) * earlier  # (rows, heads, queries, length)
        summed = tf.matmul(tf.cast(weights, value.dtype), value)

        # All of it is made again, so that nothing of that size waits for the backward pass.
        def gradient(queries: Tensor, keys_values: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
            query, key, value = self._heads(queries, keys_values)
            above = split_heads(upstream, 1, self.num_heads)[0]
            found = scores(query, key)
            share = tf.sigmoid(found)
            by_value = tf.matmul(tf.cast(found * share * earlier, value.dtype), above, transpose_a=True)
            by_weights = tf.cast(tf.matmul(above, value, transpose_b=True), tf.float32)
            by_scores = tf.cast(by_weights * earlier * share * (1.0 + found * (1.0 - share)), query.dtype)
            by_key = tf.matmul(by_scores, query, transpose_a=True)
            return join_heads(tf.matmul(by_scores, key)), join_heads(by_key, by_value)

        return join_heads(summed), gradient

    def _heads(self, queries: Tensor, keys_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (query,) = split_heads(queries, 1, self.num_heads)
        key, value = split_heads(keys_values, 2, self.num_heads)
        return query, key, value
