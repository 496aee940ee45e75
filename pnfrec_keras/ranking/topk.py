"""The one way in which items are scored, filtered and ranked: validation, the gate and serving all call these
functions.

Columns are item indices: column 0 is padding and never ranked. Higher scores come first; equal scores in the order of
the vocabulary (lower index first), which is how `tf.math.top_k` breaks ties.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

# Scores looked at together: 8 MiB of float32 stay in the caches from the product to the rank.
_BLOCK = 1 << 21


def latest_items(item_indices: Tensor, max_length: int) -> Tensor:
    """The last `max_length` known items of each history, padded on the right.

    Args:
        item_indices: (batch, width), oldest first; 0 is padding or unknown, and may stand anywhere. Width may be 0.
        max_length: L.

    Returns:
        int32 (batch, max_length).
    """
    item_indices = tf.cast(item_indices, tf.int32)
    known = tf.cast(item_indices > 0, tf.int32)
    count = tf.reduce_sum(known, axis=1, keepdims=True)
    # Where each known item goes; those before the last L fall below 0.
    column = tf.cumsum(known, axis=1) - 1 - tf.maximum(count - max_length, 0)
    # What is left out goes into one column more, which is cut off: shapes that hang on no value suit XLA.
    column = tf.where((known > 0) & (column >= 0), column, max_length)
    rows = tf.broadcast_to(tf.range(tf.shape(column)[0])[:, tf.newaxis], tf.shape(column))
    shape = tf.stack([tf.shape(column)[0], max_length + 1])
    kept = tf.scatter_nd(tf.stack([rows, column], axis=-1), item_indices, shape)[:, :max_length]
    return tf.ensure_shape(kept, [None, max_length])


def fall_back(scores: Tensor, known: Tensor, popularity: Tensor, *, static_shapes: bool = False) -> Tensor:
    """Popularity in place of the scores of a history without any known item: the network has nothing to read there.

    Args:
        scores: (batch, items + 1).
        known: (batch,), number of known items in each history.
        popularity: (items + 1,).
        static_shapes: For XLA: without a branch.
    """
    unread = tf.equal(known, 0)

    def chosen() -> Tensor:
        return tf.where(unread[:, tf.newaxis], popularity[tf.newaxis, :], scores)

    # Choosing between them is a pass over all scores: only where there is something to choose.
    return chosen() if static_shapes else tf.cond(tf.reduce_any(unread), chosen, lambda: scores)


def finite(scores: Tensor) -> Tensor:
    """Scores with -inf in place of NaN and of the infinities, as the numpy evaluation has them (`rank_all`).

    Before anything is sorted: TensorFlow's `top_k` on CPU may lose the largest score beside a NaN, so that a filter of
    its result comes too late.
    """
    return tf.where(tf.math.is_finite(scores), scores, tf.constant(float("-inf"), scores.dtype))


def exclude(scores: Tensor, item_indices: Tensor) -> Tensor:
    """Scores with -inf for the padding column, for the given items and for what is no finite number.

    Args:
        scores: (batch, items + 1).
        item_indices: (batch, width); 0 is padding. Width may be 0; items may repeat.
    """
    batch = tf.shape(scores)[0]
    # Column 0 goes into every row, whatever the width.
    columns = tf.concat([tf.zeros([batch, 1], tf.int32), tf.cast(item_indices, tf.int32)], axis=1)
    rows = tf.broadcast_to(tf.range(batch)[:, tf.newaxis], tf.shape(columns))
    indices = tf.reshape(tf.stack([rows, columns], axis=-1), [-1, 2])
    updates = tf.fill([tf.shape(indices)[0]], tf.constant(float("-inf"), scores.dtype))
    return tf.tensor_scatter_nd_update(finite(scores), indices, updates)


def target_rank(scores: Tensor, target: Tensor, *, static_shapes: bool = False) -> Tensor:
    """Rank of each target among the items that are not excluded.

    Args:
        scores: (batch, items + 1) as `exclude` returns them.
        target: (batch,) item index; 0 is unknown.
        static_shapes: Ranks every row by the slow rule, as XLA needs it; the result is the same.

    Returns:
        int64 (batch,): 1 is best; 0 when the target is unknown or excluded, or its score was no finite number: no list
        ever holds it, and a broken model must not look perfect.
    """
    target = tf.cast(target, tf.int32)
    if static_shapes:
        return _rank_by_order(scores, target)
    target_score = tf.gather(scores, target, axis=1, batch_dims=1)[:, tf.newaxis]
    above = tf.reduce_sum(tf.cast(scores > target_score, tf.int32), axis=1)
    below = tf.reduce_sum(tf.cast(scores < target_score, tf.int32), axis=1)
    # Where the target alone is neither, nothing ties with it and nothing is NaN: two passes over the scores are enough.
    is_clear = tf.equal(above + below, tf.shape(scores)[1] - 1)
    unclear = tf.where(~is_clear)[:, 0]
    by_order = _rank_by_order(tf.gather(scores, unclear), tf.gather(target, unclear))
    rankable = (target > 0) & tf.math.is_finite(target_score[:, 0])
    rank = tf.where(rankable, tf.cast(above, tf.int64) + 1, 0)
    return tf.tensor_scatter_nd_update(rank, unclear[:, tf.newaxis], by_order)


def _rank_by_order(scores: Tensor, target: Tensor) -> Tensor:
    """`target_rank` from the definition: how many ranked items do not come behind the target."""
    target_score = tf.gather(scores, target, axis=1, batch_dims=1)[:, tf.newaxis]
    column = tf.range(tf.shape(scores)[1])[tf.newaxis, :]
    behind = (scores < target_score) | ((scores == target_score) & (column > target[:, tf.newaxis]))
    ranked = tf.math.not_equal(scores, float("-inf"))
    rank = tf.math.count_nonzero(ranked & ~behind, axis=1, dtype=tf.int64)
    rankable = (target > 0) & tf.math.is_finite(target_score[:, 0])
    return tf.where(rankable, rank, tf.zeros_like(rank))


def top_items(scores: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The best items of each row.

    Args:
        scores: (batch, items + 1) as `exclude` returns them.
        k: Scalar int32, how many at the most.

    Returns:
        Indices int32 (batch, width), scores (batch, width) and which of them are recommendations, bool (batch, width);
        width = min(k, items). Where False, index and score are 0.
    """
    width = tf.clip_by_value(k, 0, tf.shape(scores)[1] - 1)
    values, indices = tf.math.top_k(scores, width)
    valid = tf.math.is_finite(values)
    return tf.where(valid, indices, 0), tf.where(valid, values, tf.zeros_like(values)), valid


