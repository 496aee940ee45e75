"""The newest item of each history: whoever ranks asks for its state and for no other.

So the last block of an encoder need not work on the rest. It reads all positions, as keys and values, and does all that
comes after that for one position of each history. The result is that of the whole block there, but for the rounding.
"""

from typing import Any

import tensorflow as tf

from pnfrec_keras.network.ragged import Tokens

Tensor = Any


class Newest:
    """Where the newest items of a batch of histories stand.

    Args:
        items: (batch, length) item indices, padded on the right with 0.
        tokens: Where flat tokens stand; None for padded rows.

    Attributes:
        real: bool (batch, 1, 1), False where a history has no item.
        seen: bool (batch, 1, 1, length), the positions that the newest item sees: those up to its own.
    """

    def __init__(self, items: Tensor, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        lengths = tf.math.count_nonzero(items, axis=1, dtype=tf.int32)
        self._columns = tf.maximum(lengths - 1, 0)
        self.real = (lengths > 0)[:, tf.newaxis, tf.newaxis]
        self.seen = (tf.range(tf.shape(items)[1]) <= self._columns[:, tf.newaxis])[:, tf.newaxis, tf.newaxis, :]

    def take(self, values: Tensor) -> Tensor:
        """Its values: (batch, length, dim), or (tokens, dim), to (batch, 1, dim)."""
        return tf.gather(self.rows(values), self._columns, axis=1, batch_dims=1)[:, tf.newaxis]

    def rows(self, values: Tensor) -> Tensor:
        """All values in padded rows: (batch, length, dim), or (tokens, dim), to (batch, length, dim)."""
        return values if self._tokens is None else self._tokens.put_back(values)
