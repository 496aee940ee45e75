"""Examples on disk: gzip TFRecords of tf.Examples with raw ids into arrays of item indices.

The format: docs/reference/formats.md.
"""

import dataclasses
import glob
import gzip
import os
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, FloatArray, TrainingArrays, joined, pad, with_dislikes
from pnfrec_keras.examples.batch import DISLIKED, MIXED, NEGATIVE, POSITIVE
from pnfrec_keras.examples.histories import Histories, IntArray
from pnfrec_keras.examples.vocabulary import Vocabulary

_PARSE_BATCH = 2048
_READ_BYTES = 1 << 22


def item_table(vocabulary: Vocabulary) -> Any:
    """Lookup of raw ids: index from 1, 0 for unknown ids and for the empty string."""
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(vocabulary.item_ids)), tf.range(1, len(vocabulary) + 1, dtype=tf.int32)
    )
    return tf.lookup.StaticHashTable(initializer, default_value=0)


def evaluation_parsing_spec(*, negative: bool = False) -> dict[str, Any]:
    """What the model needs of an evaluation example; with `negative` the negative history too."""
    return {
        schema.POSITIVE_ITEM_IDS: _id_list(),
        **({schema.NEGATIVE_ITEM_IDS: _id_list()} if negative else {}),
        schema.SEEN_ITEM_IDS: _id_list(),
        schema.TARGET_ITEM_ID: tf.io.FixedLenFeature([], tf.string),
        schema.TARGET_IS_POSITIVE: tf.io.FixedLenFeature([], tf.int64),
    }


def read_training(
    pattern: str | Sequence[str],
    vocabulary: Vocabulary,
    max_length: int,
    *,
    mixed: bool = False,
    margins: bool = False,
    days: bool = False,
    dislikes: bool = False,
) -> TrainingArrays:
    """Training sequences of all users in the files.

    Args:
        pattern: Glob or globs of gzip TFRecord files.
        vocabulary: Of the model; ids outside it are left out.
        max_length: L; the last L + 1 items of each polarity are kept.
        mixed: Whether to read the mixed history too, its last 2 * L + 1 items.
        margins: Whether to read how far the interactions lie from the boundary, for `model.soft_boundary`.
        days: Whether to read when the interactions were, for `model.trend_days`.
        dislikes: Whether to read where dislikes stand among the likes, for `model.eta` and `model.preference`.

    Raises:
        FileNotFoundError: No file matches.
        ValueError: A file is damaged, an example lacks a feature, or there is no example at all.
    """
    spec = {schema.POSITIVE_ITEM_IDS: _id_list(), schema.NEGATIVE_ITEM_IDS: _id_list()}
    floats = {**({"margins": _MARGINS} if margins else {}), **({"days": _DAYS} if days else {})}
    if mixed or dislikes or floats:
        spec[schema.HISTORY_IS_POSITIVE] = tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    for feature in floats.values():
        spec[feature.name] = tf.io.RaggedFeature(tf.float32, row_splits_dtype=tf.int64)
    table = item_table(vocabulary)
    parts = []
    for parsed in _parse_files(pattern, spec):
        part = TrainingArrays(
            positive=_pad_known(parsed[schema.POSITIVE_ITEM_IDS], table, max_length + 1),
            negative=_pad_known(parsed[schema.NEGATIVE_ITEM_IDS], table, max_length + 1),
        )
        if schema.HISTORY_IS_POSITIVE in spec:
            histories = _histories(parsed, table)
            if mixed:
                merged, polarity = histories.merged(2 * max_length + 1)
                part = dataclasses.replace(part, mixed=merged, mixed_is_positive=polarity)
            if dislikes:
                part = with_dislikes(part, histories, max_length)
            numbers: dict[str, Any] = {
                field: _of_interactions(parsed, feature, histories, max_length, mixed, dislikes)
                for field, feature in floats.items()
            }
            part = dataclasses.replace(part, **numbers)
        parts.append(part)
    return joined(parts)


def needs_of(config: ModelConfig) -> dict[str, bool]:
    """What `read_training` reads for a model beside its two sequences, as arguments of that name."""
    return {
        "mixed": variant_of(config.variant).mixed,
        "margins": config.soft_boundary > 0,
        "days": config.trend_days > 0,
        "dislikes": config.places_dislikes,
    }


def read_evaluation(pattern: str | Sequence[str], vocabulary: Vocabulary, max_length: int) -> EvaluationArrays:
    """Evaluation examples in the files; arguments and errors as in `read_training`."""
    table = item_table(vocabulary)
    positive: list[IntArray] = []
    negative: list[IntArray] = []
    seen: list[IntArray] = []
    target: list[IntArray] = []
    is_positive: list[IntArray] = []
    for parsed in _parse_files(pattern, evaluation_parsing_spec(negative=True)):
        positive.append(_pad_known(parsed[schema.POSITIVE_ITEM_IDS], table, max_length))
        negative.append(_pad_known(parsed[schema.NEGATIVE_ITEM_IDS], table, max_length))
        batch = _look_up_known(parsed[schema.SEEN_ITEM_IDS], table)
        seen.extend(np.split(batch.flat_values.numpy(), batch.row_splits.numpy()[1:-1]))
        target.append(table.lookup(parsed[schema.TARGET_ITEM_ID]).numpy())
        is_positive.append(parsed[schema.TARGET_IS_POSITIVE].numpy().astype(np.int32))
    return EvaluationArrays(
        np.concatenate(positive),
        seen,
        np.concatenate(target),
        np.concatenate(is_positive),
        np.concatenate(negative),
    )


