"""How long the training sequences of each polarity are, before a model cuts them."""

import os
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd

from pnfrec_core import schema

_FEATURES = {"positive": schema.POSITIVE_ITEM_IDS, "negative": schema.NEGATIVE_ITEM_IDS}
_BATCH = 4096


def read_lengths(data: Path) -> pd.DataFrame:
    """One row a polarity and length: `polarity`, `length`, `users`.

    Args:
        data: Folder of prepared data, with `Split-train` in it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        # Of Google client libraries that TensorFlow looks for, which are not used here.
        warnings.simplefilter("ignore")
        import tensorflow as tf

    files = sorted(str(path) for path in (data / f"Split-{schema.TRAIN_SPLIT}").glob("*"))
    spec = {name: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64) for name in _FEATURES.values()}
    counts: dict[str, Counter[int]] = {polarity: Counter() for polarity in _FEATURES}
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH):
        parsed = tf.io.parse_example(batch, spec)
        for polarity, name in _FEATURES.items():
            counts[polarity].update(parsed[name].row_lengths().numpy().tolist())
    rows = [(polarity, length, users) for polarity, found in counts.items() for length, users in sorted(found.items())]
    lengths: pd.DataFrame = pd.DataFrame(rows, columns=["polarity", "length", "users"])
    return lengths
