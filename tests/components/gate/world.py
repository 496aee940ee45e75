"""A hand-made evaluation: seven users, two models that answer by table, and what every metric must be.

Catalogue of the candidate: 8 items; of the baseline: 10. k = 3.

    user  target    history  popularity  candidate: rank, list   baseline: rank, list
    a     positive  0-4      head        1  [1, 2, 3]            2  [1, 2, 3]
    b     positive  0-4      head        3  [1, 4, 2]            0  [1, 2, 3]
    c     positive  5-9      middle      4  [2, 1, 0]            1  [4, 5, 6]
    d     positive  5-9      tail        0  [3, 2, 1]            0  [1, 2, 3]
    e     negative  0-4      head        2  [5, 1, 2]            1  [1, 2, 3]
    f     negative  5-9      middle      0  [1, 2, 3]            3  [1, 2, 3]
    g     negative  5-9      tail        7  [0, 0, 0]            0  [1, 2, 3]

The candidate tells that item i has i bits of self-information, that items 1 and 2 are of one group, 3 and 4 of another
and the rest of none, and the buckets of the targets as above; the baseline is from before models told that.
The head of 8 items is item 1 and the middle 2 to 4, of 10 items 1 and 2 to 5.

Rank 4 of user c and 7 of user g lie beyond k: misses. Items recommended by the candidate: {1, 2, 3, 4, 5}, 5 of 8.
"""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from pnfrec_core import schema

K = 3


class Answer(NamedTuple):
    """What a model says about one user: the target's rank and the recommended list."""

    rank: int
    items: tuple[int, ...]


USERS: dict[str, tuple[int, str, str]] = {
    "a": (1, "0-4", "head"),
    "b": (1, "0-4", "head"),
    "c": (1, "5-9", "middle"),
    "d": (1, "5-9", "tail"),
    "e": (0, "0-4", "head"),
    "f": (0, "5-9", "middle"),
    "g": (0, "5-9", "tail"),
}
CANDIDATE = {
    "a": Answer(1, (1, 2, 3)),
    "b": Answer(3, (1, 4, 2)),
    "c": Answer(4, (2, 1, 0)),
    "d": Answer(0, (3, 2, 1)),
    "e": Answer(2, (5, 1, 2)),
    "f": Answer(0, (1, 2, 3)),
    "g": Answer(7, (0, 0, 0)),
}
CANDIDATE_SIZE = 8
# Where the targets stand in the candidate's list of a query that tells no dislikes; the baseline is from before this.
CANDIDATE_DEFAULT_RANKS = {"a": 2, "b": 0, "c": 4, "d": 1, "e": 0, "f": 2, "g": 1}
BASELINE = {
    "a": Answer(2, (1, 2, 3)),
    "b": Answer(0, (1, 2, 3)),
    "c": Answer(1, (4, 5, 6)),
    "d": Answer(0, (1, 2, 3)),
    "e": Answer(1, (1, 2, 3)),
    "f": Answer(3, (1, 2, 3)),
    "g": Answer(0, (1, 2, 3)),
}
BASELINE_SIZE = 10

# 1 / log2(3), the NDCG of rank 2; that of rank 1 is 1, of rank 3 it is 1 / log2(4) = 1/2.
NDCG_2 = 0.6309297535714574

