"""Layer normalisation that keeps nothing but its input for its gradient, where Keras' own keeps a copy."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Tensor = Any

# Of the reference (spec, section 3).
EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="pnfrec")
class LayerNorm(keras.layers.LayerNormalization):  # type: ignore[misc]
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta over the last axis; in float32 whatever the precision.

    Keras composes it from small operations, whose operands wait for the backward pass: a copy of the input scaled by
    gamma among them. In training its gradient is written out instead,

        d x = (g - mean(g) - n * mean(g * n)) / sqrt(variance + epsilon),  g = gamma * d y,  n the normalised x,

    for which the input, a mean and a scale a token are enough. First derivatives only.

    Call arguments:
        inputs: (..., dim).
        training: Whether a gradient will be asked for. Exports keep to plain operations.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"epsilon": EPSILON, **kwargs})

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if not training:
            return super().call(inputs)
        gamma, beta = (tf.cast(parameter, tf.float32) for parameter in (self.gamma, self.beta))
        return tf.cast(_normalise(tf.cast(inputs, tf.float32), gamma, beta, self.epsilon), self.compute_dtype)


def _normalise(values: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> Tensor:
    axes = list(range(len(values.shape) - 1))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def normalise(values: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, ...]]]:
        mean = tf.reduce_mean(values, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(values, mean), axis=-1, keepdims=True)
        scale = tf.math.rsqrt(variance + epsilon)

        def gradient(upstream: Tensor) -> tuple[Tensor, ...]:
            normal = (values - mean) * scale
            product, by_normal = upstream * normal, upstream * gamma
            across = tf.linalg.matvec(product, gamma)[..., tf.newaxis] / values.shape[-1]
            by_values = (by_normal - tf.reduce_mean(by_normal, axis=-1, keepdims=True) - normal * across) * scale
            return by_values, tf.reduce_sum(product, axis=axes), tf.reduce_sum(upstream, axis=axes)

        return (values - mean) * (scale * gamma) + beta, gradient

    return normalise(values, gamma, beta)
