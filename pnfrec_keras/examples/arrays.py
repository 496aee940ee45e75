"""From sequences of item ids to batches: arrays in memory, and `tf.data` over them.

A user is one row. The whole training set of index sequences is held in memory: 2 * (L + 1) int32 a user, 41 MB for
100,000 users at L = 50. In return every epoch is a full shuffle, and a resumed run sees the very same batches.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pnfrec_keras.examples.batch import (
    DISLIKED,
    IS_POSITIVE,
    LABELLED,
    MARGINS,
    MIXED,
    MIXED_IS_POSITIVE,
    NEGATIVE,
    PERIODS,
    PLACES,
    POSITIVE,
    SEEN,
    TARGET,
)
from pnfrec_keras.examples.histories import Histories, IntArray, pad_as
from pnfrec_keras.examples.shares import Share, as_written, counts, filled, mapped, shared, take
from pnfrec_keras.examples.vocabulary import Vocabulary

FloatArray = npt.NDArray[np.float32]
Batches = Any  # tf.data.Dataset, which has no types of its own


@dataclasses.dataclass(frozen=True)
class TrainingArrays:
    """Training sequences of U users: the last L + 1 items of each polarity, padded on the right with 0.

    Attributes:
        positive: int32 (U, L + 1).
        negative: int32 (U, L + 1); all 0 for a user without negatives.
        mixed: int32 (U, 2 * L + 1), both polarities in order, for the variants that read them so; None for the others.
        mixed_is_positive: int32, of the shape of `mixed`: 1 where it holds a positive item.
        margins: For each sequence above, by its name, float32 of its shape: distance of each interaction's value from
            the boundary, 0 at padding. None for models without `soft_boundary`.
        days: For each sequence above, by its name, float32 of its shape: when each interaction was, in days since
            1970-01-01, 0 at padding. None for models without `trend_days`.
        periods: The same as int32, the periods of their trends that they fall into (`pnfrec_keras.ranking.trend`).
        disliked: int32 (U, L), the last L dislikes that come after a like which `positive` holds as an input; `days`
            and `periods` name them `DISLIKED`. None for models that do not learn from them so.
        disliked_at: int32, of the same shape: the position in `positive` of the last like before each.
    """

    positive: IntArray
    negative: IntArray
    mixed: IntArray | None = None
    mixed_is_positive: IntArray | None = None
    margins: Mapping[str, FloatArray] | None = None
    days: Mapping[str, FloatArray] | None = None
    periods: Mapping[str, IntArray] | None = None
    disliked: IntArray | None = None
    disliked_at: IntArray | None = None

    def __len__(self) -> int:
        return len(self.positive)

    def inputs_and_labels(self) -> tuple[dict[str, IntArray], dict[str, Any]]:
        """`(x, y)` for `model.fit`: at each position the label is the next item of the same sequence."""
        sequences = {POSITIVE: self.positive, NEGATIVE: self.negative}
        if self.mixed is not None:
            sequences[MIXED] = self.mixed
        labels: dict[str, Any] = {name: items[:, 1:] for name, items in sequences.items()}
        # An input whose label is padding is the sequence's last item: it has nothing to predict.
        inputs = {name: np.where(labels[name] > 0, items[:, :-1], 0) for name, items in sequences.items()}
        if self.disliked is not None:
            # There a dislike may follow. Positions from the end count from the last label all the same.
            inputs[POSITIVE] = self.positive[:, :-1]
            inputs[POSITIVE + LABELLED] = np.count_nonzero(labels[POSITIVE], axis=1).astype(np.int32)
            labels |= {DISLIKED: self.disliked, DISLIKED + PLACES: self.disliked_at}
        if self.mixed_is_positive is not None:
            labels[MIXED_IS_POSITIVE] = self.mixed_is_positive[:, 1:]
        for suffix, numbers in ((MARGINS, self.margins), (PERIODS, self.periods)):
            for name, values in (numbers or {}).items():
                labels[name + suffix] = values if name == DISLIKED else values[:, 1:]
        return inputs, labels


@dataclasses.dataclass(frozen=True)
class EvaluationArrays:
    """Histories and targets of T evaluation examples.

    Attributes:
        positive: int32 (T, L), the last L positive items, padded on the right.
        seen: Everything in the history, T arrays of any length.
        target: int32 (T,); 0 where the target is not in the catalogue.
        is_positive: int32 (T,), 1 for group p, 0 for group n.
        negative: int32 (T, L), the last L negative items, padded on the right; for rules of inference that read them.
    """

    positive: IntArray
    seen: Sequence[IntArray]
    target: IntArray
    is_positive: IntArray
    negative: IntArray | None = None

    def __len__(self) -> int:
        return len(self.target)

    def part(self, begin: int, end: int) -> "EvaluationArrays":
        """The examples from `begin` to `end` (exclusive)."""
        rows = slice(begin, end)
        negative = None if self.negative is None else self.negative[rows]
        positive, seen, target = self.positive[rows], self.seen[rows], self.target[rows]
        return EvaluationArrays(positive, seen, target, self.is_positive[rows], negative)

    def targets(self) -> dict[str, IntArray]:
        """`y` for `model.evaluate`; polarities only where they differ."""
        polarity = {} if self.is_positive.all() else {IS_POSITIVE: self.is_positive}
        return {TARGET: self.target, **polarity}

    def inputs_and_targets(self) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
        """`(x, y)` for `model.evaluate` and for `validation_data`, with `seen` padded to its longest row."""
        seen = pad(self.seen, max((len(row) for row in self.seen), default=0))
        return {POSITIVE: self.positive, SEEN: seen}, self.targets()


def pad(rows: Sequence[npt.ArrayLike], length: int) -> IntArray:
    """The last `length` values of each row, padded on the right with 0: int32 (rows, length).

    >>> pad([[1, 2, 3], [4], []], 2).tolist()
    [[2, 3], [4, 0], [0, 0]]
    """
    return pad_as(np.int32, rows, length)


def training_arrays(
    positive: Sequence[Iterable[str]],
    negative: Sequence[Iterable[str]],
    vocabulary: Vocabulary,
    max_length: int,
    mixed: Sequence[Iterable[tuple[str, bool]]] | None = None,
    *,
    dislikes: bool = False,
) -> TrainingArrays:
    """Training sequences from raw ids, one row a user, oldest first. Ids outside the vocabulary are left out.

    `mixed` are both polarities in order, each item with whether it is positive. From them come, with `dislikes`, the
    places of the dislikes among the likes.
    """
    index = vocabulary.index()

    def rows(sequences: Sequence[Iterable[str]]) -> IntArray:
        return pad([[index[item] for item in row if item in index] for row in sequences], max_length + 1)

    if mixed is None:
        if dislikes:
            msg = "`dislikes` needs `mixed`, which tells when they were among the likes."
            raise ValueError(msg)
        return TrainingArrays(rows(positive), rows(negative))
    histories = Histories.of_rows([[(index[item], flag) for item, flag in row if item in index] for row in mixed])
    arrays = TrainingArrays(rows(positive), rows(negative), *histories.merged(2 * max_length + 1))
    return with_dislikes(arrays, histories, max_length) if dislikes else arrays


def with_dislikes(arrays: TrainingArrays, histories: Histories, max_length: int) -> TrainingArrays:
    """The same arrays, which tell the places of dislikes too.

    Args:
        arrays: Of the users of `histories`, in order.
        histories: Whole ones.
        max_length: L of the model.
    """
    chosen, places = histories.placed_dislikes(max_length)
    disliked, disliked_at = (histories.rows(values, chosen, max_length) for values in (histories.item, places))
    return dataclasses.replace(arrays, disliked=disliked, disliked_at=disliked_at)


def joined(parts: Sequence[TrainingArrays]) -> TrainingArrays:
    """The users of all parts, which hold the same fields."""

    def join(values: Sequence[Any]) -> Any:
        if values[0] is None:
            return None
        if isinstance(values[0], Mapping):
            return {name: np.concatenate([each[name] for each in values]) for name in values[0]}
        return np.concatenate(values)

    names = [field.name for field in dataclasses.fields(TrainingArrays)]
    return TrainingArrays(**{name: join([getattr(part, name) for part in parts]) for name in names})


def evaluation_arrays(
    positive: Sequence[Iterable[str]],
    seen: Sequence[Iterable[str]],
    target: Sequence[str],
    is_positive: Sequence[int],
    vocabulary: Vocabulary,
    max_length: int,
) -> EvaluationArrays:
    """Evaluation examples from raw ids. Unknown ids are left out of histories; an unknown target is a miss (0)."""
    index = vocabulary.index()
    return EvaluationArrays(
        pad([[index[item] for item in row if item in index] for row in positive], max_length),
        [np.array([index[item] for item in row if item in index], dtype=np.int32) for row in seen],
        np.array([index.get(item, 0) for item in target], dtype=np.int32),
        np.array(is_positive, dtype=np.int32),
    )


def training_dataset(
    arrays: TrainingArrays,
    batch_size: int,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    share: Share | None = None,
) -> Batches:
    """Shuffled batches, epoch after epoch. Epoch e has the same order in every run with this seed.

    Args:
        arrays: Training sequences.
        batch_size: Users a batch; the last batch of an epoch holds what is left.
        seed: Of the order.
        first_epoch: Where to begin, for a resumed run.
        epochs: Where to end (exclusive); None goes on for ever.
        share: Of each batch, for one of several processes, a replica's after the other; None: all.

    Returns:
        `(x, y)` batches; `steps_per_epoch` gives how many make an epoch.
    """
    inputs, labels = arrays.inputs_and_labels()
    rows = len(arrays)
    tensors = (
        {name: tf.constant(values) for name, values in inputs.items()},
        {name: tf.constant(values) for name, values in labels.items()},
    )

    def epoch_batches(epoch: Any) -> Batches:
        order = tf.argsort(tf.random.stateless_uniform([rows], seed=tf.stack([tf.constant(seed, tf.int64), epoch])))
        return tf.data.Dataset.from_tensor_slices(filled(share, order)).batch(batch_size)

    rows_at = tf.gather if share is None else take

    def gather(places: Any) -> Any:
        return tf.nest.map_structure(lambda values: rows_at(values, places), tensors)

    last = tf.int64.max if epochs is None else epochs
    ordered = shared(share, tf.data.Dataset.range(first_epoch, last).flat_map(as_written(epoch_batches)))
    return mapped(ordered, gather).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(arrays: TrainingArrays, batch_size: int) -> int:
    """Batches that make an epoch."""
    return -(-len(arrays) // batch_size)


def even_batches(batches: Batches, replicas: int) -> Batches:
    """Batches that divide among `replicas`, filled up with rows of padding, which count nowhere.

    Keras wants equal shapes on all replicas, and weighs what it logs by them. Training rows of padding have no real
    position; evaluation rows get a sample weight of 0.
    """
    if replicas == 1:
        return batches

    def fill(x: Any, y: Any) -> Any:
        rows = tf.shape(next(iter(x.values())))[0]
        extra = tf.math.floormod(-rows, replicas)

        def pad_rows(values: Any) -> Any:
            return tf.pad(values, [[0, extra], *([[0, 0]] * (len(values.shape) - 1))])

        filled = tf.nest.map_structure(pad_rows, (x, y))
        weights = tf.concat([tf.ones([rows]), tf.zeros([extra])], axis=0)
        return (*filled, weights) if TARGET in y else filled

    return mapped(batches, fill)


def evaluation_dataset(arrays: EvaluationArrays, batch_size: int, share: Share | None = None) -> Batches:
    """Batches for `model.evaluate`; `seen` is padded to the longest row of its batch only.

    Those of a `share` have sample weights: rows of padding weigh nothing.
    """
    lengths = np.array([len(row) for row in arrays.seen], dtype=np.int64)
    flat = np.concatenate([*arrays.seen, np.zeros(0, np.int32)]).astype(np.int32)
    seen = tf.RaggedTensor.from_row_lengths(flat, lengths)
    positive = tf.constant(arrays.positive)
    targets = {name: tf.constant(values) for name, values in arrays.targets().items()}
    rows_at = tf.gather if share is None else take

    def gather(places: Any) -> Any:
        x = {POSITIVE: rows_at(positive, places), SEEN: rows_at(seen, places).to_tensor()}
        y = {name: rows_at(values, places) for name, values in targets.items()}
        return (x, y) if share is None else (x, y, counts(places))

    places = shared(share, tf.data.Dataset.range(len(arrays)).batch(batch_size))
    return mapped(places, gather).prefetch(tf.data.AUTOTUNE)
