"""The share of each batch that one of several processes reads, so that together they read what one process would."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any
Places = Any  # tf.data.Dataset of int tensors


# What reads rows has no branch on a tensor. AutoGraph would take its time to find that out, and write each function to
# a file among the temporary ones, where those of a process that is killed stay.
as_written = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class Share:
    """The replicas of one process, among all that share a batch. Replica r of R gets the r-th R-th of its rows.

    Attributes:
        first: The first replica of the process.
        count: How many it has.
        of: How many there are.
        rows: Of an epoch, where processes with rows of their own have fewer than that: filled up with padding.
    """

    first: int
    count: int
    of: int
    rows: int = 0

    def places(self, batches: Places) -> Places:
        """The rows that this process reads, a replica after the other: -1 where a batch does not divide among all.

        Args:
            batches: The rows of each batch, (rows,).
        """

        def own(places: Tensor) -> Places:
            filled = tf.pad(places, [[0, tf.math.floormod(-tf.size(places), self.of)]], constant_values=-1)
            rows = tf.reshape(filled, [self.of, -1])[self.first : self.first + self.count]
            return tf.data.Dataset.from_tensor_slices(rows)

        return batches.flat_map(as_written(own))


def filled(share: Share | None, order: Tensor) -> Tensor:
    """The rows of an epoch, (rows,), with those of padding that a share has in it."""
    missing = 0 if share is None else share.rows - order.shape[0]
    return tf.pad(order, [[0, missing]], constant_values=-1) if missing > 0 else order


def shared(share: Share | None, batches: Places) -> Places:
    """The rows of a share of each batch; all of them without a share."""
    return batches if share is None else share.places(batches)


def mapped(batches: Places, function: Callable[..., Any]) -> Places:
    """What a function makes of each batch, some at a time and in their order."""
    return batches.map(as_written(function), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def take(values: Tensor, places: Tensor) -> Tensor:
    """The rows of `values` at `places`, and padding at -1; for a ragged tensor any row there."""
    rows = tf.gather(values, tf.maximum(places, 0))
    if isinstance(rows, tf.RaggedTensor):
        return rows
    is_real = tf.reshape(places >= 0, [-1, *([1] * (len(rows.shape) - 1))])
    return tf.where(is_real, rows, tf.zeros([], rows.dtype))


def counts(places: Tensor) -> Tensor:
    """What each of these rows weighs in a measure, float32: 1, and padding 0."""
    return tf.cast(places >= 0, tf.float32)
