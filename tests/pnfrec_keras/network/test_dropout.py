"""Dropout: its share, its scale, its seed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.network.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(101, 33, 7), (4096, 6)])
def test_it_drops_the_share_and_keeps_the_expectation(rate: float, compiled: bool, shape: tuple[int, ...]) -> None:
    layer = Dropout(rate, seed=1)
    call = tf.function(lambda x: layer(x, training=True), jit_compile=compiled)
    dropped = call(tf.ones(shape)).numpy()
    error = 5 * np.sqrt(rate * (1 - rate) / dropped.size)
    assert np.mean(dropped == 0) == pytest.approx(rate, abs=error)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / (1 - rate), rtol=1e-3)
    assert not np.array_equal(call(tf.ones(shape)).numpy(), dropped), "each call draws anew"


def test_neighbours_are_independent() -> None:
    """Two of them come from one word of 32 bits."""
    kept = Dropout(0.5, seed=2)(tf.ones((50_000, 2)), training=True).numpy() > 0
    assert np.mean(kept[:, 0] & kept[:, 1]) == pytest.approx(0.25, abs=0.01)


def test_the_gradient_flows_through_what_was_kept() -> None:
    x = tf.random.normal((20, 5))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.3, seed=3)(x, training=True)
    np.testing.assert_allclose(tape.gradient(y, x), np.where(y == 0, 0, 1 / 0.7), rtol=1e-4)


def test_the_seed_decides() -> None:
    first, again, other = (Dropout(0.5, seed=seed)(tf.ones(1000), training=True).numpy() for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_nothing_is_dropped_outside_of_training(rate: float) -> None:
    x = tf.random.normal((9, 3))
    for training in (False, None) if rate else (True, False, None):
        np.testing.assert_array_equal(Dropout(rate)(x, training=training), x)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_dtype_stays(dtype: str) -> None:
    y = Dropout(0.2, seed=1, dtype=dtype)(tf.ones((7, 3), dtype), training=True)
    assert y.dtype == tf.as_dtype(dtype)


@pytest.mark.parametrize("shape", [(0, 4), (1,), (3, 1)])
def test_small_and_empty_inputs(shape: tuple[int, ...]) -> None:
    assert Dropout(0.5, seed=1)(tf.ones(shape), training=True).shape == shape


def test_a_rate_next_to_1_stays_finite() -> None:
    assert np.isfinite(Dropout(0.9999999, seed=1)(tf.ones(100), training=True)).all()


def test_it_is_rebuilt_from_its_config() -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Dropout(0.25, seed=6)))
    assert isinstance(again, Dropout)
    assert (again.rate, again.seed) == (0.25, 6)
