"""Reads the inputs of a request by the signature that it asks for, and writes outputs as tensors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from pnfrec_core import schema
from serving import errors, tensors, wire
from serving.limits import Limits
from serving.rows import Arrays, Form, Rows, trimmed

# Numpy types by DataType number. Strings are objects: numpy's own byte strings lose trailing zero bytes.
_DTYPES: Final = {
    1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 5: np.int16, 6: np.int8, 7: np.object_, 9: np.int64,
    10: np.bool_, 17: np.uint16, 19: np.float16, 22: np.uint32, 23: np.uint64,
}  # fmt: skip
_DT_HALF: Final = 19


def dtype_of(number: int) -> Any:
    """The numpy type of a DataType.

    Raises:
        ValueError: This package does not read or write tensors of it.
    """
    if number not in _DTYPES:
        tensors.field_of(number)
    return np.dtype(_DTYPES[number])


def wanted_outputs(signature: Any, output_filter: Iterable[str]) -> list[str]:
    """Names of the outputs to answer with: all of them without a filter.

    Raises:
        RequestFault: The signature has no such output, or it is named twice.
    """
    wanted = list(output_filter)
    for place, name in enumerate(wanted):
        if name not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            msg = f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}."
            raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
        if name in wanted[:place]:
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"duplicate output tensor alias: {name}")
    return wanted or sorted(signature.outputs)


class Reader:
    """Reads the rows of requests to one signature whose rows may be joined.

    Args:
        signature: A `wire.SignatureDef`.
        form: Its form.
    """

    def __init__(self, signature: Any, form: Form) -> None:
        self._signature = signature
        self._form = form
        first = _first(form)
        # The input that tells how many rows there are comes first.
        self._ragged = (first, *(name for name in form.ragged if name != first)) if form.joins else ()
        self._single = [
            (name, signature.inputs[name].dtype, tensors.field_of(signature.inputs[name].dtype), dtype_of(
                signature.inputs[name].dtype))
            for name in form.single
        ]  # fmt: skip

    def read(self, inputs: Mapping[str, Any], limits: Limits) -> Rows:
        """The rows of a request.

        Raises:
            RequestFault: The inputs do not fit the signature or the limits, or one has another number of rows.
        """
        found = self._quick(inputs, limits.max_columns)
        if found is not None:
            return found
        limits.check_inputs(inputs)
        return read_rows(self._signature, self._form, inputs)

    def _quick(self, inputs: Mapping[str, Any], most_columns: int) -> Rows | None:
        """The rows of a request with one row, as most are; None for any other, and for one with a fault.

        Its shapes are looked at once, here: a look takes as long as to read the message.
        """
        if len(inputs) != len(self._ragged) + len(self._single):
            return None
        ragged, single = {}, {}
        for name in self._ragged:
            if name not in inputs:
                return None
            proto = inputs[name]
            sizes = [dim.size for dim in proto.tensor_shape.dim]
            ids = list(proto.string_val)
            if len(ids) > most_columns:
                return None
            if proto.dtype != tensors.DT_STRING or sizes != [1, len(ids)] or proto.tensor_content:
                return None
            while ids and not ids[-1]:
                ids.pop()
            ragged[name] = [ids]
        for name, number, field, dtype in self._single:
            if name not in inputs:
                return None
            proto = inputs[name]
            values = getattr(proto, field)
            if proto.dtype != number or [dim.size for dim in proto.tensor_shape.dim] != [1] or len(values) != 1:
                return None
            if proto.tensor_content or number == _DT_HALF:
                return None
            try:
                single[name] = np.array(list(values), dtype)
            except (ValueError, OverflowError):
                return None
        return Rows(1, ragged, single)


def _first(form: Form) -> str:
    """The input that tells how many rows a request has."""
    if schema.POSITIVE_ITEM_IDS in form.ragged:
        return schema.POSITIVE_ITEM_IDS
    return form.ragged[0] if form.ragged else ""


def read_rows(signature: Any, form: Form, inputs: Mapping[str, Any]) -> Rows:
    """The rows of a request to a signature whose rows may be joined.

    Raises:
        RequestFault: The inputs do not fit the signature, or one has another number of rows.
    """
    shapes = _checked(signature, inputs)
    count = check_counts(form, shapes)
    ragged, single = {}, {}
    for name in form.ragged:
        with _named(name):
            ragged[name] = trimmed(inputs[name], *shapes[name])
    for name in form.single:
        values = _array(name, inputs[name], shapes[name])
        single[name] = np.repeat(values, count) if len(values) == 1 and count != 1 else values
    return Rows(count, ragged, single)


def read_arrays(signature: Any, form: Form, inputs: Mapping[str, Any]) -> Arrays:
    """The inputs as they are.

    Raises:
        RequestFault: As `read_rows`.
    """
    shapes = _checked(signature, inputs)
    if form.joins:
        check_counts(form, shapes)
    return {name: _array(name, inputs[name], shapes[name]) for name in shapes}


def check_counts(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The number of rows: as many in each matrix, and in a vector as many or one.

    Raises:
        RequestFault: An input has another number.
    """
    first = _first(form)
    count = shapes[first][0]
    for name in (*form.ragged, *form.single):
        allowed = sorted({count} if name in form.ragged else {count, 1})
        if shapes[name][0] not in allowed:
            msg = f"Input `{name}` must have {' or '.join(map(str, allowed))} rows, as `{first}` has {count}. "
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"{msg}Received: {shapes[name][0]}.")
    return count


