"""Compact bytes for Beam to carry: chunks, which are what one batch of rows holds of one shard, and other values.

The local runner keeps what travels between steps in memory, several times over: large inputs fit if columns are narrow.
"""

import dataclasses
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from components.feedback.reading.columns import Columns
from pnfrec_columns.ids import hash_ids

# Key of the hash that spreads users over shards. The split by `GlobalTime` has another key, so that neither tells
# anything about the other.
_SHARD_KEY = "pnfrec.feedback1"
_NARROW = ("user", "item", "time", "value")


def cut(columns: Columns, shards: int) -> Iterator[tuple[int, bytes]]:
    """The chunks of a batch as (shard, packed chunk), rows in the order of the batch."""
    if not len(columns):
        return
    shard_of_user = (hash_ids(columns.users, _SHARD_KEY) % np.uint64(shards)).astype(np.uint16)
    shard = shard_of_user[columns.user]
    order = np.argsort(shard, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(shard, minlength=shards))])
    for index in np.flatnonzero(np.diff(bounds)):
        rows = order[bounds[index] : bounds[index + 1]]
        yield int(index), pack_columns(columns.take(rows).compact())


def pack_columns(columns: Columns) -> bytes:
    """Bytes of columns, each as narrow as holds it exactly. Subclasses come back as what they were."""
    narrowed: dict[str, Any] = {name: narrow(getattr(columns, name)) for name in _NARROW}
    return pack(dataclasses.replace(columns, **narrowed))


def unpack_columns(data: bytes) -> Any:
    """The `Columns`, or the table that they are, of `pack_columns`."""
    packed = unpack(data)
    widened: dict[str, Any] = {name: widen(getattr(packed, name)) for name in _NARROW}
    return dataclasses.replace(packed, **widened)


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
