"""The signatures `user_vectors` and `item_vectors`, for those who search by an index of their own.

The score by which `serving_default` ranks an item is the inner product of the two vectors. The last place of a user's
is 1, and of an item's what its score gets whoever asks: trend, recency and the rule as it acts without dislikes.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from pnfrec_core import schema

if TYPE_CHECKING:
    from pnfrec_keras.export.ranker import Ranker

Tensor = Any


def user_vectors(ranker: "Ranker", history_ids: Tensor) -> dict[str, Tensor]:
    """float32 (batch, dim + 1) for histories of raw ids, and how many items of each the model knows.

    A history without a known item has a vector that means nothing: `serving_default` answers it by popularity.
    """
    history = ranker.table.lookup(history_ids)
    state = ranker.encode_latest(history)
    ones = tf.ones([tf.shape(state)[0], 1], state.dtype)
    known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
    return {schema.OUTPUT_VECTORS: tf.concat([state, ones], axis=1), schema.OUTPUT_KNOWN_ITEMS: known}


def item_vectors(ranker: "Ranker", item_ids: Tensor) -> dict[str, Tensor]:
    """float32 (items, dim + 1) of the named items, in their order; of the whole catalogue where none is named.

    What the model does not know has a vector of zeros.
    """
    every = tf.equal(tf.size(item_ids), 0)
    catalogue = tf.range(1, ranker.num_items + 1)
    indices = tf.cond(every, lambda: catalogue, lambda: ranker.table.lookup(item_ids))
    ids = tf.cond(every, lambda: ranker.item_ids[1:], lambda: item_ids)
    indices, ids = tf.ensure_shape(indices, [None]), tf.ensure_shape(ids, [None])
    known = indices > 0
    rows = tf.gather(_matrix(ranker), indices)
    vectors = tf.where(known[:, tf.newaxis], rows, tf.zeros_like(rows))
    return {schema.OUTPUT_ITEM_IDS: ids, schema.OUTPUT_VECTORS: vectors, schema.OUTPUT_KNOWN: known}


def _matrix(ranker: "Ranker") -> Tensor:
    """(items + 1, dim + 1): what the score adds up from."""
    table = ranker.item_table()
    offsets = ranker.scorer.offsets(tf.shape(table)[1], ranker.gamma)
    return tf.concat([table, offsets[:, tf.newaxis]], axis=1)
