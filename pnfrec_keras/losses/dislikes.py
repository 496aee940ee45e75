"""Terms that learn from dislikes in the ranking itself: docs/guides/dislikes.md.

Both read the state of the encoder of likes after the likes that precede a dislike, so that what is known when it is
scored is what was known when the user disliked it.
"""

from typing import Any

import tensorflow as tf

from pnfrec_keras.losses.chunks import even_chunk, tokens_at_once
from pnfrec_keras.losses.sampled import SampledLoss
from pnfrec_keras.losses.softmax import Offsets

Tensor = Any


def dislike_weights(
    disliked: Tensor,
    labels: Tensor,
    share: str,
    weights: Tensor | None = None,
    like_weights: Tensor | None = None,
) -> Tensor:
    """What each dislike weighs: float32 (batch, dislikes), 0 at padding.

    Args:
        disliked: (batch, dislikes), items; 0 is padding.
        labels: (batch, length), the likes to find; 0 is padding.
        share: "like": as much as a like; "user": the dislikes of a user weigh together as much as that user's likes.
        weights: (batch, dislikes) float32, how much each counts by itself; None: all alike, 1.
        like_weights: (batch, length) float32, the same of the likes.
    """
    real, likes = tf.cast(disliked > 0, tf.float32), tf.cast(labels > 0, tf.float32)
    real = real if weights is None else real * weights
    if share == "like":
        return real
    likes = likes if like_weights is None else likes * like_weights
    sums = [tf.reduce_sum(each, axis=1, keepdims=True) for each in (likes, real)]
    return tf.math.divide_no_nan(real * sums[0], sums[1])


def rejection_sum(
    hidden: Tensor,
    disliked: Tensor,
    places: Tensor,
    table: Tensor,
    weights: Tensor,
    offsets: Offsets | None = None,
    *,
    top: int = 0,
    compact: bool = True,
) -> Tensor:
    """Not to recommend: the sum of -log(1 - p(i)) over dislikes, p by the softmax over the catalogue, exact.

    -log(1 - p(i)) = softplus(s_i - logsumexp_{j != i} s_j), which stays finite where p(i) rounds to 1. The idea is that
    of "Learning from negative user feedback" (RecSys 2023, arXiv 2308.12256).

    Args:
        hidden: (batch, length, dim), states of the encoder of likes.
        disliked: (batch, dislikes), index of the disliked item, 0 at padding.
        places: (batch, dislikes), the position in `hidden` that each is scored at.
        table: (items + 1, dim), the item table; row 0 is padding and no candidate.
        weights: (batch, dislikes) float32, how much each counts.
        offsets: Added to the scores of the items, by a place (batch, dislikes) for each dislike; None: nothing.
        top: Leaves out items that this many others outscore; 0 leaves out none.
        compact: Scores real dislikes only; XLA needs False, see `terms.cross_entropy_sum`.

    Returns:
        Scalar, float32: the weighted sum; 0 when there is no dislike.
    """
    by_row = disliked if offsets is None else offsets.place
    states, item, weight, place = _each_dislike(hidden, disliked, places, weights, by_row, compact)
    rows = None if offsets is None else offsets._replace(place=place)
    most = tokens_at_once(table.shape[0] - 1)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def summed(states: Tensor, table: Tensor) -> tuple[Tensor, Any]:
        chunk = even_chunk(tf.shape(states)[0], most) if compact else most
        total, by_state, by_table = _rejections(states, item - 1, table[1:], tf.stop_gradient(weight), rows, top, chunk)

        def gradients(upstream: Tensor) -> tuple[Tensor, Tensor]:
            by_rows = tf.pad(upstream * by_table, [[1, 0], [0, 0]])
            return tf.cast(upstream, by_state.dtype) * by_state, tf.cast(by_rows, table.dtype)

        return total, gradients

    # A tensor, since what has its own gradient must not read variables.
    return summed(states, tf.convert_to_tensor(table))


def sampled_rejection(
    hidden: Tensor,
    disliked: Tensor,
    places: Tensor,
    table: Tensor,
    weights: Tensor,
    loss: SampledLoss,
    seed: Tensor,
    *,
    compact: bool = True,
) -> Tensor:
    """What stands for `rejection_sum` where the catalogue is too large for it: `loss` beside sampled negatives.

    `SampledLoss.rejected` has the equation. `loss` is that of the likes, and the int32 (2,) `seed` that of their
    negatives. Other arguments and the result as in `rejection_sum`.
    """
    states, item, weight, _ = _each_dislike(hidden, disliked, places, weights, disliked, compact)
    return loss.rejected(states, item, table, seed, weight, static_shapes=not compact)


