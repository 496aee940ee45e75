"""The wire format of tf.Example and its features, without TensorFlow, which Beam workers must not import.

It is protobuf's ("Encoding" in its documentation) for tensorflow/core/example/example.proto, with the features in the
order of their names, which is what deterministic serialisation gives.
"""

from collections.abc import Iterable
from functools import lru_cache

_LENGTH_DELIMITED_1 = b"\x0a"
_VALUE = b"\x12"
_BYTES_LIST = b"\x0a"
_FLOAT_LIST = b"\x12"
_INT64_LIST = b"\x1a"


@lru_cache(maxsize=1 << 14)
def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(tag: bytes, payload: bytes) -> bytes:
    return tag + varint(len(payload)) + payload


def bytes_entry(value: bytes) -> bytes:
    """One value inside a BytesList. A list is the concatenation of its entries."""
    return delimited(_LENGTH_DELIMITED_1, value)


class BytesFeature:
    """Encodes the map entry of one feature that holds a list of bytes."""

    def __init__(self, name: str) -> None:
        self._key = delimited(_LENGTH_DELIMITED_1, name.encode())

    def __call__(self, entries: bytes) -> bytes:
        """The map entry; `entries` are the list's entries, one after another."""
        return delimited(_LENGTH_DELIMITED_1, self._key + delimited(_VALUE, delimited(_BYTES_LIST, entries)))


def int64_feature(name: str, value: int) -> bytes:
    """The map entry of a feature that holds one non-negative integer."""
    packed = delimited(_INT64_LIST, delimited(_LENGTH_DELIMITED_1, varint(value)))
    key = delimited(_LENGTH_DELIMITED_1, name.encode())
    return delimited(_LENGTH_DELIMITED_1, key + delimited(_VALUE, packed))


def flags_feature(name: str, flags: bytes) -> bytes:
    """The map entry of a feature that holds a list of the integers 0 and 1, given as a byte each."""
    packed = delimited(_INT64_LIST, delimited(_LENGTH_DELIMITED_1, flags) if flags else b"")
    return delimited(_LENGTH_DELIMITED_1, delimited(_LENGTH_DELIMITED_1, name.encode()) + delimited(_VALUE, packed))


def floats_feature(name: str, floats: bytes) -> bytes:
    """The map entry of a feature that holds a list of floats, given as their little-endian float32 bytes."""
    packed = delimited(_FLOAT_LIST, delimited(_LENGTH_DELIMITED_1, floats) if floats else b"")
    return delimited(_LENGTH_DELIMITED_1, delimited(_LENGTH_DELIMITED_1, name.encode()) + delimited(_VALUE, packed))


def example(features: Iterable[bytes]) -> bytes:
    """A serialised tf.Example of map entries, which must come in the order of their names."""
    return delimited(_LENGTH_DELIMITED_1, b"".join(features))
