"""Answers to predictions, written as they go over the wire: out of arrays, without a message in between.

A PredictResponse of a list for one user is some 300 bytes, for which protobuf makes 20 objects in Python. Tensors whose
form is not one of those below are written by protobuf.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pnfrec_core import schema
from serving import requests, tensors, wire

# Tags of fields, by the tables of `_protocol`: a number, times 8, and 2 for what begins with its length.
_OUTPUTS: Final = b"\x0a"
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_FLOAT_VAL: Final = b"\x2a"
_INT_VAL: Final = b"\x3a"
_STRING_VAL: Final = b"\x42"
_BOOL_VAL: Final = b"\x5a"
_SHORT: Final = 128
# A text of fewer bytes than that begins with its tag and its length.
_BEGINNINGS: Final = tuple(_STRING_VAL + bytes([length]) for length in range(_SHORT))


class Prediction:
    """The answer to one prediction.

    Args:
        request: The PredictRequest.
        version: Which version answers.
        rows: What was read of the request, where its rows were joined; else None.
        outputs: An array of each output.
        types: Names of those that are to be answered, and the numbers of their DataTypes.

    Attributes:
        content: The message.
        outputs: All, those too that were not asked for: what was shown is counted, whatever the caller wants of it.
    """

    def __init__(
        self, request: Any, version: int, rows: Any, outputs: Mapping[str, Any], types: Sequence[tuple[str, int]]
    ) -> None:
        asked = request.model_spec
        self.version = version
        self.rows = rows
        self.outputs = outputs
        spec = _spec(asked.name, asked.signature_name or schema.SERVING_SIGNATURE, version)
        self.content = b"".join([*[_entry(name, tensor(outputs[name], number)) for name, number in types], spec])

    def message(self) -> Any:
        """The PredictResponse."""
        return wire.PredictResponse.FromString(self.content)


def tensor(array: Any, number: int) -> bytes:
    """A TensorProto, the values in the list of their type, as `requests.write` fills it."""
    values = _values(array, number)
    if values is None:
        return bytes(requests.to_proto(array, number).SerializeToString())
    return _head(number, array.shape) + values


def _values(array: Any, number: int) -> bytes | None:
    """The field of the values; None where protobuf has to write it."""
    if not array.size:
        return b""
    if number == tensors.DT_STRING:
        return b"".join([_text(value) for value in array.ravel().tolist()])
    if number == tensors.DT_FLOAT:
        return _FLOAT_VAL + _sized(array.astype("<f4", copy=False).tobytes())
    if number == tensors.DT_BOOL:
        return _BOOL_VAL + _sized(array.tobytes())
    if number == tensors.DT_INT32:
        listed = array.ravel().tolist()
        # Greater ones, and those below 0, take several bytes.
        return _INT_VAL + _sized(bytes(listed)) if min(listed) >= 0 and max(listed) < _SHORT else None
    return None


def _text(value: bytes) -> bytes:
    length = len(value)
    return _BEGINNINGS[length] + value if length < _SHORT else _STRING_VAL + _sized(value)


def _sized(content: bytes) -> bytes:
    """Bytes after their length."""
    return _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= _SHORT:
        found.append(number % _SHORT + _SHORT)
        number //= _SHORT
    found.append(number)
    return bytes(found)


def _entry(name: str, content: bytes) -> bytes:
    return _OUTPUTS + _sized(_key(name) + _VALUE + _sized(content))


@functools.lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    return _KEY + _sized(name.encode())


@functools.lru_cache(maxsize=1024)
def _head(number: int, shape: tuple[int, ...]) -> bytes:
    """Type and shape of a TensorProto."""
    proto = wire.TensorProto(dtype=number)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return bytes(proto.SerializeToString())


@functools.lru_cache(maxsize=256)
def _spec(name: str, signature: str, version: int) -> bytes:
    response = wire.PredictResponse(model_spec=wire.model_spec(name, version, signature))
    return bytes(response.SerializeToString())