def best_items(scores: Tensor, excluded: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`top_items` of `exclude`: the same answer, the cheaper way.

    To exclude copies the scores. Where they are many, the best k + exclusions are found first, and filtered.

    Args:
        scores: (batch, items + 1).
        excluded: (batch, width) as `exclude` takes them.
        k: Scalar int32.
    """
    # Column 0 goes with the excluded ones, whatever the width.
    excluded = tf.pad(excluded, [[0, 0], [0, 1]])
    columns, width = tf.shape(scores)[1], tf.shape(excluded)[1]
    count = tf.clip_by_value(k, 0, columns - 1)
    depth = tf.minimum(count + width, columns)

    def filtered() -> tuple[Tensor, Tensor, Tensor]:
        values, indices = tf.math.top_k(finite(scores), depth)
        out = tf.reduce_any(tf.equal(indices[:, :, tf.newaxis], excluded[:, tf.newaxis, :]), axis=-1)
        values, places = tf.math.top_k(tf.where(out, float("-inf"), values), count)
        valid = tf.math.is_finite(values)
        indices = tf.gather(indices, places, axis=1, batch_dims=1)
        return tf.where(valid, indices, 0), tf.where(valid, values, 0.0), valid

    # A comparison of each candidate with each exclusion costs about as much as copying a score.
    return tf.cond(depth < columns // (2 * width), filtered, lambda: top_items(exclude(scores, excluded), k))  # type: ignore[no-any-return]


def by_blocks(
    function: Callable[..., tuple[Tensor, ...]], values: Sequence[Tensor], columns: int, dtypes: Sequence[Any]
) -> tuple[Tensor, ...]:
    """Applies a function to a few rows at a time, so that what it scores fits in the caches whatever the batch.

    Args:
        function: Maps slices of `values` to as many rows of each result. It must not look across rows.
        values: Tensors (batch, ...).
        columns: Width of the scores that the function makes; decides how many rows it gets at once.
        dtypes: Of its results.

    Returns:
        The results (batch, ...), in order.
    """
    size = max(_BLOCK // columns, 1)
    # At least one block: an empty batch has results too, of no row.
    blocks = tf.maximum(-(-tf.shape(values[0])[0] // size), 1)

    def body(block: Tensor, *arrays: Any) -> tuple[Any, ...]:
        begin = block * size
        results = function(*(value[begin : begin + size] for value in values))
        return block + 1, *(array.write(block, result) for array, result in zip(arrays, results, strict=True))

    start = [tf.TensorArray(dtype, size=blocks, infer_shape=False) for dtype in dtypes]
    _, *arrays = tf.while_loop(lambda block, *_: block < blocks, body, [0, *start], parallel_iterations=1)
    return tuple(array.concat() for array in arrays)
