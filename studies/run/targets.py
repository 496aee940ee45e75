"""Names of the targets of a study, by which those of different arms are paired."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError


@dataclasses.dataclass(frozen=True)
class TargetKeys:
    """What names a target whatever the rule of polarity: its user, and how many interactions came before it.

    Attributes:
        user: Ids, of the targets of a split, in the order in which `read_evaluation` gives them.
        place: Length of the whole history.
    """

    user: npt.NDArray[np.str_]
    place: npt.NDArray[np.int64]


def keys_of(folder: Path, split: str) -> TargetKeys:
    """Names of the targets in a split of prepared data.

    Raises:
        FeedbackError: Two targets have one name, since a history that is capped has the length of the cap.
    """
    import tensorflow as tf

    spec = {
        schema.USER_ID: tf.io.FixedLenFeature([], tf.string),
        schema.SEEN_ITEM_IDS: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64),
    }
    users, places = [], []
    for parsed in _parse(folder, split, spec):
        users.append(parsed[schema.USER_ID].numpy())
        places.append(parsed[schema.SEEN_ITEM_IDS].row_lengths().numpy())
    return _distinct(TargetKeys(np.char.decode(np.concatenate(users).astype(bytes), "utf-8"), np.concatenate(places)))


def _distinct(keys: TargetKeys) -> TargetKeys:
    names = set(zip(keys.user.tolist(), keys.place.tolist(), strict=True))
    if len(names) < len(keys.user):
        msg = (
            f"{len(keys.user) - len(names):,} targets cannot be told apart: their users have more interactions than "
            "`feedback.caps.history`. Raise it for studies, or set it to 0."
        )
        raise FeedbackError(msg)
    return keys


def days_of(folder: Path, split: str) -> npt.NDArray[np.float64]:
    """When the targets in a split of prepared data were, in days, (T,)."""
    import tensorflow as tf

    spec = {schema.TARGET_DAY: tf.io.FixedLenFeature([], tf.float32)}
    days = [parsed[schema.TARGET_DAY].numpy() for parsed in _parse(folder, split, spec)]
    found: npt.NDArray[np.float64] = np.concatenate(days).astype(np.float64)
    return found


def _parse(folder: Path, split: str, spec: dict[str, Any]) -> Iterator[Any]:
    import tensorflow as tf

    files = sorted(str(path) for path in (folder / f"Split-{split}").glob("*"))
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(4096):
        yield tf.io.parse_example(batch, spec)
