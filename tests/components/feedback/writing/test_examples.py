"""The encoder against TensorFlow's own parser and serialiser."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.rules.filters import Known
from components.feedback.rules.table import UserTable
from components.feedback.rules.targets import Targets
from components.feedback.writing import examples, features
from components.feedback.writing.tfrecord import gzip_tfrecords
from tests.components.feedback.support import parse


def _feature(values: list[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


@given(st.integers(0, 2**63 - 1))
def test_an_integer_feature_is_tensorflows(value: int) -> None:
    expected = tf.train.Example()
    expected.features.feature["target_is_positive"].int64_list.value.append(value)
    encoded = features.example([features.int64_feature("target_is_positive", value)])
    assert encoded == expected.SerializeToString(deterministic=True)


@given(st.lists(st.integers(0, 1), max_size=300))
def test_a_list_of_flags_is_tensorflows(flags: list[int]) -> None:
    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=flags))
    expected = tf.train.Example(features=tf.train.Features(feature={"history_is_positive": feature}))
    encoded = features.example([features.flags_feature("history_is_positive", bytes(flags))])
    assert encoded == expected.SerializeToString(deterministic=True)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=300))
def test_a_list_of_floats_is_tensorflows(floats: list[float]) -> None:
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=floats))
    expected = tf.train.Example(features=tf.train.Features(feature={"history_margins": feature}))
    encoded = features.example([features.floats_feature("history_margins", np.array(floats, "<f4").tobytes())])
    assert encoded == expected.SerializeToString(deterministic=True)


@given(st.lists(st.text().map(str.encode)), st.binary(min_size=0, max_size=300))
def test_bytes_features_are_tensorflows(values: list[bytes], long: bytes) -> None:
    values_of = {"a": values, "b": [], "c": [long * 80]}
    expected = tf.train.Example(
        features=tf.train.Features(feature={name: _feature(entries) for name, entries in values_of.items()})
    )
    encoded = features.example(
        features.BytesFeature(name)(b"".join(map(features.bytes_entry, entries))) for name, entries in values_of.items()
    )
    assert encoded == expected.SerializeToString(deterministic=True)


@pytest.mark.parametrize("ids", [[], [""], ["i", "ü" * 63 + "x", "ü" * 64, "-" * 300, "i", "-" * 20_000]])
def test_entries_of_items(ids: list[str]) -> None:
    entries = examples.item_entries(pa.array(ids, pa.string()))
    assert entries.to_pylist() == [features.bytes_entry(each.encode()) for each in ids]
    assert entries.type == pa.large_binary()


def test_tensorflow_reads_the_file(tmp_path: Path) -> None:
    contents = [b"", b"x", b"y" * 100_000]
    data, count = gzip_tfrecords(contents)
    path = tmp_path / "file.gz"
    path.write_bytes(data)
    assert count == 3
    assert list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()) == contents
    assert data == gzip_tfrecords(contents)[0]


def test_an_empty_file_holds_no_record(tmp_path: Path) -> None:
    data, count = gzip_tfrecords([])
    path = tmp_path / "file.gz"
    path.write_bytes(data)
    assert (count, gzip.decompress(data)) == (0, b"")
    assert list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()) == []


def _table() -> UserTable:
    """User "a": i1 i2 i3, user "b": i3 i1."""
    return UserTable(
        pa.array(["a", "b"]),
        np.array([0, 0, 0, 1, 1], np.int32),
        pa.array(["i1", "i2", "i3"]),
        np.array([0, 1, 2, 2, 0], np.int32),
        np.array([1, 2, 3, 1, 2]),
        np.array([5.0, 1.0, 4.0, 1.0, 1.0]),
        None,
        first=np.ones(5, bool),
        stays=np.ones(5, bool),
    )


def test_examples_of_a_shard() -> None:
    table = _table()
    positive = table.value >= 4
    encoder = examples.ShardExamples(table, positive, 4, np.abs(table.value - 2.5))
    assert [parse(record) for record in encoder.train(np.array([True, True, False, True, True]))] == [
        {
            "user_id": "a",
            "positive_item_ids": ["i1"],
            "negative_item_ids": ["i2"],
            "history_is_positive": [1, 0],
            "history_margins": [2.5, 1.5],
            "history_days": [0.25, 0.5],
        },
        {
            "user_id": "b",
            "positive_item_ids": [],
            "negative_item_ids": ["i3", "i1"],
            "history_is_positive": [0, 0],
            "history_margins": [1.5, 1.5],
            "history_days": [0.25, 0.5],
        },
    ]
    everything = np.ones(5, bool)
    # Of a catalogue of 20 items; the head are the places 0 and 1, the middle ends with 9.
    known = Known(everything, everything, 0, 0, np.array([1, 9, 10]))
    targets = Targets(np.array([1, 2, 4]), everything, 0)
    rest = {"history_length_bucket": "0-4"}
    assert [parse(record) for record in encoder.evaluation(targets, known, 20)] == [
        {
            "user_id": "a",
            "positive_item_ids": ["i1"],
            "negative_item_ids": [],
            "seen_item_ids": ["i1"],
            "history_is_positive": [1],
            "target_day": [0.5],
            "target_item_id": "i2",
            "target_is_positive": 0,
            "target_popularity_bucket": "middle",
            **rest,
        },
        {
            "user_id": "a",
            "positive_item_ids": ["i1"],
            "negative_item_ids": ["i2"],
            "seen_item_ids": ["i1", "i2"],
            "history_is_positive": [1, 0],
            "target_day": [0.75],
            "target_item_id": "i3",
            "target_is_positive": 1,
            "target_popularity_bucket": "tail",
            **rest,
        },
        {
            "user_id": "b",
            "positive_item_ids": [],
            "negative_item_ids": ["i3"],
            "seen_item_ids": ["i3"],
            "history_is_positive": [0],
            "target_day": [0.5],
            "target_item_id": "i1",
            "target_is_positive": 0,
            "target_popularity_bucket": "head",
            **rest,
        },
    ]
    assert list(encoder.train(np.zeros(5, bool))) == []
    assert list(encoder.evaluation(Targets(np.array([], np.int64), everything, 0), known, 20)) == []


def test_history_length_buckets() -> None:
    """One user with 51 rows, each of them a target."""
    size = 51
    table = UserTable(
        pa.array(["u"]),
        np.zeros(size, np.int32),
        pa.array(["i"]),
        np.zeros(size, np.int32),
        np.arange(size),
        np.ones(size),
        None,
        first=np.ones(size, bool),
        stays=np.ones(size, bool),
    )
    everything = np.ones(size, bool)
    known = Known(everything, everything, 0, 0, np.array([0]))
    encoded = examples.ShardExamples(table, everything, 1).evaluation(Targets(np.arange(size), everything, 0), known, 1)
    buckets = [parse(record)["history_length_bucket"] for record in encoded]
    assert buckets == ["0-4"] * 5 + ["5-9"] * 5 + ["10-19"] * 10 + ["20-49"] * 30 + ["50+"]