# Candidate, group p: ranks 1, 3, miss, miss of 4. Group n: rank 2, miss, miss of 3.
CANDIDATE_METRICS = {
    "hr_p": 2 / 4,
    "hr_n": 1 / 3,
    "hr_delta": 2 / 4 - 1 / 3,
    "ndcg_p": (1 + 1 / 2) / 4,
    "ndcg_n": NDCG_2 / 3,
    "ndcg_delta": (1 + 1 / 2) / 4 - NDCG_2 / 3,
    "mrr_p": (1 + 1 / 3) / 4,
    "mrr_n": (1 / 2) / 3,
    "mrr_delta": (1 + 1 / 3) / 4 - (1 / 2) / 3,
    "coverage": 5 / 8,
    # Items 1 to 5 stand in 6, 6, 3, 1 and 1 of the lists, 6 to 8 in none: (-1 + 1 + 3 * 3 + 6 * 5 + 6 * 7) / (8 * 17).
    "gini": 81 / 136,
    "novelty": (6 * 1 + 6 * 2 + 3 * 3 + 4 + 5) / 17,
    "diversity": (4 * 2 / 3 + 0 + 0)
    / 6,  # of a, b, d and f two of three pairs; of c and e the one pair is of one group
    "miscalibration": ((2 / 4 - 6 / 17) + (10 / 17 - 1 / 4) + (1 / 4 - 1 / 17)) / 2,
    "list_head": 6 / 17,
    "list_middle": 10 / 17,
    "list_tail": 1 / 17,
    "target_head": 2 / 4,
    "target_middle": 1 / 4,
    "target_tail": 1 / 4,
}
# In that list, group p: ranks 2, miss, miss, 1. Group n: miss, 2, 1.
CANDIDATE_DEFAULT_METRICS = {
    "default_hr_p": 2 / 4,
    "default_hr_n": 2 / 3,
    "default_hr_delta": 2 / 4 - 2 / 3,
    "default_ndcg_p": (NDCG_2 + 1) / 4,
    "default_ndcg_n": (NDCG_2 + 1) / 3,
    "default_ndcg_delta": (NDCG_2 + 1) / 4 - (NDCG_2 + 1) / 3,
    "default_mrr_p": (1 / 2 + 1) / 4,
    "default_mrr_n": (1 / 2 + 1) / 3,
    "default_mrr_delta": (1 / 2 + 1) / 4 - (1 / 2 + 1) / 3,
}
# Baseline, group p: ranks 2, miss, 1, miss. Group n: 1, 3, miss. Items {1, ..., 6} of 10.
BASELINE_METRICS = {
    "hr_p": 2 / 4,
    "hr_n": 2 / 3,
    "hr_delta": 2 / 4 - 2 / 3,
    "ndcg_p": (NDCG_2 + 1) / 4,
    "ndcg_n": (1 + 1 / 2) / 3,
    "ndcg_delta": (NDCG_2 + 1) / 4 - (1 + 1 / 2) / 3,
    "mrr_p": (1 / 2 + 1) / 4,
    "mrr_n": (1 + 1 / 3) / 3,
    "mrr_delta": (1 / 2 + 1) / 4 - (1 + 1 / 3) / 3,
    "coverage": 6 / 10,
    # Items 1 to 3 stand in 6 lists each, 4 to 6 in one: (-1 + 1 + 3 + 6 * (5 + 7 + 9)) / (10 * 21).
    "gini": 129 / 210,
    "novelty": math.nan,
    "diversity": math.nan,
    "miscalibration": math.nan,
    "list_head": 6 / 21,
    "list_middle": 14 / 21,
    "list_tail": 1 / 21,
    "target_head": math.nan,
    "target_middle": math.nan,
    "target_tail": math.nan,
}
# Slice history_length_bucket = "0-4" holds a, b (p) and e (n): candidate ranks 1, 3 and 2, items {1, 2, 3, 4, 5}.
CANDIDATE_SHORT_HISTORY = {
    "hr_p": 1.0,
    "hr_n": 1.0,
    "hr_delta": 0.0,
    "ndcg_p": 3 / 4,
    "ndcg_n": NDCG_2,
    "ndcg_delta": 3 / 4 - NDCG_2,
    "mrr_p": (1 + 1 / 3) / 2,
    "mrr_n": 1 / 2,
    "mrr_delta": (1 + 1 / 3) / 2 - 1 / 2,
    "coverage": 5 / 8,
    "gini": (-1 + 1 + 3 + 3 * 5 + 3 * 7) / (8 * 9),
    "novelty": (3 * 1 + 3 * 2 + 3 + 4 + 5) / 9,
    "diversity": (2 / 3 + 2 / 3 + 0) / 3,
    "miscalibration": 2 / 3,
    "list_head": 3 / 9,
    "list_middle": 5 / 9,
    "list_tail": 1 / 9,
    "target_head": 1.0,
    "target_middle": 0.0,
    "target_tail": 0.0,
}


