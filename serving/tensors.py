"""TensorProto to and from nested Python lists, without numpy.

TensorFlow writes a tensor in one of two ways: raw little-endian bytes in `tensor_content`, which count where there are
any, or a list of values in the field of its type. The list may be shorter than the tensor: the last value then stands
for the rest, an empty list for zeros. Raw strings are the lengths of all, as varints, and then all the bytes: Python
never writes them, but the clients of other languages do.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from serving import _protocol, wire

_TYPES: Final = _protocol.DATA_TYPES
# A guard against a request that names a huge shape and sends one value, which would be repeated to fill it.
MAX_ELEMENTS: Final = 2**24

# A length has 32 bits: five bytes of seven.
_MOST_SHIFT: Final = 28


class _Storage(NamedTuple):
    """Where values of one type lie: the field of the list, and the format of one value (struct) in the raw bytes."""

    field: str
    format: str


_STORAGE: Final = {
    _TYPES["DT_FLOAT"]: _Storage("float_val", "f"),
    _TYPES["DT_DOUBLE"]: _Storage("double_val", "d"),
    _TYPES["DT_HALF"]: _Storage("half_val", "e"),
    _TYPES["DT_INT32"]: _Storage("int_val", "i"),
    _TYPES["DT_INT16"]: _Storage("int_val", "h"),
    _TYPES["DT_INT8"]: _Storage("int_val", "b"),
    _TYPES["DT_UINT8"]: _Storage("int_val", "B"),
    _TYPES["DT_UINT16"]: _Storage("int_val", "H"),
    _TYPES["DT_INT64"]: _Storage("int64_val", "q"),
    _TYPES["DT_UINT32"]: _Storage("uint32_val", "I"),
    _TYPES["DT_UINT64"]: _Storage("uint64_val", "Q"),
    _TYPES["DT_BOOL"]: _Storage("bool_val", "?"),
    _TYPES["DT_STRING"]: _Storage("string_val", ""),
}
_ZERO: Final[dict[int, Any]] = {
    _TYPES["DT_STRING"]: b"",
    _TYPES["DT_BOOL"]: False,
    _TYPES["DT_FLOAT"]: 0.0,
    _TYPES["DT_DOUBLE"]: 0.0,
    _TYPES["DT_HALF"]: 0.0,
}

DT_FLOAT: Final = _TYPES["DT_FLOAT"]
DT_INT32: Final = _TYPES["DT_INT32"]
DT_INT64: Final = _TYPES["DT_INT64"]
DT_BOOL: Final = _TYPES["DT_BOOL"]
DT_STRING: Final = _TYPES["DT_STRING"]


def _shape(values: Any) -> list[int]:
    """The shape of nested lists, read along the first elements."""
    shape = []
    while isinstance(values, (list, tuple)):
        shape.append(len(values))
        if not values:
            break
        values = values[0]
    return shape


def _flatten(values: Any, shape: Sequence[int], flat: list[Any]) -> None:
    if not shape:
        if isinstance(values, (list, tuple)):
            msg = f"A tensor needs values at one depth. Received a list of {len(values)} where a value was expected."
            raise ValueError(msg)
        flat.append(values)
        return
    if not isinstance(values, (list, tuple)) or len(values) != shape[0]:
        received = len(values) if isinstance(values, (list, tuple)) else repr(values)
        msg = f"A tensor needs rows of equal length: expected {shape[0]}. Received: {received}. Pad the shorter rows."
        raise ValueError(msg)
    for value in values:
        _flatten(value, shape[1:], flat)


def to_proto(values: Any, dtype: int, shape: Sequence[int] | None = None) -> Any:
    """Writes nested lists of `values` as a TensorProto.

    Args:
        values: A scalar or nested lists of equal lengths; strings as `bytes` or `str` (written as UTF-8).
        dtype: A DataType number.
        shape: Needed only where an empty list hides it, as in [0, 3].

    Raises:
        ValueError: The type has no list form here, rows differ in length or `shape` does not hold the values.
    """
    storage = _storage(dtype)
    read = _shape(values)
    flat: list[Any] = []
    _flatten(values, read, flat)
    sizes = list(read if shape is None else shape)
    if _count(sizes) != len(flat):
        msg = f"A tensor of shape {wire.shape_text(sizes)} needs {_count(sizes)} values. Received: {len(flat)}."
        raise ValueError(msg)
    if dtype == DT_STRING:
        flat = [value.encode() if isinstance(value, str) else value for value in flat]
    elif storage.format == "e":
        flat = [struct.unpack("<H", struct.pack("<e", value))[0] for value in flat]
    proto = wire.TensorProto(dtype=dtype)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, storage.field).extend(flat)
    return proto


def flat_values(proto: Any) -> list[Any]:
    """All values of `proto` in row-major order, strings as `bytes`.

    Raises:
        ValueError: The type has no list form here, the shape is incomplete or too large, or the values do not fit it.
    """
    storage = _storage(proto.dtype)
    shape = checked_shape(proto)
    count = _count(shape)
    content = proto.tensor_content
    if content and storage.format:
        return _from_content(content, storage.format, count, shape)
    values = strings(proto, shape) if proto.dtype == DT_STRING else list(getattr(proto, storage.field))
    check_count(len(values), shape)
    if storage.format == "e":
        values = [struct.unpack("<e", struct.pack("<H", value))[0] for value in values]
    fill = values[-1] if values else _ZERO.get(proto.dtype, 0)
    return values + [fill] * (count - len(values))


def strings(proto: Any, shape: Sequence[int]) -> list[bytes]:
    """The strings that a tensor holds; fewer than its shape tells where the last stands for the rest.

    Raises:
        ValueError: There are more of them, or the raw ones are not of this shape.
    """
    content = proto.tensor_content
    if content:
        return _strings_from_content(content, _count(shape), shape)
    values = list(proto.string_val)
    check_count(len(values), shape)
    return values


def checked_shape(proto: Any) -> tuple[int, ...]:
    """The sizes of a tensor.

    Raises:
        ValueError: The shape is incomplete or too large.
    """
    shape = wire.shape_of(proto.tensor_shape)
    if shape is None or any(size < 0 for size in shape):
        msg = f"A tensor needs a complete shape. Received: {wire.shape_text(shape)}."
        raise ValueError(msg)
    # Empty axes count as 1 here: as nested lists, [2**40, 0] would be 2**40 empty rows.
    if _count([max(size, 1) for size in shape]) > MAX_ELEMENTS:
        msg = f"A tensor may hold {MAX_ELEMENTS} values. Received the shape {wire.shape_text(shape)}."
        raise ValueError(msg)
    return shape


def check_count(received: int, shape: Sequence[int]) -> None:
    """Raises a ValueError for more values than a tensor of this shape holds."""
    if received > _count(shape):
        msg = f"A tensor of shape {wire.shape_text(shape)} holds {_count(shape)} values. Received: {received}."
        raise ValueError(msg)


def field_of(dtype: int) -> str:
    """The field in which the values of a type lie as a list.

    Raises:
        ValueError: The type has no list form here.
    """
    return _storage(dtype).field


def to_lists(proto: Any) -> Any:
    """The values of `proto` as nested lists (a scalar for rank 0), strings as `bytes`.

    Raises:
        ValueError: As `flat_values`.
    """
    values: Any = flat_values(proto)
    shape = [int(dim.size) for dim in proto.tensor_shape.dim]
    if not shape:
        return values[0]
    # Rows of the last axis first, then rows of those. Counting rows by the shape keeps axes of size 0.
    for axis in range(len(shape) - 1, 0, -1):
        size, rows = shape[axis], _count(shape[:axis])
        values = [values[row * size : (row + 1) * size] for row in range(rows)]
    return values


def _storage(dtype: int) -> _Storage:
    storage = _STORAGE.get(dtype)
    if storage is None:
        known = ", ".join(wire.type_name(number) for number in sorted(_STORAGE))
        msg = f"Tensors of type {wire.type_name(dtype)} are not supported. Supported: {known}."
        raise ValueError(msg)
    return storage


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _strings_from_content(content: bytes, count: int, shape: Sequence[int]) -> list[bytes]:
    msg = (
        f"`tensor_content` is not {count} strings, which a tensor of shape {wire.shape_text(shape)} has: their lengths "
    )
    msg += f"as varints, and then their bytes. Received: {len(content)} bytes."
    sizes, place = [], 0
    if count > len(content):
        raise ValueError(msg)
    for _ in range(count):
        size = shift = 0
        while True:
            if place >= len(content) or shift > _MOST_SHIFT:
                raise ValueError(msg)
            byte = content[place]
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        sizes.append(size)
    if place + sum(sizes) != len(content):
        raise ValueError(msg)
    values = []
    for size in sizes:
        values.append(content[place : place + size])
        place += size
    return values


def _from_content(content: bytes, value_format: str, count: int, shape: Sequence[int]) -> list[Any]:
    expected = count * struct.calcsize(f"<{value_format}")
    if len(content) != expected:
        msg = (
            f"`tensor_content` of a tensor of shape {wire.shape_text(shape)} needs {expected} bytes. "
            f"Received: {len(content)}."
        )
        raise ValueError(msg)
    return list(struct.unpack(f"<{count}{value_format}", content))
