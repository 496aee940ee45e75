"""Dropout that draws half as many random bits as Keras' own."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_STEPS = 2**16


@keras.saving.register_keras_serializable(package="pnfrec")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Zeroes a share of `rate` of its inputs in training and scales the others, so that the expectation stays.

    Keras draws a float of 32 bits for each input; 16 decide as well, in two thirds of the time. The share is `rate`
    rounded to a whole number of 65,536ths, and the scale is that of the rounded share.

    Call arguments:
        inputs: Of any shape.
        training: Whether anything is dropped. Where nothing is, the inputs come out: no operation is in an export.
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if not training or not self._share:
            return inputs
        drop = self.drawn(tf.shape(inputs), training)

        @tf.custom_gradient
        def dropped(values: Any) -> tuple[Any, Callable[[Any], Any]]:
            # Its own gradient, so that a byte an input waits for the backward pass, not a float.
            return drop(values), drop

        return dropped(inputs)

    def drawn(self, shape: Any, training: bool | None) -> Callable[[Any], Any]:
        """Draws what is dropped of inputs of a shape: a linear function that drops the same each time it is called."""
        share = self._share
        if not training or not share:
            return lambda values: values
        keep = self._random(shape) >= tf.constant(share, tf.uint16)
        scale = _STEPS / (_STEPS - share)
        return lambda values: values * (tf.cast(keep, values.dtype) * tf.cast(scale, values.dtype))

    @property
    def _share(self) -> int:
        """What is dropped, in 65,536ths."""
        return int(min(round(self.rate * _STEPS), _STEPS - 1))

    def _random(self, shape: Any) -> Any:
        """Uniform in 0 .. 2**16 - 1, uint16."""
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        size = tf.reduce_prod(shape)
        words = tf.random.stateless_uniform([(size + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32)
        return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:size], shape)
