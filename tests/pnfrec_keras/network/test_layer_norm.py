"""Layer normalisation with a gradient of its own, against Keras'."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.network.layer_norm import EPSILON, LayerNorm


def made(kind: Any, dim: int, **settings: Any) -> Any:
    layer = kind(epsilon=EPSILON, **settings)
    layer.build((None, dim))
    generator = np.random.default_rng(dim)
    layer.gamma.assign(generator.normal(1, 0.5, dim))
    layer.beta.assign(generator.normal(size=dim))
    return layer


def value_and_gradients(layer: Any, x: Any, compiled: bool = False, **call: Any) -> list[Any]:
    @tf.function(jit_compile=compiled)
    def run(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **call)
            loss = tf.reduce_sum(tf.sin(tf.cast(y, tf.float32)))
        return [y, *tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])]

    return [np.asarray(tf.cast(each, tf.float32)) for each in run(x)]


@pytest.mark.parametrize("shape", [(50, 6), (5, 7, 6), (3, 1), (0, 4)])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_equals_keras(shape: tuple[int, ...], compiled: bool) -> None:
    x = tf.constant(np.random.default_rng(0).normal(3, 2, shape), tf.float32)
    ours = value_and_gradients(made(LayerNorm, shape[-1]), x, compiled, training=True)
    theirs = value_and_gradients(made(keras.layers.LayerNormalization, shape[-1]), x)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_is_computed_in_float32(policy: str) -> None:
    x = tf.constant(np.random.default_rng(0).normal(200, 90, (20, 8)), tf.float32)
    half = value_and_gradients(made(LayerNorm, 8, dtype=policy), x, training=True)
    whole = value_and_gradients(made(LayerNorm, 8), x, training=True)
    assert made(LayerNorm, 8, dtype=policy)(x, training=True).dtype == policy.removeprefix("mixed_")
    for mine, other in zip(half, whole, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0.1, atol=0.05)


def test_equal_numbers_have_a_finite_gradient() -> None:
    assert all(
        np.isfinite(each).all() for each in value_and_gradients(made(LayerNorm, 4), tf.ones((2, 4)), training=True)
    )
