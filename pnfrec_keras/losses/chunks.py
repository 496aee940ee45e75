"""How the losses go through the tokens of a step: a few at a time, so that (tokens, items) logits are never held."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any

# Elements of the logits of one chunk. Up to this many, 256 tokens at once were the fastest (benchmarks/README.md).
_BLOCK = 1 << 24
# Fewer tokens than this leave a matrix product waiting for memory; more fall out of the caches.
_FEWEST, _MOST = 64, 256


def tokens_at_once(items: int) -> int:
    """How many tokens are scored at once against a catalogue of `items`."""
    return min(max(_BLOCK // max(items, 1), _FEWEST), _MOST)


def even_chunk(tokens: Tensor, most: int) -> Tensor:
    """The size that cuts `tokens` into as few chunks of at most `most` as possible, with hardly any padding."""
    chunks = tf.maximum(-(-tokens // most), 1)
    return tf.maximum(-(-tokens // chunks), 1)


def in_chunks(
    part_loss: Callable[..., Tensor],
    by_token: tuple[Tensor, Tensor],
    negatives: Tensor,
    constants: list[Tensor],
    chunk: Any,
) -> list[Tensor]:
    """The loss summed over chunks of tokens, with its gradients by what it reads.

    Args:
        part_loss: Of some tokens: takes both vectors of each, (chunk, dim), the vectors of the negatives and the
            constants of each token; returns a scalar.
        by_token: Two vectors a token, (tokens, dim) each.
        negatives: (negatives, dim), shared by all tokens.
        constants: (tokens,) each; padded tokens get 0.
        chunk: How many tokens at once; a number where XLA needs it.

    Returns:
        The sum; its gradients by both of `by_token` and, float32, by `negatives`.
    """
    tokens, dim = tf.shape(by_token[0])[0], by_token[0].shape[1]
    # At least one chunk, since XLA takes no empty array. Padded tokens have weight 0.
    padding = tf.maximum(-(-tokens // chunk), 1) * chunk - tokens
    vectors = [tf.reshape(tf.pad(each, [[0, padding], [0, 0]]), [-1, chunk, dim]) for each in by_token]
    scalars = [tf.reshape(tf.pad(each, [[0, padding]]), [-1, chunk]) for each in constants]
    chunks = tf.shape(vectors[0])[0]

    def body(place: Tensor, total: Tensor, by_first: Any, by_second: Any, by_negatives: Tensor) -> tuple[Any, ...]:
        watched = [vectors[0][place], vectors[1][place], tf.identity(negatives)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            value = part_loss(*watched, [each[place] for each in scalars])
        first, second, third = tape.gradient(value, watched)
        by_negatives += tf.cast(third, tf.float32)
        return place + 1, total + value, by_first.write(place, first), by_second.write(place, second), by_negatives

    element = [chunk if isinstance(chunk, int) else None, dim]
    arrays = [tf.TensorArray(each.dtype, size=chunks, element_shape=element) for each in by_token]
    start = (tf.constant(0), tf.constant(0.0), *arrays, tf.zeros(tf.shape(negatives), tf.float32))
    found = tf.while_loop(lambda place, *_: place < chunks, body, start, parallel_iterations=1)
    return [found[1], *(tf.reshape(each.stack(), [-1, dim])[:tokens] for each in found[2:4]), found[4]]
