"""Adam by TensorFlow's own operation, where Keras writes some 40 operations a weight into each graph."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

Tensor = Any


class _Step(NamedTuple):
    """What the updates of all weights of a step have in common, float32 scalars."""

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
    optimize that graph takes longer than a hundred steps of it. Both Adams write the same formula; they round 1 - beta
    otherwise, so that weights of one are those of the other but for the last digits. Weights are float32, as Keras
    keeps them in every precision.
    """

    _step: _Step

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """As Keras', and makes what all of its updates share."""
        step = tf.cast(tf.convert_to_tensor(self.iterations.value), tf.float32) + 1.0
        beta1, beta2, epsilon = (tf.constant(each) for each in (self.beta_1, self.beta_2, self.epsilon))
        rate = tf.cast(tf.convert_to_tensor(self.learning_rate), tf.float32)
        self._step = _Step(tf.pow(beta1, step), tf.pow(beta2, step), rate, beta1, beta2, epsilon)
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Any) -> None:
        """Moves a weight and its moments. `amsgrad` is left to Keras: the operation has none."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            grad=tf.cast(gradient, variable.dtype),
            use_locking=True,
            **self._step._asdict(),
        )