def _each_dislike(
    hidden: Tensor, disliked: Tensor, places: Tensor, weights: Tensor, by_row: Tensor, compact: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The state, item, weight and place (`by_row`) of each dislike in one row; of real ones only if `compact`."""
    states = tf.gather(hidden, places, batch_dims=1)  # (batch, dislikes, dim)
    constants = [disliked, tf.where(disliked > 0, weights, 0.0), by_row]
    if compact:
        states = tf.boolean_mask(states, disliked > 0)
        item, weight, place = (tf.boolean_mask(each, disliked > 0) for each in constants)
    else:
        # Padding takes the place of the first item, and weighs nothing.
        states = tf.reshape(states, [-1, hidden.shape[-1]])
        item, weight, place = (tf.reshape(each, [-1]) for each in constants)
        item = tf.maximum(item, 1)
    return states, item, weight, place


def _rejections(
    states: Tensor, item: Tensor, table: Tensor, weight: Tensor, offsets: Offsets | None, top: int, chunk: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """The weighted sum over dislikes, and its gradients by `states` and, float32, by `table`.

    With p the probability of an item, the score of the item itself moves the term by p, and that of any other one by
    -p times its share of what the others have.
    """
    wanted = tf.gather(table, item)
    own = tf.reduce_sum(tf.cast(states, tf.float32) * tf.cast(wanted, tf.float32), axis=1)
    if offsets is not None:
        own += tf.gather_nd(offsets.rows, tf.stack([tf.cast(offsets.place, item.dtype), item], axis=1))
    padding = tf.maximum(-(-tf.shape(states)[0] // chunk), 1) * chunk - tf.shape(states)[0]
    vectors = tf.reshape(tf.pad(states, [[0, padding], [0, 0]]), [-1, chunk, table.shape[1]])
    places = [] if offsets is None else [offsets.place]
    columns = [tf.reshape(tf.pad(each, [[0, padding]]), [-1, chunk, 1]) for each in (item, weight, own, *places)]
    items = tf.range(table.shape[0], dtype=item.dtype)[tf.newaxis, :]

    def body(part: Tensor, total: Tensor, pushes: Any, by_state: Any, by_table: Tensor) -> tuple[Any, ...]:
        vector, (each, share, score, *place) = vectors[part], [column[part] for column in columns]
        logits = tf.cast(tf.matmul(vector, table, transpose_b=True), tf.float32)
        if offsets is not None:
            logits += tf.gather(offsets.rows, place[0][:, 0])
        others = tf.where(items == each, tf.float32.min, logits)
        if top:
            above = tf.math.count_nonzero(others > score, axis=1, keepdims=True)
            share = tf.where(above < top, share, 0.0)
        shift = tf.reduce_max(others, axis=1, keepdims=True)
        exponentials = tf.exp(others - shift)
        sums = tf.reduce_sum(exponentials, axis=1, keepdims=True)
        lead = score - shift - tf.math.log(sums)  # log(p / (1 - p))
        push = share * tf.sigmoid(lead)
        if table.dtype == tf.float16:  # whose range a share of a share of the catalogue leaves
            exponentials, sums = exponentials / sums, tf.ones_like(sums)
        away = tf.cast(-push / sums, table.dtype)
        exponentials = tf.cast(exponentials, table.dtype)
        by_state = by_state.write(part, away * tf.matmul(exponentials, table))
        by_table += tf.cast(tf.matmul(exponentials, away * vector, transpose_a=True), tf.float32)
        total += tf.reduce_sum(share * tf.nn.softplus(lead))
        return part + 1, total, pushes.write(part, push), by_state, by_table

    size, chunks = chunk if isinstance(chunk, int) else None, tf.shape(vectors)[0]
    arrays = [
        tf.TensorArray(dtype, size=chunks, element_shape=[size, width])
        for dtype, width in ((tf.float32, 1), (table.dtype, table.shape[1]))
    ]
    start = (tf.constant(0), tf.constant(0.0), *arrays, tf.zeros(table.shape, tf.float32))
    _, total, pushes, by_state, by_table = tf.while_loop(
        lambda part, *_: part < chunks, body, start, parallel_iterations=1
    )
    push, by_state = (
        tf.reshape(each.stack(), [-1, width])[: tf.shape(states)[0]]
        for each, width in ((pushes, 1), (by_state, table.shape[1]))
    )
    by_state += tf.cast(push, wanted.dtype) * wanted
    by_table += tf.math.unsorted_segment_sum(push * tf.cast(states, tf.float32), item, table.shape[0])
    return total, by_state, by_table


def preference_sum(
    hidden: Tensor, labels: Tensor, disliked: Tensor, places: Tensor, table: Tensor, weights: Tensor
) -> Tensor:
    """The sum of -log sigmoid(s_y - s_i) over dislikes i that a like y follows, both scored by the state before them.

    The scores are those of the network alone, without a trend: the two items were chosen at different times.

    Args:
        hidden: (batch, length, dim), states of the encoder of likes.
        labels: (batch, length), the next like of each position, 0 where there is none.
        disliked: (batch, dislikes), index of the disliked item, 0 at padding.
        places: (batch, dislikes), the position in `hidden` of the last like before each.
        table: (items + 1, dim), the item table.
        weights: (batch, dislikes) float32, how much each counts.

    Returns:
        Scalar, float32: the weighted sum; 0 when there is no such pair.
    """
    states = tf.cast(tf.gather(hidden, places, batch_dims=1), tf.float32)
    liked = tf.gather(labels, places, batch_dims=1)  # (batch, dislikes)
    vectors = [tf.cast(tf.gather(table, items), tf.float32) for items in (disliked, liked)]
    difference = tf.reduce_sum(states * (vectors[0] - vectors[1]), axis=-1)
    counts = (disliked > 0) & (liked > 0)
    return tf.reduce_sum(tf.where(counts, weights * tf.nn.softplus(difference), 0.0))
