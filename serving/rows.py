"""The rows of a request: what calls are cut into and joined by.

A signature of rows takes string matrices, each a list of ids a row with "" on the right as padding, and vectors of one
value, or one a row. Its answer has as many rows. Rows of several callers can be put into one matrix, since padding on
the right changes nothing; and what one caller gets is cut out of the answer again.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pnfrec_core import schema
from serving import tensors, wire

Arrays = dict[str, Any]
_PADDING = [b""]


@dataclasses.dataclass(frozen=True)
class Form:
    """How the tensors of a signature are read.

    Attributes:
        ragged: Its string matrices.
        single: Its vectors, by name, of one value or one a row.
        widths: Its outputs [B, W], where W follows the largest `k`.
        joins: Whether rows of several calls may be one call.
    """

    ragged: tuple[str, ...]
    single: tuple[str, ...]
    widths: tuple[str, ...]
    joins: bool

    @classmethod
    def of(cls, signature: Any) -> "Form":
        """The form of a `wire.SignatureDef`."""
        shapes = {name: wire.shape_of(info.tensor_shape) for name, info in signature.inputs.items()}
        ragged = [
            name
            for name, shape in shapes.items()
            if shape == (-1, -1) and signature.inputs[name].dtype == tensors.DT_STRING
        ]
        single = [name for name, shape in shapes.items() if shape == (-1,)]
        outputs = {name: wire.shape_of(info.tensor_shape) for name, info in signature.outputs.items()}
        by_row = all(shape is not None and len(shape) in (1, 2) and shape[0] == -1 for shape in outputs.values())
        # Without the vector `k` nothing says how wide the answer to one caller is.
        free = [name for name, shape in outputs.items() if shape is not None and shape[1:] == (-1,)]
        told = not free or schema.K in single
        return cls(
            tuple(sorted(ragged)),
            tuple(sorted(single)),
            tuple(sorted(free)),
            bool(ragged) and len(ragged) + len(single) == len(shapes) and by_row and told,
        )


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows of one request.

    Attributes:
        count: How many.
        ragged: Of each string matrix, the ids of each row without the padding on the right.
        single: Of each vector, one value a row.
    """

    count: int
    ragged: Mapping[str, Sequence[Sequence[bytes]]]
    single: Mapping[str, Any]

    def part(self, start: int, stop: int) -> "Rows":
        """The rows from `start` to before `stop`."""
        if start == 0 and stop >= self.count:
            return self
        ragged = {name: rows[start:stop] for name, rows in self.ragged.items()}
        return Rows(stop - start, ragged, {name: values[start:stop] for name, values in self.single.items()})

    @functools.cached_property
    def largest_k(self) -> int:
        """The most items that a row asks for, 0 at least; 0 too where nothing tells."""
        values = self.single.get(schema.K)
        if values is None or not len(values):
            return 0
        # numpy takes some 5 us to find the largest of one, as most calls have.
        return max(int(values[0] if len(values) == 1 else values.max()), 0)

    @functools.cached_property
    def widths(self) -> tuple[int, ...]:
        """The columns of each string matrix, and those of the answer: what rows are padded to."""
        return (*(max(map(len, rows), default=0) for rows in self.ragged.values()), self.largest_k)


def trimmed(proto: Any, rows: int, width: int) -> list[list[bytes]]:
    """The rows of a string matrix without their padding on the right.

    A tensor may hold fewer values than its shape tells; the last then stands for the rest, and no row is written out
    for it twice.

    Raises:
        ValueError: It holds more than its shape tells.
    """
    values = tensors.strings(proto, (rows, width))
    if rows == 1 and len(values) == width:
        while values and not values[-1]:
            values.pop()
        return [values]
    fill = values[-1] if values else b""
    found = []
    rest = [] if fill == b"" else [fill] * width
    for row in range(rows):
        ids = values[row * width : (row + 1) * width]
        if not ids:
            found.append(rest)
            continue
        if fill != b"" and len(ids) < width:
            ids += [fill] * (width - len(ids))
        while ids and not ids[-1]:
            ids.pop()
        found.append(ids)
    return found


def join(parts: Sequence[Rows]) -> Arrays:
    """The arrays of one call of the model: strings [B, the longest row] as objects, vectors [B]."""
    count = sum(part.count for part in parts)
    arrays: Arrays = {}
    for name in parts[0].ragged:
        rows = [row for part in parts for row in part.ragged[name]]
        width = max(map(len, rows), default=0)
        # One list first: numpy takes its time over each assignment of a row.
        flat: list[bytes] = []
        for row in rows:
            flat += row
            if len(row) < width:
                flat += _PADDING * (width - len(row))
        array = np.empty(count * width, dtype=object)
        array[:] = flat
        arrays[name] = array.reshape(count, width)
    for name, values in parts[0].single.items():
        arrays[name] = values if len(parts) == 1 else np.concatenate([part.single[name] for part in parts])
    return arrays


def cut(outputs: Mapping[str, Any], parts: Sequence[Rows], form: Form) -> list[Arrays]:
    """What each of `parts` gets of the answer to all: its rows, as wide as if it had been asked alone."""
    if len(parts) == 1:
        return [dict(outputs)]
    found, start = [], 0
    for part in parts:
        stop = start + part.count
        mine = {name: array[start:stop] for name, array in outputs.items()}
        if form.widths:
            width = part.largest_k
            for name in form.widths:
                mine[name] = mine[name][:, :width]
        found.append(mine)
        start = stop
    return found


def stack(parts: Sequence[Mapping[str, Any]]) -> Arrays:
    """The answer to a call from the answers to its parts, in order. Narrower ones get "" and 0 on the right."""
    if len(parts) == 1:
        return dict(parts[0])
    return {name: _stacked([part[name] for part in parts]) for name in parts[0]}


def _stacked(arrays: Sequence[Any]) -> Any:
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    width = max(array.shape[1] for array in arrays)
    fill: Any = b"" if arrays[0].dtype == object else 0
    whole = np.full((sum(len(array) for array in arrays), width), fill, dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        whole[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return whole