def to_proto(array: Any, number: int) -> Any:
    """An array as a TensorProto, the values in the list of their type, as TensorFlow Serving sends them."""
    proto = wire.TensorProto()
    write(array, number, proto)
    return proto


def write(array: Any, number: int, proto: Any) -> None:
    """As `to_proto`, into an empty one."""
    proto.dtype = number
    add = proto.tensor_shape.dim.add
    for size in array.shape:
        add().size = size
    flat = array.view(np.uint16) if number == _DT_HALF else array
    getattr(proto, tensors.field_of(number)).extend(flat.ravel().tolist())


def _checked(signature: Any, inputs: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs, by their names in order, all checked for names, types and shapes."""
    required, sent = set(signature.inputs), set(inputs)
    if required != sent:
        msg = (
            f"input size does not match signature: {len(sent)}!={len(required)}. "
            if len(sent) != len(required)
            else "input names do not match the signature. "
        )
        extra, missing = ",".join(sorted(sent - required)), ",".join(sorted(required - sent))
        msg += f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    return {name: _shape(name, inputs[name], signature.inputs[name]) for name in sorted(required)}


def _shape(name: str, proto: Any, info: Any) -> tuple[int, ...]:
    if proto.dtype != info.dtype:
        expected, received = wire.type_name(info.dtype), wire.type_name(proto.dtype)
        msg = f"Input `{name}` must be of type {expected}. Received: {received}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    expected_shape, shape = wire.shape_of(info.tensor_shape), wire.shape_of(proto.tensor_shape)
    if shape is None or not _fits(shape, expected_shape):
        msg = f"Input `{name}` must have the shape {wire.shape_text(expected_shape)}. "
        msg += f"Received: {wire.shape_text(shape)}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    with _named(name):
        return tensors.checked_shape(proto)


def _fits(shape: tuple[int, ...], expected: tuple[int, ...] | None) -> bool:
    """True if `shape` is complete and agrees with `expected`, where -1 is any size and None any shape."""
    if expected is None:
        return min(shape, default=0) >= 0
    return len(shape) == len(expected) and all(
        size >= 0 and wanted in (-1, size) for size, wanted in zip(shape, expected, strict=True)
    )


def _array(name: str, proto: Any, shape: tuple[int, ...]) -> Any:
    """The values of one input as a numpy array (strings as objects)."""
    with _named(name):
        return np.array(tensors.flat_values(proto), dtype=dtype_of(proto.dtype)).reshape(shape)


class _named:  # noqa: N801 - reads as a word of its `with`
    """Says which input it was that could not be read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: Any, error: BaseException | None, _stack: Any) -> None:
        if isinstance(error, (ValueError, OverflowError)):
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"Input `{self._name}`: {error}") from error
