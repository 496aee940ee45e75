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


def let_go_of_written() -> None:
    """Has TensorFlow forget the written gradients of the step that is traced just now, which has taken them.

    `tf.custom_gradient` enters each of them into a table of the process, and nothing takes it out again: with it stays
    the whole graph of each training, 16 MiB of the smallest. Nobody takes the gradient of a step itself. Several
    replicas are traced by turns, so that one would forget what another has not taken yet: theirs stay.
    """
    context = tf.distribute.get_replica_context()
    if tf.executing_eagerly() or context is None or context.num_replicas_in_sync > 1:
        return
    table: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    for operation in tf.compat.v1.get_default_graph().get_operations():
        if operation.type == "IdentityN" and _NAMED_BY in (attributes := operation.node_def.attr):
            table.pop(attributes[_NAMED_BY].s.decode(), None)
