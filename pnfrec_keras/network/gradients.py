"""Gradients of one step, of several passes and on several replicas."""

import math
from typing import Any, Final

import tensorflow as tf
from tensorflow.python.framework import ops

Tensor = Any

# An operation's attribute that names its written gradient.
_NAMED_BY: Final = "_gradient_op_type"


def summed(gradients: tuple[Tensor, ...]) -> Tensor:
    """The sum of the gradients that are there, dense; None where there is none."""
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
    return tf.add_n(dense) if dense else None


def overflowing_alike(gradients: list[Tensor]) -> list[Tensor]:
    """Gradients of a scaled loss, infinite on all replicas where they overflow on one: all leave the step out.

    Keras asks one replica of each process, before it sums up: another one's infinities would get into the weights, and
    of two processes one would wait for the sum of a step that the other leaves out.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return gradients
    finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients if gradient is not None]
    overflows = tf.cast(tf.logical_not(tf.reduce_all(finite)), tf.float32)
    anywhere = context.all_reduce(tf.distribute.ReduceOp.SUM, overflows) > 0.0
    return [
        None if gradient is None else tf.where(anywhere, tf.constant(math.inf, gradient.dtype), gradient)
        for gradient in gradients
    ]


class WrittenGradients:
    """The written gradients of a step that is traced: what `tf.custom_gradient` makes from now on.

    It enters each of them into a table of the process, and nothing takes it out again: with it stays the whole graph of
    each training, 16 MiB of the smallest.
    """

    def __init__(self) -> None:
        context = tf.distribute.get_replica_context()
        # Several replicas are traced by turns: one would forget what another has not taken yet, so theirs stay.
        alone = context is not None and context.num_replicas_in_sync == 1
        self._graph = tf.compat.v1.get_default_graph() if alone and not tf.executing_eagerly() else None
        self._before = 0 if self._graph is None else len(self._graph.get_operations())

    def let_go(self) -> None:
        """Has TensorFlow forget those of the step, which has taken them; nobody takes the gradient of a step itself."""
        if self._graph is None:
            return
        table: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
        for operation in self._graph.get_operations()[self._before :]:
            if operation.type == "IdentityN" and _NAMED_BY in (attributes := operation.node_def.attr):
                table.pop(attributes[_NAMED_BY].s.decode(), None)
