"""Layers of the network (spec, section 3): one item table, and a causal transformer encoder for each polarity."""

from typing import Any

import keras
from keras import ops

from pnfrec_keras.network.attention import CausalAttention
from pnfrec_keras.network.block import Block
from pnfrec_keras.network.dense import dense, normal
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.hstu import HstuBlock
from pnfrec_keras.network.layer_norm import LayerNorm
from pnfrec_keras.network.ligr import LigrBlock
from pnfrec_keras.network.newest import Newest
from pnfrec_keras.network.ragged import Tokens


@keras.saving.register_keras_serializable(package="pnfrec")
class PaddedNormal(keras.initializers.Initializer):
    """Normal(0, `stddev`) with a zero row for index 0, the padding."""

    def __init__(self, stddev: float = 0.02, seed: int | None = None) -> None:
        self.stddev = stddev
        self.seed = seed
        self._normal = keras.initializers.RandomNormal(stddev=stddev, seed=seed)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        table = self._normal(shape, dtype=dtype)
        return ops.concatenate([ops.zeros_like(table[:1]), table[1:]], axis=0)

    def get_config(self) -> dict[str, Any]:
        return {"stddev": self.stddev, "seed": self.seed}


@keras.saving.register_keras_serializable(package="pnfrec")
class ItemEmbedding(keras.layers.Layer):
    """The one table E (N + 1, d) that both encoders read and that scores items. Row 0, the padding, is zero and stays
    so.

    Args:
        num_items: N, the size of the catalogue.
        dim: d, the width.
    """

    def __init__(self, num_items: int, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_items = num_items
        self.dim = dim

    def build(self, input_shape: Any = None) -> None:
        del input_shape
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.num_items + 1, self.dim), initializer=PaddedNormal()
        )
        self.built = True

    def table(self) -> Any:
        """E in the dtype of computation, shape (N + 1, d)."""
        return ops.convert_to_tensor(self.embeddings, dtype=self.compute_dtype)

    def call(self, item_indices: Any) -> Any:
        vectors = ops.cast(ops.take(self.embeddings, item_indices, axis=0), self.compute_dtype)
        # Multiplied by the mask so that the padding row gets no gradient either.
        return vectors * ops.cast(ops.expand_dims(item_indices > 0, -1), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_items": self.num_items, "dim": self.dim}


@keras.saving.register_keras_serializable(package="pnfrec")
class PositionEmbedding(keras.layers.Layer):
    """The table P (L, d), of positions from whichever end they count. Maps positions of any shape to their vectors."""

    def __init__(self, max_length: int, dim: int, stddev: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.dim = dim
        self.stddev = stddev

    def build(self, input_shape: Any = None) -> None:
        del input_shape
        shape = (self.max_length, self.dim)
        self.embeddings = self.add_weight(name="embeddings", shape=shape, initializer=normal(self.stddev))
        self.built = True

    def call(self, columns: Any) -> Any:
        return ops.take(ops.cast(self.embeddings, self.compute_dtype), columns, axis=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_length": self.max_length, "dim": self.dim, "stddev": self.stddev}


@keras.saving.register_keras_serializable(package="pnfrec")
class EncoderBlock(Block):
    """One block: q = LN(x); a = q + MHA(q, x, x, causal); b = LN(a); b + Drop(Dense(Drop(ReLU(Dense(b))))).

    Sequences are padded on the right, so causal attention already keeps real positions from seeing padding; what padded
    positions hold is zeroed by the caller.

    Call arguments:
        x: (batch, length, dim), or (tokens, dim) with `tokens`.
        tokens: Where flat tokens stand; None for padded rows.
        newest: Where the newest items stand, if their results are asked for alone: (batch, 1, dim).
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(dim, num_heads, dropout, **kwargs)
        common = self.common
        self.query_norm = LayerNorm(name="query_norm", **common)
        self.attention = CausalAttention(dim, num_heads, dropout, name="attention", **common)
        self.feed_forward_norm = LayerNorm(name="feed_forward_norm", **common)
        self.inner = dense(dim, "inner", activation="relu", **common)
        self.inner_dropout = Dropout(dropout, name="inner_dropout", **common)
        self.outer = dense(dim, "outer", **common)
        self.outer_dropout = Dropout(dropout, name="outer_dropout", **common)

    def build(self, input_shape: Any) -> None:
        self.query_norm.build(input_shape)
        self.attention.build(input_shape)
        self.feed_forward_norm.build(input_shape)
        self.inner.build(input_shape)
        self.outer.build(input_shape)
        self.built = True

    def call(
        self, x: Any, tokens: Tokens | None = None, newest: Newest | None = None, training: bool | None = None
    ) -> Any:
        query = self.query_norm(x if newest is None else newest.take(x), training=training)
        attended = self.attention(query, x, tokens=tokens, newest=newest, training=training)
        x = self.feed_forward_norm(query + attended, training=training)
        hidden = self.inner_dropout(self.inner(x), training=training)
        return x + self.outer_dropout(self.outer(hidden), training=training)


_BLOCKS: dict[str, Any] = {"sasrec": EncoderBlock, "ligr": LigrBlock, "hstu": HstuBlock}


@keras.saving.register_keras_serializable(package="pnfrec")
class SequenceEncoder(keras.layers.Layer):
    """A stack of blocks over one polarity. Output is zero at padding.

    Args:
        num_blocks: How many.
        dim: d, the width.
        num_heads: Of the attention; divides `dim`.
        dropout: Rate.
        block: "sasrec" (`EncoderBlock`, the paper's), "ligr" (`LigrBlock`) or "hstu" (`HstuBlock`).

    Call arguments:
        x: (batch, length, dim), or (tokens, dim) with `tokens`.
        mask: (batch, length), True at real positions; not for flat tokens, of which none is padding.
        tokens: Where flat tokens stand; None for padded rows.
        newest: Where the newest items stand, if their states are asked for alone: (batch, 1, dim).
    """

    def __init__(
        self, num_blocks: int, dim: int, num_heads: int, dropout: float, block: str = "sasrec", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_blocks = num_blocks
        self.dim = dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.block = block
        kind = _BLOCKS[block]
        self.blocks = [
            kind(dim, num_heads, dropout, name=f"block_{number}", dtype=self.dtype_policy)
            for number in range(num_blocks)
        ]

    def build(self, input_shape: Any) -> None:
        for block in self.blocks:
            block.build(input_shape)
        self.built = True

    def call(
        self,
        x: Any,
        mask: Any = None,
        tokens: Tokens | None = None,
        newest: Newest | None = None,
        training: bool | None = None,
    ) -> Any:
        real = 1.0 if mask is None else ops.cast(ops.expand_dims(mask, -1), self.compute_dtype)
        *others, last = self.blocks
        for block in others:
            x = block(x, tokens=tokens, training=training) * real
        if newest is not None:
            real = ops.cast(newest.real, self.compute_dtype)
        return last(x, tokens=tokens, newest=newest, training=training) * real

    def get_config(self) -> dict[str, Any]:
        config = {
            "num_blocks": self.num_blocks,
            "dim": self.dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "block": self.block,
        }
        return {**super().get_config(), **config}
