"""Writes examples as the pipeline does, through TensorFlow's own messages."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

Value = int | str | list[str] | list[int] | tuple[float, ...]


def example(features: Mapping[str, Value]) -> bytes:
    """A serialised tf.Example of ids (lists, or one), integers and tuples of floats."""

    def feature(value: Value) -> tf.train.Feature:
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if isinstance(value, tuple):
            return tf.train.Feature(float_list=tf.train.FloatList(value=value))
        if isinstance(value, list) and value and not isinstance(value[0], str):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        words: Any = [value] if isinstance(value, str) else value
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[word.encode() for word in words]))

    message = tf.train.Example(features=tf.train.Features(feature={k: feature(v) for k, v in features.items()}))
    return bytes(message.SerializeToString())


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """A gzip TFRecord file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for record in records:
            writer.write(record)


def training_example(
    user: str,
    positive: list[str],
    negative: list[str],
    history_is_positive: list[int] | None = None,
    margins: list[float] | None = None,
    days: list[float] | None = None,
) -> bytes:
    """All positive items come before the negative ones, unless `history_is_positive` says otherwise.

    Without `margins` or `days` it is an example of a version that had none.
    """
    flags = [1] * len(positive) + [0] * len(negative) if history_is_positive is None else history_is_positive
    features: dict[str, Value] = {"user_id": user, "positive_item_ids": positive, "negative_item_ids": negative}
    floats = {"history_margins": margins, "history_days": days}
    given: dict[str, Value] = {name: tuple(values) for name, values in floats.items() if values is not None}
    return example({**features, "history_is_positive": flags, **given})


def evaluation_example(
    positive: list[str], seen: list[str], target: str, is_positive: int, user: str = "u", day: float = 0.0
) -> bytes:
    return example(
        {
            "user_id": user,
            "positive_item_ids": positive,
            "negative_item_ids": [item for item in seen if item not in positive],
            "history_is_positive": [int(item in positive) for item in seen],
            "seen_item_ids": seen,
            "target_day": (day,),
            "target_item_id": target,
            "target_is_positive": is_positive,
            "history_length_bucket": "0-4",
            "target_popularity_bucket": "head",
        }
    )