def write_model(
    folder: pathlib.Path,
    answers: Mapping[str, Answer],
    catalogue_size: int,
    default_ranks: Mapping[str, int] | None = None,
) -> pathlib.Path:
    """A SavedModel whose `rank_examples` looks each user's answer up, where a Trainer would put it.

    With `default_ranks` it tells all that exports of this version tell.
    """

    class TableModel(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            users = tf.constant(sorted(answers))
            rows = tf.range(len(answers), dtype=tf.int64)
            # A session-safe lookup: the table belongs to the module, the numbers are constants of the graph.
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(users, rows), -1)
            self.ranks = [answers[user].rank for user in sorted(answers)]
            self.default_ranks = None if default_ranks is None else [default_ranks[user] for user in sorted(answers)]
            self.buckets = [("head", "middle", "tail").index(USERS[user][2]) for user in sorted(answers)]
            self.items = [answers[user].items for user in sorted(answers)]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=schema.RANK_INPUT)])
        def rank_examples(self, examples: Any) -> dict[str, Any]:
            features = tf.io.parse_example(examples, {schema.USER_ID: tf.io.FixedLenFeature([], tf.string)})
            rows = self.table.lookup(features[schema.USER_ID])
            default = {}
            if self.default_ranks is not None:
                default[schema.OUTPUT_DEFAULT_RANK] = tf.gather(tf.constant(self.default_ranks, tf.int64), rows)
                default[schema.OUTPUT_TOP_INFORMATION] = tf.gather(tf.constant(self.items, tf.float64), rows)
                groups = tf.constant([0, 5, 5, 6, 6, 0, 0, 0, 0], tf.int64)
                default[schema.OUTPUT_TOP_GROUPS] = tf.gather(
                    groups, tf.gather(tf.constant(self.items, tf.int64), rows)
                )
                default[schema.OUTPUT_TARGET_BUCKET] = tf.gather(tf.constant(self.buckets, tf.int64), rows)
            return {
                **default,
                schema.OUTPUT_RANK: tf.gather(tf.constant(self.ranks, tf.int64), rows),
                schema.OUTPUT_TOP_ITEMS: tf.gather(tf.constant(self.items, tf.int64), rows),
                schema.OUTPUT_CATALOGUE_SIZE: tf.fill(tf.shape(rows), tf.constant(catalogue_size, tf.int64)),
            }

    model = TableModel()
    path = folder / "Format-Serving"
    tf.saved_model.save(model, str(path), signatures={schema.RANK_SIGNATURE: model.rank_examples})
    return path


def bytes_feature(*values: str) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode() for value in values]))


def flags_feature(*flags: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=flags))


def floats_feature(*floats: float) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=floats))


def make_example(user: str, is_positive: int, history: str, popularity: str) -> Any:
    """An evaluation example as docs/reference/formats.md lays it out."""
    positives = ("i1", "i2", "i3") if history == "0-4" else ("i1", "i2", "i3", "i4", "i5")
    features = {
        schema.USER_ID: bytes_feature(user),
        schema.POSITIVE_ITEM_IDS: bytes_feature(*positives),
        schema.NEGATIVE_ITEM_IDS: bytes_feature(),
        schema.HISTORY_IS_POSITIVE: flags_feature(*[1] * len(positives)),
        schema.SEEN_ITEM_IDS: bytes_feature(*positives),
        schema.TARGET_DAY: floats_feature(15_001.5),
        schema.TARGET_ITEM_ID: bytes_feature("i9"),
        schema.TARGET_IS_POSITIVE: tf.train.Feature(int64_list=tf.train.Int64List(value=[is_positive])),
        schema.HISTORY_LENGTH_BUCKET: bytes_feature(history),
        schema.TARGET_POPULARITY_BUCKET: bytes_feature(popularity),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def make_training_example(user: str, positives: Sequence[str], negatives: Sequence[str]) -> Any:
    features = {
        schema.USER_ID: bytes_feature(user),
        schema.POSITIVE_ITEM_IDS: bytes_feature(*positives),
        schema.NEGATIVE_ITEM_IDS: bytes_feature(*negatives),
        schema.HISTORY_IS_POSITIVE: flags_feature(*[1] * len(positives), *[0] * len(negatives)),
        schema.HISTORY_MARGINS: floats_feature(*[0.5] * (len(positives) + len(negatives))),
        schema.HISTORY_DAYS: floats_feature(*[15_000.5] * (len(positives) + len(negatives))),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def write_examples(root: pathlib.Path, split: str, examples: Sequence[Any], shards: int = 2) -> pathlib.Path:
    """Writes `examples` round robin over gzip TFRecord shards of a split; returns the split's folder."""
    folder = root / f"Split-{split}"
    folder.mkdir(parents=True)
    for shard in range(shards):
        path = folder / f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for example in examples[shard::shards]:
                writer.write(example.SerializeToString())
    return folder


def write_users(root: pathlib.Path, split: str, users: Mapping[str, tuple[int, str, str]]) -> pathlib.Path:
    return write_examples(root, split, [make_example(user, *fields) for user, fields in users.items()])
