"""A SavedModel in a session: joined calls against calls alone, warm-up, faults of the graph, memory."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from pnfrec_core import schema
from serving import errors, rows, tensors, warmup, wire
from serving.model import LoadedModel
from tests.serving.tiny_model import ITEMS


@pytest.fixture(scope="module")
def model(base: Path) -> Iterator[LoadedModel]:
    loaded = LoadedModel(base / "1", 1)
    yield loaded
    loaded.close()


def inputs_of(histories: list[list[str]], ks: list[int], gammas: list[float] | None = None) -> Any:
    """Rows as a client pads them."""

    def ids(of: list[list[str]]) -> Any:
        width = max(map(len, of))
        return tensors.to_proto([[*row, *[""] * (width - len(row))] for row in of], tensors.DT_STRING, [len(of), width])

    found = {"positive_item_ids": ids(histories), "exclude_item_ids": ids([[]] * len(histories))}
    found["k"] = tensors.to_proto(ks, tensors.DT_INT32)
    if gammas is not None:
        found["negative_item_ids"] = ids([row[:1] for row in histories])
        found["gamma"] = tensors.to_proto(gammas, tensors.DT_FLOAT)
    return found


def lists_of(outputs: Any) -> dict[str, tuple[tuple[int, ...], Any]]:
    return {name: (wire.shape_of(proto.tensor_shape), tensors.to_lists(proto)) for name, proto in outputs.items()}


def reference(path: Path, name: str, inputs: Any) -> dict[str, tuple[tuple[int, ...], Any]]:
    """What `tf.saved_model.load` answers."""
    function = tf.saved_model.load(str(path)).signatures[name]
    arrays = {key: tf.make_ndarray(tf.make_tensor_proto(0)) for key in ()}
    for key, proto in inputs.items():
        stock = tf.compat.v1.TensorProto.FromString(proto.SerializeToString()) if False else proto
        shape = wire.shape_of(stock.tensor_shape)
        arrays[key] = tf.constant(
            np.array(tensors.flat_values(stock), object if stock.dtype == tensors.DT_STRING else None).reshape(shape),
            dtype=tf.as_dtype(stock.dtype),
        )
    return {key: (tuple(value.shape), value.numpy().tolist()) for key, value in function(**arrays).items()}
