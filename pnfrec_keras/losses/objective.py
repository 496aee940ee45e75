"""The objective of training: CE_p + alpha * CE_n + beta * L_contrastive of hidden states (spec, section 4).

Beyond the paper it may hold terms that learn from dislikes in the ranking itself (`pnfrec_keras.losses.dislikes`).
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.batch import (
    DISLIKED,
    LABELLED,
    MARGINS,
    MIXED,
    MIXED_IS_POSITIVE,
    NEGATIVE,
    PLACES,
    POSITIVE,
)
from pnfrec_keras.losses import dislikes, terms, weighting
from pnfrec_keras.losses.sampled import SampledLoss
from pnfrec_keras.losses.softmax import Offsets

Tensor = Any

CONTRASTIVE = "contrastive"
REJECTION = "rejection"
PREFERENCE = "preference"


class Objective:
    """The terms that a variant learns from, and how they are weighed. It has no weights and keeps no state.

    Args:
        config: The model, with alpha and beta as its variant has them (`pnfrec_keras.network.model`).
        num_items: N, the size of the catalogue.

    Attributes:
        reads: The sequence that the first encoder reads: `POSITIVE`, or `MIXED`.
        sequences: All that are learned from, in order.
        names: Of the terms, in order: those of `sequences` are their cross-entropies.
        sampled_loss: What stands for the cross-entropies in training; None: they are exact.

    Raises:
        ValueError: A sampled loss has as many negatives as there are items, or more.
    """

    def __init__(self, config: ModelConfig, num_items: int) -> None:
        self._config = config
        self.reads = MIXED if variant_of(config.variant).mixed else POSITIVE
        self.sequences = (self.reads, NEGATIVE) if config.alpha else (self.reads,)
        optional = {CONTRASTIVE: config.beta, REJECTION: config.eta, PREFERENCE: config.preference}
        self.names = (*self.sequences, *(name for name, weight in optional.items() if weight))
        self.sampled_loss = None
        if config.loss != "softmax":
            self.sampled_loss = SampledLoss(config.loss, num_items, config.sampled_items, config.calibration)

    def check(self, x: Any, y: Any) -> None:
        """Raises a ValueError for a batch without what this objective reads, or with items of another type."""
        config = self._config
        read = {NEGATIVE} if config.beta else set()
        # Beside dislikes a last like may have no label, and is no end to count from.
        read |= {POSITIVE + LABELLED} if config.places_dislikes and config.positions == "from_end" else set()
        flags = {MIXED_IS_POSITIVE} if config.beta and self.reads == MIXED else set()
        placed = {DISLIKED, DISLIKED + PLACES} if config.places_dislikes else set()
        for values, more, what in ((x, read, "inputs"), (y, flags | placed, "labels")):
            names = [*self.sequences, *sorted(more - set(self.sequences))]
            found = values if isinstance(values, Mapping) else {}
            types = {name: tf.as_dtype(found[name].dtype) for name in names if name in found}
            wrong = [name for name in names if types.get(name) not in (tf.int32, tf.int64)]
            if wrong:
                received = {name: dtype.name for name, dtype in types.items()} or type(values).__name__
                msg = (
                    f"The {what} of a training batch must be a dict with {', '.join(wrong)}, of whole numbers (int32). "
                    f"Received: {received}. `inputs_and_labels()` of the training data makes them."
                )
                raise ValueError(msg)

    def loss(
        self,
        sequence: str,
        hidden: Tensor,
        batch: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
        table: Tensor,
        *,
        seed: Tensor | None = None,
        offsets: Offsets | None = None,
        dislike_offsets: Offsets | None = None,
        step: Tensor | None = None,
        compact: bool = True,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The terms that read one sequence: CE_p + beta * L_contrastive and what else reads likes, or alpha * CE_n.

        Args:
            sequence: One of `sequences`.
            hidden: Its hidden states, (batch, length, dim).
            batch: Inputs and labels, by the keys of `pnfrec_keras.examples.batch`.
            table: (items + 1, dim), the item table.
            seed: int32 (2,), of the negatives of a sampled loss; None gives the exact softmax whatever the loss, which
                compares models of any loss and depends on no draw.
            offsets: Added to the scores of the items, for each label (`pnfrec_keras.ranking.trend`).
            dislike_offsets: The same for each dislike.
            step: Updates so far, for weights that decay; None: as before the first.
            compact: False for XLA, see `terms.cross_entropy_sum`.

        Returns:
            This replica's share of the weighted sum, whose gradients sum up over replicas; and each term, unweighted,
            by its name: the mean over replicas is that over the real positions of the global batch.
        """
        x, y = batch
        labels, weights = y[sequence], None
        if self._config.soft_boundary:
            weights = terms.position_weights(y[sequence + MARGINS], self._config.soft_boundary)
        if self.sampled_loss is None or seed is None:
            summed = terms.cross_entropy_sum(hidden, labels, table, weights, offsets, compact=compact)
        else:
            summed = terms.sampled_sum(hidden, labels, table, self.sampled_loss, seed, weights, compact=compact)
        sums = {sequence: (summed, terms.real_positions(labels, weights))}
        if self._config.beta and sequence == self.reads:
            if sequence == MIXED:  # no attraction to what the user disliked
                labels = labels * tf.cast(y[MIXED_IS_POSITIVE], labels.dtype)
            contrast: dict[str, Any] = {
                "similarity": self._config.similarity,
                "temperature": self._config.temperature,
            }
            summed = terms.contrastive_sum(hidden, labels, x[NEGATIVE], table, weights, **contrast)
            sums[CONTRASTIVE] = (summed, terms.real_positions(labels, weights))
        if self._config.places_dislikes and sequence == self.reads:
            found = self._of_dislikes(hidden, y, table, weights, dislike_offsets, seed, compact)
            sums |= {name: (each, terms.real_positions(labels, weights)) for name, each in found.items()}
        return self._weigh(sums, step)

    def _of_dislikes(
        self,
        hidden: Tensor,
        y: Mapping[str, Tensor],
        table: Tensor,
        like_weights: Tensor | None,
        offsets: Offsets | None,
        seed: Tensor | None,
        compact: bool,
    ) -> dict[str, Tensor]:
        """Sums of the terms that score dislikes by the likes before them."""
        config, found = self._config, {}
        disliked, places = y[DISLIKED], y[DISLIKED + PLACES]
        own = None
        if config.soft_boundary:
            own = terms.position_weights(y[DISLIKED + MARGINS], config.soft_boundary)
        weights = dislikes.dislike_weights(disliked, y[self.reads], config.eta_share, own, like_weights)
        placed = (hidden, disliked, places, table, weights)
        if config.eta and self.sampled_loss is not None and seed is not None:
            found[REJECTION] = dislikes.sampled_rejection(*placed, self.sampled_loss, seed, compact=compact)
        elif config.eta:
            found[REJECTION] = dislikes.rejection_sum(*placed, offsets, top=config.eta_top, compact=compact)
        if config.preference:
            found[PREFERENCE] = dislikes.preference_sum(hidden, y[self.reads], disliked, places, table, weights)
        return found

    def _weigh(
        self, sums: Mapping[str, tuple[Tensor, Tensor]], step: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        total, means, weights = tf.constant(0.0), {}, self._weights(step)
        for name, (summed, count) in sums.items():
            share, replicas = _global_mean(summed, count)
            means[name] = share * replicas
            total += weights[name] * (weighting.relative(share) if self._config.weighting == "geometric" else share)
        return total, means

    def logged(self, means: Mapping[str, Tensor], step: Tensor | None = None) -> Tensor:
        """The loss that is shown: the weighted sum of the means of its terms, by their names."""
        show = weighting.logged if self._config.weighting == "geometric" else tf.identity
        return sum(weight * show(means[name]) for name, weight in self._weights(step).items() if name in means)

    def _weights(self, step: Tensor | None) -> dict[str, Any]:
        """Of each term, at a step."""
        weights: dict[str, Any] = {
            NEGATIVE: self._config.alpha,
            CONTRASTIVE: self._config.beta,
            REJECTION: self._config.eta,
            PREFERENCE: self._config.preference,
        }
        if self._config.weighting == "decay" and step is not None:
            half_life = self._config.half_life
            weights = {name: weighting.decayed(weight, step, half_life) for name, weight in weights.items()}
        return {self.reads: 1.0, **weights}


def _global_mean(summed: Tensor, count: Tensor) -> tuple[Tensor, float]:
    """This replica's share of the mean over all replicas' positions, and the number of replicas.

    `count` is the number of this replica's positions, or the sum of their weights.

    Gradients are summed over replicas, so shares (not local means) make the step equal to that of one device.
    """
    context = tf.distribute.get_replica_context()
    replicas = 1
    if context is not None and context.num_replicas_in_sync > 1:
        replicas = context.num_replicas_in_sync
        count = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    # No position, or none that counts, gives 0. Weights may sum to less than 1.
    return summed / tf.where(count > 0.0, count, 1.0), float(replicas)
