"""Causal attention against Keras' own, and the layouts against each other."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.network.attention import CausalAttention
from pnfrec_keras.network.ragged import Tokens, length_groups

DIM, HEADS, LENGTH = 12, 3, 7
ITEMS = np.array(
    [[1, 0, 0, 0, 0, 0, 0], [0] * 7, [3, 4, 5, 6, 7, 8, 9], [2, 9, 0, 0, 0, 0, 0], [5, 5, 5, 5, 0, 0, 0]], np.int32
)


@pytest.fixture
def layer() -> CausalAttention:
    keras.utils.set_random_seed(1)
    made = CausalAttention(DIM, HEADS, 0.5)
    made.build((None, LENGTH, DIM))
    for weight in made.weights:
        weight.assign(np.random.default_rng(weight.shape[0]).normal(0, 0.4, weight.shape))
    return made


def vectors(seed: int) -> Any:
    return tf.constant(np.random.default_rng(seed).normal(size=(len(ITEMS), LENGTH, DIM)), tf.float32)


def test_it_equals_the_attention_of_keras(layer: CausalAttention) -> None:
    oracle = keras.layers.MultiHeadAttention(HEADS, DIM // HEADS)
    oracle.build((None, LENGTH, DIM), (None, LENGTH, DIM))
    shape = (DIM, HEADS, DIM // HEADS)
    query, query_bias, both, both_bias, output, output_bias = layer.get_weights()
    pairs = [(query, query_bias), (both[:, :DIM], both_bias[:DIM]), (both[:, DIM:], both_bias[DIM:])]
    wanted = [part for kernel, bias in pairs for part in (kernel.reshape(shape), bias.reshape(shape[1:]))]
    oracle.set_weights([*wanted, output.reshape(*shape[1:], DIM), output_bias])
    expected = oracle(vectors(1), vectors(2), use_causal_mask=True)
    np.testing.assert_allclose(layer(vectors(1), vectors(2)), expected, rtol=1e-4, atol=1e-4)


def test_flat_tokens_give_what_padded_rows_give(layer: CausalAttention) -> None:
    query, context, tokens = vectors(1), vectors(2), Tokens(tf.constant(ITEMS))
    flat = layer(tokens.take(query), tokens.take(context), tokens=tokens)
    assert flat.shape == (np.count_nonzero(ITEMS), DIM)
    expected = layer(query, context).numpy() * (ITEMS > 0)[..., np.newaxis]
    np.testing.assert_allclose(tokens.put_back(flat), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.5])
@pytest.mark.parametrize("training", [True, False])
def test_their_gradients_agree(
    layer: CausalAttention, training: bool, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The written one of flat tokens (outside of training TensorFlow's), and TensorFlow's of padded rows; also of the
    weights that are dropped.
    """

    def drawn(shape: Any, training: bool | None) -> Any:
        del training  # It drops the same either way.
        places = tf.cast(tf.range(shape[2])[:, tf.newaxis] * 3 + tf.range(shape[3]), tf.float32)
        keep = tf.cast(tf.math.floormod(places, 7.0) >= 7.0 * rate, tf.float32) / (1 - rate)
        return lambda values: values * keep

    monkeypatch.setattr(layer.dropout, "drawn", drawn)
    query, context, tokens = vectors(1), vectors(2), Tokens(tf.constant(ITEMS))
    gradients = []
    for flat in (True, False):
        with tf.GradientTape() as tape:
            tape.watch([query, context])
            if flat:
                attended = tokens.put_back(
                    layer(tokens.take(query), tokens.take(context), tokens=tokens, training=training)
                )
            else:
                attended = layer(query, context)
            real = tf.cast(ITEMS > 0, tf.float32)[..., tf.newaxis]
            value = tf.reduce_sum(tf.sin(attended) * real)
        gradients.append(tape.gradient(value, [query, context, *layer.trainable_weights]))
    for flat, padded in zip(*gradients, strict=True):
        np.testing.assert_allclose(flat, padded, rtol=1e-3, atol=1e-4)


def test_no_position_sees_a_later_one(layer: CausalAttention) -> None:
    query, context = vectors(1), vectors(2)
    changed = tf.tensor_scatter_nd_add(context, [[2, 4]], [tf.ones(DIM)])
    difference = np.abs(layer(query, context) - layer(query, changed)).max(-1)
    assert not difference[2, :4].any()
    assert (difference[2, 4:] > 0).all()
    assert not difference[[0, 1, 3, 4]].any()


def test_weights_are_dropped_in_training_only(layer: CausalAttention) -> None:
    once, twice = (layer(vectors(1), vectors(2), training=True).numpy() for _ in range(2))
    assert not np.allclose(once, twice)
    np.testing.assert_array_equal(layer(vectors(1), vectors(2)), layer(vectors(1), vectors(2), training=False))


def test_it_is_rebuilt_from_its_config(layer: CausalAttention) -> None:
    again = CausalAttention.from_config(layer.get_config())
    assert (again.dim, again.num_heads, again.rate) == (DIM, HEADS, 0.5)


def test_tokens_come_in_the_order_of_the_rows_and_go_back() -> None:
    tokens = Tokens(tf.constant(ITEMS))
    np.testing.assert_array_equal(tokens.take(tf.constant(ITEMS)), ITEMS[ITEMS > 0])
    np.testing.assert_array_equal(tokens.columns, np.nonzero(ITEMS)[1])
    values = tf.cast(tokens.take(tf.constant(ITEMS)), tf.float32)[:, tf.newaxis]
    np.testing.assert_array_equal(tokens.put_back(values)[..., 0], ITEMS)


def test_a_batch_of_padding_has_no_token() -> None:
    tokens = Tokens(tf.zeros([3, LENGTH], tf.int32))
    assert tokens.put_back(tokens.grouped(lambda x: (x, lambda _, above: [above]), tf.zeros([0, 4]))).shape == (
        3,
        LENGTH,
        4,
    )


def test_rows_are_grouped_by_length() -> None:
    groups = length_groups(tf.constant([1, 0, 12, 2, 6, 5]), 12)
    assert [(longest, rows.numpy().tolist()) for longest, rows in groups] == [(2, [0, 3]), (6, [4, 5]), (12, [2])]
    assert [longest for longest, _ in length_groups(tf.constant([1]), 2)] == [1, 2]
