"""Ranking measures as Keras metrics, for validation."""

from typing import Any

import keras
import tensorflow as tf

from pnfrec_core import measures


@keras.saving.register_keras_serializable(package="pnfrec")
class RankingMetric(keras.metrics.Metric):
    """Mean gain of the targets of one group (spec, section 6): a miss counts 0 and stays in the denominator.

    Without a target of that group the result is NaN: no data is not a score of 0.

    Args:
        measure: One of `measures.MEASURES`.
        group: "p", the positive targets, or "n", the negative ones: false positives.
        k: Length of the list.
    """

    def __init__(self, measure: str, group: str, k: int, name: str | None = None, **kwargs: Any) -> None:
        if group not in measures.GROUPS:
            msg = f"`group` must be 'p' or 'n'. Received: {group!r}."
            raise ValueError(msg)
        super().__init__(name=name or f"{measure}_{group}", **kwargs)
        self.measure = measure
        self.group = group
        self.k = k
        self._gain_table = measures.gain_table(measure, k)
        self.total = self.add_weight(name="total", shape=(), initializer="zeros", dtype="float32")
        self.count = self.add_weight(name="count", shape=(), initializer="zeros", dtype="float32")

    def update_state(self, is_positive: Any, rank: Any, sample_weight: Any = None) -> None:
        """Adds a batch: polarity of the target and its rank (0: miss), both (batch,)."""
        rank = tf.cast(rank, tf.int64)
        gains = tf.gather(tf.constant(self._gain_table, tf.float32), tf.where((rank >= 1) & (rank <= self.k), rank, 0))
        in_group = tf.equal(tf.cast(is_positive, tf.int64), measures.GROUPS[self.group])
        weight = tf.cast(in_group, tf.float32)
        if sample_weight is not None:
            weight *= tf.cast(sample_weight, tf.float32)
        self.total.assign_add(tf.reduce_sum(gains * weight))
        self.count.assign_add(tf.reduce_sum(weight))

    def result(self) -> Any:
        # The plain quotient: 0 / 0 is the NaN that "no data" stands for.
        return self.total / self.count

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "measure": self.measure, "group": self.group, "k": self.k}
