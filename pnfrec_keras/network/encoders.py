"""The two encoders over one item table: histories in, states and scores of the catalogue out (spec, section 3)."""

import dataclasses
import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from pnfrec_core.variants import variant_of
from pnfrec_core.whole_numbers import whole_number
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.batch import LABELLED, MIXED, NEGATIVE, POSITIVE
from pnfrec_keras.network.asked import readable
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.layer_norm import LayerNorm
from pnfrec_keras.network.layers import ItemEmbedding, PositionEmbedding, SequenceEncoder
from pnfrec_keras.network.newest import Newest
from pnfrec_keras.network.ragged import Tokens

Tensor = Any


class TwoEncoders(keras.Model):
    """What ranking needs of the model: layers, hidden states, scores.

    Args:
        num_items: N, the size of the catalogue.
        config: The network.

    Attributes:
        config: The same, with alpha, beta and similarity as the variant has them.
        reads: The sequence that the first encoder reads: "positive", or "mixed" for SASRec and SASRec_c.
        history_length: How many items of it.
        trend_weights: By the name of a sequence, what is chosen now (N + 1,); empty without `trend_days`.
    """

    def __init__(self, num_items: int, config: ModelConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_items = num_items = whole_number("num_items", num_items)
        self.config = config = _as_the_variant_has_it(config)
        # For those who rank by the model.
        self.variant, self.alpha, self.beta = config.variant, config.alpha, config.beta
        self.dim, self.max_length, self.trend_days = config.dim, config.max_length, config.trend_days
        mixed = variant_of(config.variant).mixed
        self.reads = MIXED if mixed else POSITIVE
        self.history_length = 2 * config.max_length if mixed else config.max_length
        self._make_layers()

    def _make_layers(self) -> None:
        config = self.config
        common: dict[str, Any] = {"dtype": self.dtype_policy}
        shape = (None, self.history_length, config.dim)
        self.item_embedding = ItemEmbedding(self.num_items, config.dim, name="item_embedding", **common)
        self.positive_positions = PositionEmbedding(
            self.history_length, config.dim, config.position_std, name="positive_positions", **common
        )
        self.input_dropout = Dropout(config.dropout, name="input_dropout", **common)
        stack = (config.num_blocks, config.dim, config.num_heads, config.dropout, config.block)
        self.positive_encoder = SequenceEncoder(*stack, name="positive_encoder", **common)
        self.final_norm = LayerNorm(name="final_norm", **common)
        self.negative_encoder = SequenceEncoder(*stack, name="negative_encoder", **common) if config.alpha else None
        self.negative_positions = self.positive_positions
        if config.alpha and not config.shared_positions:
            self.negative_positions = PositionEmbedding(
                config.max_length, config.dim, config.position_std, name="negative_positions", **common
            )
            self.negative_positions.build()
        self.negative_final_norm = self.final_norm
        if config.alpha and not config.shared_final_norm:
            self.negative_final_norm = LayerNorm(name="negative_final_norm", **common)
            self.negative_final_norm.build(shape)
        # Weights exist from the start, so that a checkpoint can be loaded before the first batch.
        self.item_embedding.build()
        self.positive_positions.build()
        self.positive_encoder.build(shape)
        self.final_norm.build(shape)
        if self.negative_encoder is not None:
            self.negative_encoder.build(shape)
        self.trend_weights: dict[str, Any] = {}
        if config.trend_days:
            self._make_trend_weights()
        self.built = True

    def _make_trend_weights(self) -> None:
        for sequence in (self.reads, NEGATIVE) if self.config.alpha else (self.reads,):
            name = "negative_trend" if sequence == NEGATIVE else "positive_trend"
            self.trend_weights[sequence] = self.add_weight(
                shape=[self.num_items + 1], initializer="zeros", trainable=False, name=name
            )

    def _part(self, sequence: str) -> tuple[Any, Any, Any]:
        """Position table, stack of blocks and final norm that read a sequence."""
        if sequence == self.reads:
            return self.positive_positions, self.positive_encoder, self.final_norm
        return self.negative_positions, self.negative_encoder, self.negative_final_norm

    def _encode(
        self,
        items: Tensor,
        sequence: str,
        training: bool | None,
        labelled: Tensor | None = None,
        only_newest: bool = False,
    ) -> Tensor:
        """Hidden states of each position, (batch, length, dim), or of the newest alone, (batch, 1, dim).

        `labelled`: how many items of each row count as such from the end on.
        """
        positions, encoder, norm = self._part(sequence)
        mask = items > 0  # (batch, length)
        real = ops.cast(ops.expand_dims(mask, -1), self.compute_dtype)
        columns = tf.range(tf.shape(items)[1])
        if self.config.positions == "from_end":
            # (batch, length); what padding gets has no meaning
            columns = _from_end(_lengths(items, labelled)[:, tf.newaxis], columns)
        x = math.sqrt(self.dim) * self.item_embedding(items) + positions(columns)
        x = self.input_dropout(x, training=training) * real
        newest = Newest(items) if only_newest else None
        return norm(encoder(x, mask, newest=newest, training=training), training=training)

    def _encode_tokens(
        self,
        items: Tensor,
        sequence: str,
        training: bool | None,
        labelled: Tensor | None = None,
        only_newest: bool = False,
    ) -> Tensor:
        """`_encode` without work on padding: what stands there is zero."""
        positions, encoder, norm = self._part(sequence)
        tokens = Tokens(items)
        columns = tokens.columns
        if self.config.positions == "from_end":
            columns = _from_end(tf.gather(_lengths(items, labelled), tokens.places[:, 0]), columns)
        x = math.sqrt(self.dim) * self.item_embedding(tokens.take(items)) + positions(columns)
        x = self.input_dropout(x, training=training)  # (tokens, dim)
        newest = Newest(items, tokens) if only_newest else None
        x = norm(encoder(x, tokens=tokens, newest=newest, training=training), training=training)
        return x if only_newest else tokens.put_back(x)

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> dict[str, Tensor]:
        """Hidden states of each position and polarity, (batch, length, dim). What stands at padding has no meaning."""
        hidden = {self.reads: self._hidden(self.reads, inputs, training)}
        if self.negative_encoder is not None and NEGATIVE in inputs:
            hidden[NEGATIVE] = self._hidden(NEGATIVE, inputs, training)
        return hidden

    def _hidden(self, sequence: str, inputs: dict[str, Tensor], training: bool | None) -> Tensor:
        # XLA needs shapes that do not depend on how many positions are real. After batches of two widths Keras traces
        # the step once more, for any width: then there is no telling which sequences are short.
        flat = training and not self.jit_compile and inputs[sequence].shape[1] is not None
        encode = self._encode_tokens if flat else self._encode
        return encode(inputs[sequence], sequence, training, inputs.get(sequence + LABELLED))

    def encode_history(self, history: Tensor, *, negative: bool = False, skip_padding: bool = False) -> Tensor:
        """The state after the last item of each history: (batch, history_length) -> (batch, dim).

        Args:
            history: Item indices, padded on the right: the positive ones, or all for SASRec and SASRec_c.
            negative: By the negative encoder, which must be there (`alpha` above 0); the history is the negative items.
            skip_padding: Leaves out padding: faster for many rows, slower for a few, and nothing for XLA.
        """
        encode = self._encode_tokens if skip_padding else self._encode
        return encode(history, NEGATIVE if negative else self.reads, False, only_newest=True)[:, 0]

    def scores(self, history: Tensor) -> Tensor:
        """Scores of the whole catalogue, float32 (batch, num_items + 1); column 0 is padding.

        Args:
            history: Item indices (batch, at most history_length), padded on the right with 0; see `encode_history`.

        Raises:
            ValueError: It is none, where it can be looked at (not in traced code).
        """
        if tf.executing_eagerly():
            history = readable(history, self.num_items, self.history_length)
        return self.state_scores(self.encode_history(history))

    def state_scores(self, state: Tensor, *, negative: bool = False) -> Tensor:
        """`scores` of what `encode_history` gives; float32 in mixed precision too, as exported: halves would tie."""
        table = tf.convert_to_tensor(self.item_embedding.embeddings)
        scores = tf.matmul(tf.cast(state, tf.float32), table, transpose_b=True)
        trend = self.trend_weights.get(NEGATIVE if negative else self.reads)
        return scores if trend is None else scores + tf.convert_to_tensor(trend)

    def fallback(self, popularity: Tensor) -> Tensor:
        """What ranks a history without any known item: what is chosen now where the model knows it, else `popularity`.

        Args:
            popularity: (num_items + 1,).
        """
        trend = self.trend_weights.get(self.reads)
        return popularity if trend is None else tf.convert_to_tensor(trend)


def _lengths(items: Tensor, labelled: Tensor | None) -> Tensor:
    """int32 (batch,), how many items of each row there are; those with a label alone, where that is told."""
    if labelled is None:
        return tf.math.count_nonzero(items, axis=1, dtype=tf.int32)
    return tf.cast(labelled, tf.int32)


def _from_end(lengths: Tensor, columns: Tensor) -> Tensor:
    """Positions from the newest item of so many; what stands behind it is as near to the end as that."""
    return tf.maximum(lengths - 1 - columns, 0)


def _as_the_variant_has_it(config: ModelConfig) -> ModelConfig:
    parts = variant_of(config.variant)
    return dataclasses.replace(
        config,
        alpha=config.alpha if parts.negative_loss else 0.0,
        beta=config.beta if parts.contrastive else 0.0,
        similarity="cosine" if parts.mixed else config.similarity,
    )
