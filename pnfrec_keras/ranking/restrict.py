"""What a query may ask of its list beyond exclusions: only these items, and at most so many of one group.

Both act on scores as `ranking.topk.exclude` returns them, so that ties, the padding column and what is no finite number
are those of every other list.
"""

from typing import Any

import tensorflow as tf

Tensor = Any

# So many times the list is looked at first, and each time so many times more, until all lists are full.
_FIRST, _MORE = 4, 8
_LEAST = 64


def allow(scores: Tensor, item_indices: Tensor, asked: Tensor) -> Tensor:
    """Scores with -inf for what is not allowed.

    Args:
        scores: (batch, items + 1), of `topk.exclude`.
        item_indices: (batch, width), the allowed items of each row; 0 is padding or unknown. Width may be 0.
        asked: bool (batch,): whether the row allows some items only. Where False, all are allowed; where True and none
            of its items is known, none is.
    """
    batch, columns = tf.shape(scores)[0], tf.shape(scores)[1]
    rows = tf.broadcast_to(tf.range(batch)[:, tf.newaxis], tf.shape(item_indices))
    places = tf.reshape(tf.stack([rows, tf.cast(item_indices, tf.int32)], axis=-1), [-1, 2])
    named = tf.zeros([batch, columns], tf.bool)
    named = tf.tensor_scatter_nd_update(named, places, tf.ones([tf.shape(places)[0]], tf.bool))
    allowed = named | ~asked[:, tf.newaxis]
    # Column 0 is -inf whether or not padding "allows" it.
    return tf.where(allowed, scores, tf.constant(float("-inf"), scores.dtype))


def top_of_groups(scores: Tensor, k: Tensor, groups: Tensor, most: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The best items of each row of which at most so many are of one group.

    That is what the greedy choice gives: go through the items from the best on, and pass over those whose group is
    full. An item is taken just where fewer than `most` better ones are of its group, so that no loop is needed.

    Args:
        scores: (batch, items + 1), of `topk.exclude`.
        k: Scalar int32, how many at the most.
        groups: int32 (items + 1,), the group of each item; 0 is none, which is never full.
        most: int32 (batch,), how many of one group a row may hold; below 1 is as many as there are.

    Returns:
        As `topk.top_items`.
    """
    items = tf.shape(scores)[1] - 1
    width = tf.clip_by_value(k, 0, items)
    listable = tf.math.count_nonzero(tf.math.is_finite(scores), axis=1, dtype=tf.int32)

    def look(depth: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        depth = tf.minimum(depth, items)
        values, indices = tf.math.top_k(scores, depth)
        values = tf.where(_fit(tf.gather(groups, indices), most), values, float("-inf"))
        found = tf.math.count_nonzero(tf.math.is_finite(values), axis=1, dtype=tf.int32)
        # A list is full, or nothing that may be listed lies deeper.
        return depth * _MORE, values, indices, tf.reduce_all((found >= width) | (listable <= depth))

    first = tf.maximum(width * _FIRST, _LEAST)
    nothing = tf.zeros([tf.shape(scores)[0], 0], scores.dtype)
    start = [first, nothing, tf.cast(nothing, tf.int32), tf.constant(False)]
    shapes = [first.shape, tf.TensorShape([None, None]), tf.TensorShape([None, None]), tf.TensorShape([])]
    _, values, indices, _ = tf.while_loop(lambda *state: ~state[-1], look, start, shape_invariants=shapes)
    values, places = tf.math.top_k(values, width)
    valid = tf.math.is_finite(values)
    indices = tf.gather(indices, places, axis=1, batch_dims=1)
    return tf.where(valid, indices, 0), tf.where(valid, values, tf.zeros_like(values)), valid


def _fit(groups: Tensor, most: Tensor) -> Tensor:
    """Which of some items, best first, find room in their group.

    Args:
        groups: int32 (batch, depth), the group of each; 0 is none.
        most: int32 (batch,), as `top_of_groups` takes it.

    Returns:
        bool (batch, depth).
    """
    batch, depth = tf.shape(groups)[0], tf.shape(groups)[1]
    # Those of a group beside one another, in their order: no two keys are equal, so that any sort will do.
    width = tf.cast(depth, tf.int64)
    keys = tf.sort(tf.cast(groups, tf.int64) * width + tf.range(width), axis=1)
    group, place = keys // width, tf.cast(keys % width, tf.int32)
    begins = tf.concat([tf.ones([batch, 1], tf.bool), tf.not_equal(group[:, 1:], group[:, :-1])], axis=1)
    begins = tf.reshape(begins, [batch * depth])
    run, number = tf.cumsum(tf.cast(begins, tf.int32)) - 1, tf.range(batch * depth)
    first = tf.math.unsorted_segment_min(number, run, batch * depth)
    better = tf.reshape(number - tf.gather(first, run), [batch, depth])
    limit = most[:, tf.newaxis]
    fits = tf.equal(group, 0) | (limit < 1) | (better < limit)
    rows = tf.broadcast_to(tf.range(batch)[:, tf.newaxis], [batch, depth])
    return tf.scatter_nd(tf.stack([rows, place], axis=-1), fits, [batch, depth])