def _id_list() -> Any:
    # The row splits must be 64 bits wide: parsing inside a SavedModel takes no others.
    return tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)


def _look_up_known(ids: Any, table: Any) -> Any:
    indices = tf.ragged.map_flat_values(table.lookup, ids)
    return tf.ragged.boolean_mask(indices, indices > 0)


def _histories(parsed: dict[str, Any], table: Any) -> Histories:
    flags = parsed[schema.HISTORY_IS_POSITIVE]
    count, is_positive = int(flags.nrows()), flags.flat_values.numpy() > 0
    user = np.repeat(np.arange(count), flags.row_lengths())
    items = np.zeros(len(user), np.int32)
    for name, places in ((schema.POSITIVE_ITEM_IDS, is_positive), (schema.NEGATIVE_ITEM_IDS, ~is_positive)):
        if not np.array_equal(np.bincount(user[places], minlength=count), parsed[name].row_lengths()):
            msg = (
                f"`{schema.HISTORY_IS_POSITIVE}` of some example has another number of places than `{name}` has items: "
                "were the examples made by another program? Run the pipeline's FeedbackGen again."
            )
            raise ValueError(msg)
        # Both run through the rows in order, so that the lists fall into their places as they come.
        items[places] = table.lookup(parsed[name].flat_values).numpy()
    return Histories(count, user, items, is_positive)


class _Floats(NamedTuple):
    """A feature with a number for each interaction, and who needs it."""

    name: str
    setting: str
    absent: str


_MARGINS = _Floats(
    schema.HISTORY_MARGINS,
    "model.soft_boundary",
    "examples of an earlier version have none, nor have those of `feedback.positive: column`",
)
_DAYS = _Floats(schema.HISTORY_DAYS, "model.trend_days", "examples of an earlier version have none")


def _of_interactions(
    parsed: dict[str, Any], feature: _Floats, histories: Histories, max_length: int, mixed: bool, dislikes: bool
) -> dict[str, FloatArray]:
    """The numbers of what `read_training` keeps of each sequence, by its name."""
    numbers = parsed[feature.name]
    if not np.array_equal(numbers.row_lengths(), parsed[schema.HISTORY_IS_POSITIVE].row_lengths()):
        msg = (
            f"`{feature.name}` of some example has another number of places than its history, which "
            f"`{feature.setting}` needs: {feature.absent}. Run the pipeline again, from FeedbackGen on, or set "
            f"`{feature.setting}: 0`."
        )
        raise ValueError(msg)
    known, is_positive = histories.item > 0, histories.is_positive
    chosen = {POSITIVE: known & is_positive, NEGATIVE: known & ~is_positive, **({MIXED: known} if mixed else {})}
    values = numbers.flat_values.numpy()
    if dislikes:
        chosen[DISLIKED], _ = histories.placed_dislikes(max_length)
    lengths = {POSITIVE: max_length + 1, NEGATIVE: max_length + 1, MIXED: 2 * max_length + 1, DISLIKED: max_length}
    return {name: histories.rows(values, chosen[name], lengths[name]) for name in chosen}


def _pad_known(ids: Any, table: Any, length: int) -> IntArray:
    known = _look_up_known(ids, table)
    return pad(np.split(known.flat_values.numpy(), known.row_splits.numpy()[1:-1]), length)


def _check_whole(file: str) -> None:
    """Raises EOFError unless the gzip stream has its end: TensorFlow takes one cut between two records for complete."""
    if not os.path.getsize(file):
        msg = "the file is empty"
        raise EOFError(msg)
    with gzip.open(file) as stream:
        while stream.read(_READ_BYTES):
            pass


def _parse_files(pattern: str | Sequence[str], spec: dict[str, Any]) -> Any:
    """Yields parsed batches of all files, in the order of their names."""
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    files = sorted(file for each in patterns for file in glob.glob(each))
    if not files:
        msg = f"No TFRecord file matches {', '.join(patterns)}. Is this the folder of a split that was written?"
        raise FileNotFoundError(msg)
    batches = 0
    for file in files:
        try:
            _check_whole(file)
            for batch in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(_PARSE_BATCH):
                yield tf.io.parse_example(batch, spec)
                batches += 1
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, EOFError, OSError, zlib.error) as error:
            msg = (
                f"{file}: not a complete gzip TFRecord file of the expected tf.Examples. Delete its folder and "
                f"run the pipeline again. The reader says: {getattr(error, 'message', error)}"
            )
            raise ValueError(msg) from error
    if not batches:
        msg = f"{', '.join(patterns)}: {len(files)} file(s), but not one example. Was every user filtered out?"
        raise ValueError(msg)
