"""Compact bytes for Beam to carry.

The local runner keeps what travels between steps in memory, several times over: large inputs fit if columns are narrow.
"""

import dataclasses
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt


def pack(value: Any) -> bytes:
    """Bytes of numpy arrays, Arrow arrays, plain values, and tuples and dataclasses of them."""
    return pickle.dumps(value, protocol=5)


def unpack(data: bytes) -> Any:
    return pickle.loads(data)


@dataclasses.dataclass(frozen=True)
class Narrow:
    """A column in as few bytes a value as hold it exactly.

    Attributes:
        values: The column, less `base`.
        base: Its minimum; 0 for floats.
        dtype: What it was.
    """

    values: npt.NDArray[Any]
    base: int
    dtype: str


def narrow(column: npt.NDArray[Any]) -> Narrow:
    """Packs finite floats, or integers whose range is below 2**63."""
    if np.issubdtype(column.dtype, np.floating):
        with np.errstate(over="ignore"):
            single = column.astype(np.float32)
        return Narrow(single if np.array_equal(single, column) else column, 0, column.dtype.str)
    if not len(column):
        return Narrow(column, 0, column.dtype.str)
    base, top = int(column.min()), int(column.max())
    return Narrow((column - base).astype(np.min_scalar_type(top - base)), base, column.dtype.str)


def widen(packed: Narrow) -> npt.NDArray[Any]:
    """The column as it was."""
    column: npt.NDArray[Any] = packed.values.astype(packed.dtype)
    return column + column.dtype.type(packed.base) if packed.base else column
