"""Reads the examples of FeedbackGen as histories of raw ids (docs/reference/formats.md)."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pnfrec_core import schema

Objects = npt.NDArray[np.object_]
_PARSED = 4096


@dataclasses.dataclass(frozen=True)
class Histories:
    """The histories of the users of one shard.

    Attributes:
        users: Their ids as bytes, (users,).
        liked, disliked: One array of ids, oldest first, a user.
        merged: Both in their order, a user.
    """

    users: Objects
    liked: list[Objects]
    disliked: list[Objects]
    merged: list[Objects]

    def __len__(self) -> int:
        return len(self.users)

    def some(self, places: Sequence[int]) -> "Histories":
        """The histories at some places."""
        lists = ([rows[place] for place in places] for rows in (self.liked, self.disliked, self.merged))
        return Histories(self.users[np.array(places, np.intp)], *lists)


def joined(parts: Sequence[Histories]) -> Histories:
    """The histories of several shards."""
    return Histories(
        np.concatenate([np.array([], object), *(part.users for part in parts)]),
        [row for part in parts for row in part.liked],
        [row for part in parts for row in part.disliked],
        [row for part in parts for row in part.merged],
    )


def read_histories(path: Path) -> Histories:
    """All users of one gzip TFRecord of training examples.

    Raises:
        ValueError: The file is damaged, or holds something else.
    """
    ids = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
    spec = {
        schema.USER_ID: tf.io.FixedLenFeature([], tf.string),
        schema.POSITIVE_ITEM_IDS: ids,
        schema.NEGATIVE_ITEM_IDS: ids,
        schema.HISTORY_IS_POSITIVE: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64),
    }
    users: list[Any] = []
    liked: list[Objects] = []
    disliked: list[Objects] = []
    merged: list[Objects] = []
    try:
        for records in tf.data.TFRecordDataset(str(path), compression_type="GZIP").batch(_PARSED):
            parsed = tf.io.parse_example(records, spec)
            users += parsed[schema.USER_ID].numpy().tolist()
            liked += _rows(parsed[schema.POSITIVE_ITEM_IDS])
            disliked += _rows(parsed[schema.NEGATIVE_ITEM_IDS])
            flags = _rows(parsed[schema.HISTORY_IS_POSITIVE])
            begin = len(merged)
            merged += [_merge(liked[begin + row], disliked[begin + row], each) for row, each in enumerate(flags)]
    except (tf.errors.OpError, ValueError) as error:
        msg = f"{path} cannot be read as training examples: {error}"
        raise ValueError(msg) from error
    return Histories(np.array(users, object), liked, disliked, merged)


def _rows(ragged: Any) -> list[Any]:
    return np.split(ragged.values.numpy(), ragged.row_splits.numpy()[1:-1]) if ragged.nrows() else []


def _merge(liked: Objects, disliked: Objects, is_positive: Any) -> Objects:
    merged = np.empty(len(is_positive), object)
    merged[is_positive == 1] = liked
    merged[is_positive == 0] = disliked
    return merged
