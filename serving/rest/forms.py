"""Predictions in JSON, in the two forms of TensorFlow Serving's REST API: rows (`instances`) and columns (`inputs`).

Its JSON has the tokens NaN, Infinity and -Infinity beyond the standard, in requests and in answers. Bytes that are no
text are `{"b64": "..."}`.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from serving import errors, tensors, wire

ROWS: Final = "instances"
COLUMNS: Final = "inputs"
_SIGNATURE: Final = "signature_name"
_KEYS: Final = (_SIGNATURE, ROWS, COLUMNS)
_BYTES: Final = "b64"
# Outputs of names that end so are always written as bytes.
_BYTES_NAME: Final = "_bytes"
_WHOLE: Final = frozenset(
    number for name, number in wire.TYPE_NUMBERS.items() if name.startswith(("DT_INT", "DT_UINT"))
)


class _TwiceError(ValueError):
    """A key stands twice in an object."""


class Body:
    """A request, read.

    Attributes:
        signature: "" is `serving_default`.
        form: `ROWS` or `COLUMNS`.
        values: Of the form.
    """

    def __init__(self, content: bytes) -> None:
        document = parse(content)
        if not isinstance(document, dict):
            msg = f"The body must be a JSON object. Received: {_kind(document)}."
            raise fault(msg)
        if unknown := [key for key in document if key not in _KEYS]:
            msg = f"The body has the unknown key {unknown[0]!r}. Known: {', '.join(_KEYS)}."
            raise fault(msg)
        forms = [name for name in (ROWS, COLUMNS) if name in document]
        if len(forms) != 1:
            found = "both" if forms else "neither"
            msg = f"The body must hold either `{ROWS}` (a row a user) or `{COLUMNS}` (a list a tensor), not {found}."
            raise fault(msg)
        self.signature = document.get(_SIGNATURE, "")
        if not isinstance(self.signature, str):
            msg = f"`{_SIGNATURE}` must be a text. Received: {_kind(self.signature)}."
            raise fault(msg)
        self.form = forms[0]
        self.values = document[self.form]

    def fill(self, request: Any, signature: Any) -> None:
        """Puts the values into the inputs of a PredictRequest, in the types of the signature.

        Args:
            request: A PredictRequest.
            signature: The SignatureDef that it asks for.

        Raises:
            RequestFault: INVALID_ARGUMENT; the message names the input.
        """
        columns = self._columns(signature) if self.form == COLUMNS else self._rows(signature)
        for name, values in columns.items():
            if name not in signature.inputs:
                known = ", ".join(sorted(signature.inputs))
                msg = f"There is no input `{name}`. The signature has: {known}."
                raise fault(msg)
            request.inputs[name].CopyFrom(_to_proto(name, values, signature.inputs[name].dtype))

    def _columns(self, signature: Any) -> Mapping[str, Any]:
        if isinstance(self.values, dict) and not _is_bytes(self.values):
            return self.values
        return {_only(signature.inputs, COLUMNS): self.values}

    def _rows(self, signature: Any) -> Mapping[str, Any]:
        rows = self.values
        if not isinstance(rows, list) or not rows:
            msg = f"`{ROWS}` must be a list with a row or more. Received: {_kind(rows)}."
            raise fault(msg)
        if not all(isinstance(row, dict) and not _is_bytes(row) for row in rows):
            if any(isinstance(row, dict) and not _is_bytes(row) for row in rows):
                msg = f"`{ROWS}` must be all objects, or all plain values."
                raise fault(msg)
            return {_only(signature.inputs, ROWS): rows}
        names = set(rows[0])
        for place, row in enumerate(rows):
            if set(row) != names:
                text = f"{sorted(names)} and {sorted(row)}"
                msg = f"All rows of `{ROWS}` must have the same inputs. Rows 0 and {place} have: {text}."
                raise fault(msg)
        return {name: [row[name] for row in rows] for name in sorted(names)}


def parse(content: bytes) -> Any:
    """The value of a JSON text, with no key twice in an object.

    Raises:
        RequestFault: INVALID_ARGUMENT: it is none.
    """
    try:
        document = json.loads(content.decode(), object_pairs_hook=_object)
        if b"\\u" in content:
            # Halves of characters, as in "\\ud800", are text to Python's reader and to nobody else.
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeEncodeError as error:
        msg = f"The body holds half a character: {error.object[error.start]!r}."
        raise fault(msg) from error
    except UnicodeDecodeError as error:
        msg = "The body is not UTF-8."
        raise fault(msg) from error
    except RecursionError as error:
        msg = "The body is nested too deep."
        raise fault(msg) from error
    except ValueError as error:
        # Of a number of thousands of digits Python tells how to change Python.
        said = (
            error if isinstance(error, json.JSONDecodeError | _TwiceError) else "it holds a number of too many digits"
        )
        msg = f"The body is not JSON: {said}."
        raise fault(msg) from error


def answer(form: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a PredictResponse, in the form of the request.

    Raises:
        RequestFault: FAILED_PRECONDITION: the outputs have no rows, and rows were asked for.
    """
    columns = {name: _to_json(name, outputs[name]) for name in sorted(outputs)}
    if form == COLUMNS:
        return {"outputs": columns if len(columns) != 1 else next(iter(columns.values()))}
    sizes = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if len(sizes) != 1 or -1 in sizes:
        msg = f"The outputs of this signature have no rows in common. Ask with `{COLUMNS}` instead of `{ROWS}`."
        raise errors.RequestFault(errors.FAILED_PRECONDITION, msg)
    if len(columns) == 1:
        return {"predictions": next(iter(columns.values()))}
    names = list(columns)
    return {"predictions": [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def dump(value: Any) -> bytes:
    """JSON in UTF-8; what is not finite is written as NaN, Infinity, -Infinity."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signatures(found: Any) -> dict[str, Any]:
    """A SignatureDefMap as TensorFlow Serving writes it in JSON."""

    def tensors_of(infos: Any) -> dict[str, Any]:
        return {name: _info(infos[name]) for name in sorted(infos)}

    return {
        "signature_def": {
            name: {
                "inputs": tensors_of(each.inputs),
                "outputs": tensors_of(each.outputs),
                "method_name": each.method_name,
                "defaults": {},
            }
            for name, each in sorted(found.signature_def.items())
        }
    }


def fault(text: str) -> errors.RequestFault:
    """INVALID_ARGUMENT."""
    return errors.RequestFault(errors.INVALID_ARGUMENT, text)


def _info(info: Any) -> dict[str, Any]:
    shape = info.tensor_shape
    return {
        "dtype": wire.type_constant(info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": info.name,
    }


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            msg = f"the key {name!r} stands twice in an object"
            raise _TwiceError(msg)
        found[name] = value
    return found


def _only(inputs: Any, form: str) -> str:
    """The name of the only input, for which plain values may stand."""
    if len(inputs) != 1:
        names = ", ".join(sorted(inputs)) or "none"
        msg = f"`{form}` must name its inputs, since the signature has {len(inputs)}: {names}."
        raise fault(msg)
    return str(next(iter(inputs)))


def _to_proto(name: str, values: Any, dtype: int) -> Any:
    try:
        return tensors.to_proto(_typed(values, dtype, 0), dtype)
    except (ValueError, OverflowError) as error:
        msg = f"Input `{name}`: {error}"
        raise fault(msg) from error


# No input of a recommender is deeper; Python's stack is.
_DEEPEST: Final = 8


def _typed(values: Any, dtype: int, depth: int) -> Any:
    """The values with each leaf checked, bytes decoded."""
    if isinstance(values, list):
        if depth == _DEEPEST:
            msg = f"lists may be {_DEEPEST} deep."
            raise ValueError(msg)
        return [_typed(value, dtype, depth + 1) for value in values]
    if dtype == tensors.DT_STRING:
        if isinstance(values, str):
            return values
        if _is_bytes(values):
            return _decode(values[_BYTES])
    elif dtype == tensors.DT_BOOL:
        if isinstance(values, bool):
            return values
    elif isinstance(values, int) and not isinstance(values, bool):
        return values if dtype in _WHOLE else float(values)
    elif isinstance(values, float) and dtype not in _WHOLE:
        return values
    msg = f"expected values of type {wire.type_name(dtype)}. Received: {_kind(values)}."
    raise ValueError(msg)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {_BYTES}


def _decode(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, binascii.Error, ValueError) as error:
        msg = f"`{_BYTES}` must be text in base64. Received: {_kind(text)}."
        raise ValueError(msg) from error


def _kind(value: Any) -> str:
    """A value for a message: short, and never an endless list."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _to_json(name: str, proto: Any) -> Any:
    values = tensors.to_lists(proto)
    return _texts(values, name.endswith(_BYTES_NAME)) if proto.dtype == tensors.DT_STRING else values


def _texts(values: Any, as_bytes: bool) -> Any:
    if isinstance(values, list):
        return [_texts(value, as_bytes) for value in values]
    if not as_bytes:
        try:
            return values.decode()
        except UnicodeDecodeError:
            pass
    return {_BYTES: base64.b64encode(values).decode()}
