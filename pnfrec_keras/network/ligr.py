"""The gated block of eSASRec, in place of the paper's (`model.block: ligr`)."""

from typing import Any

import keras
from keras import ops

from pnfrec_keras.network.attention import CausalAttention
from pnfrec_keras.network.block import Block
from pnfrec_keras.network.dense import dense
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.layer_norm import LayerNorm
from pnfrec_keras.network.newest import Newest
from pnfrec_keras.network.ragged import Tokens

# The width of the feed-forward part, in widths of the network.
EXPANSION = 4


@keras.saving.register_keras_serializable(package="pnfrec")
class LigrBlock(Block):
    """One block whose two parts are let through by gates that the block learns.

        a = x + sigmoid(Dense(x)) * Drop(MHA(n, n, n, causal)), n = LN(x)
        y = a + sigmoid(Dense(a)) * Drop(Dense(Drop(SiLU(Dense(m)) * Dense(m)))), m = LN(a)

    The three projections of the feed-forward part have no bias and are four times as wide as the network inside.

    Call arguments:
        x: (batch, length, dim), or (tokens, dim) with `tokens`.
        tokens: Where flat tokens stand; None for padded rows.
        newest: Where the newest items stand, if their results are asked for alone: (batch, 1, dim).

    Reference:
        Borisyuk et al.: From Features to Transformers: Redefining Ranking for Scalable Impact, arXiv 2502.03417; as a
        block of SASRec in eSASRec (RecSys 2025, arXiv 2508.06450).
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(dim, num_heads, dropout, **kwargs)
        common = self.common
        self.attention_norm = LayerNorm(name="attention_norm", **common)
        self.attention = CausalAttention(dim, num_heads, dropout, name="attention", **common)
        self.attention_gate = dense(dim, "attention_gate", activation="sigmoid", **common)
        self.attention_dropout = Dropout(dropout, name="attention_dropout", **common)
        self.feed_forward_norm = LayerNorm(name="feed_forward_norm", **common)
        wide = EXPANSION * dim
        self.activated = dense(wide, "activated", activation="silu", use_bias=False, **common)
        self.linear = dense(wide, "linear", use_bias=False, **common)
        self.inner_dropout = Dropout(dropout, name="inner_dropout", **common)
        self.outer = dense(dim, "outer", use_bias=False, **common)
        self.outer_dropout = Dropout(dropout, name="outer_dropout", **common)
        self.feed_forward_gate = dense(dim, "feed_forward_gate", activation="sigmoid", **common)

    def build(self, input_shape: Any) -> None:
        narrow = (self.attention_norm, self.attention, self.attention_gate, self.feed_forward_norm)
        for layer in (*narrow, self.activated, self.linear, self.feed_forward_gate):
            layer.build(input_shape)
        self.outer.build((*input_shape[:-1], EXPANSION * self.dim))
        self.built = True

    def call(
        self, x: Any, tokens: Tokens | None = None, newest: Newest | None = None, training: bool | None = None
    ) -> Any:
        normed = self.attention_norm(x, training=training)
        query, x = (normed, x) if newest is None else (newest.take(normed), newest.take(x))
        attended = self.attention(query, normed, tokens=tokens, newest=newest, training=training)
        x = x + self.attention_gate(x) * self.attention_dropout(attended, training=training)
        normed = self.feed_forward_norm(x, training=training)
        hidden = ops.multiply(self.activated(normed), self.linear(normed))
        hidden = self.outer(self.inner_dropout(hidden, training=training))
        return x + self.feed_forward_gate(x) * self.outer_dropout(hidden, training=training)
