"""Whether the inputs of a signature have the same rows: checked inside the graph, so that every server refuses alike.

Without it a broadcast answers another number of rows than was asked.
"""

from typing import Any

import tensorflow as tf

from pnfrec_core import schema

Tensor = Any


def checked_rows(ids: Tensor, rows: Tensor, name: str) -> Tensor:
    """`ids` (batch, any width), if it has as many rows as the liked items; else the graph raises INVALID_ARGUMENT."""
    size = tf.shape(ids)[0]
    said = f"Input `{name}` must have as many rows as `{schema.POSITIVE_ITEM_IDS}`. Received, and rows:"
    with tf.control_dependencies([tf.debugging.Assert(tf.equal(size, rows), [said, size, rows])]):
        return tf.identity(ids)


def one_a_row(values: Tensor, rows: Tensor, name: str) -> Tensor:
    """`values` (batch,), one for each row of the liked items; of one value, as many; else as `checked_rows`."""
    size = tf.shape(values)[0]
    said = (
        f"Input `{name}` must have one value for each row of `{schema.POSITIVE_ITEM_IDS}`, or one for all. Received, "
    )
    fits = tf.equal(size, rows) | tf.equal(size, 1)
    with tf.control_dependencies([tf.debugging.Assert(fits, [said, size, rows])]):
        return tf.broadcast_to(values, rows[tf.newaxis])
