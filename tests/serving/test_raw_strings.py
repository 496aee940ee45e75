"""Strings in `tensor_content`, as TensorFlow's C++ writes them, are read as TensorFlow reads them."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import contract, errors, tensors, wire
from serving.model import LoadedModel

pytestmark = pytest.mark.tensorflow


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number % 128 + 128])
        number //= 128
    return found + bytes([number])


def raw(values: list[bytes]) -> bytes:
    return b"".join(varint(len(value)) for value in values) + b"".join(values)


def proto_of(content: bytes, *shape: int) -> Any:
    proto = wire.TensorProto(dtype=tensors.DT_STRING, tensor_content=content)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_raw_strings_are_read_as_tensorflow_reads_them(values: list[bytes]) -> None:
    proto = proto_of(raw(values), len(values))
    proto.string_val.append(b"does not count")
    assert tensors.flat_values(proto) == values
    assert tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy().tolist() == values


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (b"\x01\x02ab", (1, 2)),
        (b"\x01\x02abcd", (1, 2)),
        (b"\x01", (1, 2)),
        (b"\x81", (1, 1)),
        (b"\xff\xff\xff\xff\xff\xff\x01", (1, 1)),
        (b"\x01a", (4096, 4096)),
        (b"a", (1, 0)),
    ],
)
def test_what_is_not_so_many_strings_is_refused(content: bytes, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`tensor_content` is not \d+ strings, which a tensor of shape"):
        tensors.flat_values(proto_of(content, *shape))


@pytest.mark.parametrize("count", [1, 2])
def test_a_history_in_raw_strings_is_a_history(base: Path, count: int) -> None:
    model = LoadedModel(base / "1", 1)
    inputs = contract.build_request([["a", "b"]] * count, None, 3, wire.model_spec("pnfrec")).inputs
    expected = {name: proto.SerializeToString() for name, proto in model.predict("", inputs).items()}
    inputs["positive_item_ids"].CopyFrom(proto_of(raw([b"a", b"b"] * count), count, 2))
    assert {name: proto.SerializeToString() for name, proto in model.predict("", inputs).items()} == expected
    inputs["positive_item_ids"].CopyFrom(proto_of(b"\x05a", count, 2))
    with pytest.raises(errors.RequestFault, match="Input `positive_item_ids`: `tensor_content` is not"):
        model.predict("", inputs)
