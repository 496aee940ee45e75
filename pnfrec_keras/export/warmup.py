"""The requests that a server answers before it lets a version serve, so that no caller waits for a first run.

TensorFlow Serving reads them from `assets.extra/tf_serving_warmup_requests`: a TFRecord file of at most 1,000
`tensorflow.serving.PredictionLog`. Its protos are in no package that this one needs, so the four messages around the
tensors are written here by their field numbers (tensorflow_serving/apis/prediction_log.proto, predict.proto and
model.proto, the same from 2.16 to 2.19); a test reads the file back with the stock classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.examples.vocabulary import Vocabulary

WARMUP_FILE = f"{schema.EXTRA_ASSETS}/tf_serving_warmup_requests"
MODEL_NAME = "pnfrec"
# What real queries look like: one user, and a few users of histories of several lengths.
_LENGTHS = ((6,), (0, 1, 5, 12))
_K = 10

Inputs = Mapping[str, Any]


def write_warmup(path: Path, vocabulary: Vocabulary, *, tells_dislikes: bool) -> None:
    """Writes the file.

    Args:
        path: The file; its folder must exist.
        vocabulary: The catalogue, whose most frequent items make the histories.
        tells_dislikes: Whether the model takes dislikes apart from likes (`with_negatives`).
    """
    with tf.io.TFRecordWriter(str(path)) as records:
        for signature, inputs in warmup_requests(vocabulary, tells_dislikes=tells_dislikes):
            records.write(_prediction_log(signature, inputs))


def warmup_requests(vocabulary: Vocabulary, *, tells_dislikes: bool) -> Iterator[tuple[str, Inputs]]:
    """(signature, inputs) of each request: of every signature, and for queries in batches of one and of several."""
    items = list(vocabulary.item_ids[:24])
    for lengths in _LENGTHS:
        rows = len(lengths)
        liked, disliked = [items[:length] for length in lengths], [items[length : length + 2] for length in lengths]
        plain = {
            schema.POSITIVE_ITEM_IDS: _grid(liked),
            schema.EXCLUDE_ITEM_IDS: _grid([items[-1:]] * rows),
            schema.K: np.full(rows, _K, np.int32),
        }
        disliked = disliked if tells_dislikes else [[]] * rows
        told = {schema.NEGATIVE_ITEM_IDS: _grid(disliked), schema.GAMMA: np.full(rows, np.nan, np.float32)}
        full = {schema.ALLOW_ITEM_IDS: _grid([items] * rows), schema.MAX_PER_GROUP: np.zeros(rows, np.int32)}
        yield schema.SERVING_SIGNATURE, plain
        if tells_dislikes:
            yield schema.NEGATIVES_SIGNATURE, {**plain, **told}
        yield schema.RECOMMEND_SIGNATURE, {**plain, **told, **full}
    yield schema.USERS_SIGNATURE, {schema.POSITIVE_ITEM_IDS: plain[schema.POSITIVE_ITEM_IDS]}
    yield schema.ITEMS_SIGNATURE, {schema.VECTOR_ITEM_IDS: np.array(items, object)}
    yield schema.RANK_SIGNATURE, {schema.RANK_INPUT: np.array([_example(items)], object)}


def _grid(rows: Sequence[Sequence[str]]) -> Any:
    width = max(map(len, rows))
    return np.array([[*row, *[""] * (width - len(row))] for row in rows], object).reshape(len(rows), width)


def _example(items: Sequence[str]) -> bytes:
    """An evaluation example whose target is the last of some items."""
    *seen, target = [item.encode() for item in items]
    ids = {
        schema.POSITIVE_ITEM_IDS: seen[::2],
        schema.NEGATIVE_ITEM_IDS: seen[1::2],
        schema.SEEN_ITEM_IDS: seen,
        schema.TARGET_ITEM_ID: [target],
    }
    features = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=value)) for name, value in ids.items()}
    features[schema.TARGET_IS_POSITIVE] = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # So that one model is exported to the same bytes each time.
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _prediction_log(signature: str, inputs: Inputs) -> bytes:
    """PredictionLog{predict_log: PredictLog{request: PredictRequest{model_spec, inputs}}}."""
    request = _field(1, _field(1, MODEL_NAME.encode()) + _field(3, signature.encode()))
    for name, value in inputs.items():
        proto = tf.make_tensor_proto(value, dtype=tf.string if value.dtype == object else None, shape=value.shape)
        request += _field(2, _field(1, name.encode()) + _field(2, proto.SerializeToString()))
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of the wire type that holds bytes, text or a message: its key and length as varints, then the content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
