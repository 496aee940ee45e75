"""Adam by TensorFlow's own operation, where Keras writes some 40 operations a weight into each graph."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

Tensor = Any


class _Step(NamedTuple):
    """What the updates of all weights of a step have in common, scalars of one dtype."""

    beta1_power: Tensor
    beta2_power: Tensor
    lr: Tensor
    beta1: Tensor
    beta2: Tensor
    epsilon: Tensor


@keras.saving.register_keras_serializable(package="pnfrec")
class Adam(keras.optimizers.Adam):  # type: ignore[misc]
    """Keras' Adam (arXiv 1412.6980, the order of operations at the end of section 2), in one operation a weight.

    Of the 6,600 operations that Keras makes of a step of PNFRec with two blocks 2,300 are Adam's, and to build and
    optimize such a graph takes seconds. Both Adams write the same formula; they round 1 - beta otherwise, so that
    weights of one are those of the other but for the last digits.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._steps: dict[str, _Step] = {}  # of the step that is being written, by dtype

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """As Keras'. What its updates share is of this call: the next has another step, and may have another graph."""
        self._steps = {}
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._steps = {}

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Any) -> None:
        """Moves a weight and its moments. `amsgrad` is left to Keras: the operation has none."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype = tf.as_dtype(variable.dtype)
        if dtype.name not in self._steps:
            self._steps[dtype.name] = self._step(learning_rate, dtype)
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),  # dense, where an embedding's comes in slices
            use_locking=True,
            **self._steps[dtype.name]._asdict(),
        )

    def _step(self, learning_rate: Any, dtype: tf.DType) -> _Step:
        step = tf.cast(tf.convert_to_tensor(self.iterations.value), dtype) + 1.0
        beta1, beta2, epsilon = (tf.constant(each, dtype) for each in (self.beta_1, self.beta_2, self.epsilon))
        rate = tf.cast(tf.convert_to_tensor(learning_rate), dtype)
        return _Step(tf.pow(beta1, step), tf.pow(beta2, step), rate, beta1, beta2, epsilon)
