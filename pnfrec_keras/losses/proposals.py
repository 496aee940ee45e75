"""Negatives for the sampled losses: draws from a catalogue whose expected numbers are known.

Draws are stratified: of n draws, draw i comes from the i-th n-th of the distribution. An item is still drawn n * q
times on average, exactly, which is all that the corrections need; but few items come twice, the estimates vary less
than with independent draws, and n uniform draws among n items are each item once. Cost and memory are O(n) whatever the
size of the catalogue; shapes are static, for XLA.
"""

import math
from typing import Any

import tensorflow as tf

Tensor = Any

# Of a number in [0, 1), as fine as float64 has it.
_STEPS = 2**52


def uniform_items(items: int, count: int, seed: Tensor) -> Tensor:
    """Draws with q = 1 / items.

    Args:
        items: N, the size of the catalogue.
        count: n, the number of draws.
        seed: int32 (2,); the same seed gives the same draws.

    Returns:
        int32 (count,), item indices in 1..N.
    """
    # Whole numbers: float32 cannot tell the items of a large catalogue apart.
    inside = tf.random.stateless_uniform([count], seed, maxval=items, dtype=tf.int64)
    return tf.cast((tf.range(count, dtype=tf.int64) * items + inside) // count, tf.int32) + 1


def log_uniform_items(items: int, count: int, seed: Tensor) -> Tensor:
    """Draws with q(k) = log((k + 1) / k) / log(N + 1): Zipf's law, for items in the order of their popularity.

    The order of a `Vocabulary` is that. With another order the draws are still what `log_uniform_log_counts` says,
    only less useful. Arguments and result as in `uniform_items`.
    """
    # Whole numbers again: XLA draws other float64 than TensorFlow, but the same int64.
    inside = tf.random.stateless_uniform([count], seed, maxval=_STEPS, dtype=tf.int64)
    place = (tf.range(count, dtype=tf.float64) + tf.cast(inside, tf.float64) / _STEPS) / count
    return tf.minimum(tf.cast(tf.exp(place * math.log(items + 1)), tf.int32), items)  # exp() may round up to N + 1


def log_uniform_log_counts(indices: Tensor, items: int, count: int) -> Tensor:
    """log(n * q): how often each of `indices` (any shape, from 1) is expected among `count` log-uniform draws.

    The padding, 0, gets the value of item 1, which is finite.
    """
    share = tf.math.log1p(1.0 / tf.cast(tf.maximum(indices, 1), tf.float32)) / math.log(items + 1)
    return tf.math.log(share * count)
