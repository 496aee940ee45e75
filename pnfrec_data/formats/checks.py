"""What readers check of columns whose types alone do not show that a file is the one that was published."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.errors import DataError
from pnfrec_data.formats.tables import MEND

# Files with fewer ids do not tell whether their columns are swapped; and how many times as many have to say so.
_LEAST_IDS, _MUCH = 20, 2.0
# Rows of a file that are compared with those of others.
_LOOKED_AT = 1 << 16
# In milliseconds it is March 1973; as seconds it would be the year 5138.
_LEAST_MILLISECONDS = 10**11


def check(values: pa.Array, good: pa.Array, where: str, column: str, expected: str, first_row: int = 1) -> None:
    """Stops at the first value that is not as published.

    Args:
        values: The column, or a part of it.
        good: Whether each is; null counts as no.
        where: The file.
        column: Its name there.
        expected: What the publisher's files hold.
        first_row: Number of the first of the values among the rows of the file, from 1.

    Raises:
        DataError: One is not; the message names file, row, column and value.
    """
    bad = pc.index(pc.fill_null(good, False), pa.scalar(False)).as_py()
    if bad >= 0:
        msg = f"{where}, row {first_row + bad}, column {column}: expected {expected}. Received {values[bad]}. {MEND}"
        raise DataError(msg)


def check_flags(columns: dict[str, pa.Array], where: str, first_row: int) -> dict[str, pa.Array]:
    """Columns of 0 and 1 (or false and true) as booleans.

    Raises:
        DataError: A value is something else, or missing.
    """
    for name, values in columns.items():
        if not (pa.types.is_boolean(values.type) or pa.types.is_integer(values.type)):
            msg = f"{where}, column {name}: expected 0 or 1, or booleans. Received {values.type}. Is it the right file?"
            raise DataError(msg)
        numbers = values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values
        check(values, pc.is_in(numbers, value_set=pa.array([0, 1], numbers.type)), where, name, "0 or 1", first_row)
    return {name: values.cast(pa.bool_()) for name, values in columns.items()}


def check_milliseconds(times: pa.Array, where: str, column: str, first_row: int) -> None:
    """Raises a DataError unless the times are milliseconds since 1970."""
    expected = "milliseconds since 1970"
    check(times, pc.greater_equal(times, _LEAST_MILLISECONDS), where, column, expected, first_row)


def check_whole_numbers(schema: pa.Schema, columns: Sequence[str], where: str) -> None:
    """Raises a DataError unless the columns of a file hold whole numbers."""
    for name in columns:
        if not pa.types.is_integer(kind := schema.field(name).type):
            msg = f"{where}, column {name}: expected whole numbers. Received {kind}. Is it the right file?"
            raise DataError(msg)


def check_types(schema: pa.Schema, wanted: Mapping[str, tuple[Callable[[pa.DataType], bool], str]], where: str) -> None:
    """Raises a DataError unless each column of a file is of its kind: a test of its type, and what it is in words."""
    for name, (is_kind, words) in wanted.items():
        if not is_kind(kind := schema.field(name).type):
            msg = f"{where}, column {name}: expected {words}. Received {kind}. Is it the right file?"
            raise DataError(msg)


class Files:
    """The files of a source that hold rows of one kind: none may be another one once more, or have its columns mixed.

    Where a file has the users of the others for items, and their items for users, its columns are swapped.
    """

    def __init__(self) -> None:
        self._digests: dict[tuple[int, str], str] = {}
        self._users: pa.Array | None = None
        self._items: pa.Array | None = None

    def add(self, where: str, users: pa.Array, items: pa.Array, content: pa.Table | pa.RecordBatch) -> None:
        """Holds the next file against those before.

        Args:
            where: The file.
            users: The ids in its column of users.
            items: The same of items.
            content: Its rows, or the first of them.

        Raises:
            DataError: It is a copy of one before, or its columns of users and items are swapped.
        """
        if not len(users):
            return
        users, items = (pc.unique(ids).cast(pa.string()) for ids in (users, items))
        users, items = (ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids for ids in (users, items))
        self._check_copy(where, content)
        if self._users is not None and self._items is not None:
            self._check_swapped(where, users, items)
            users, items = (
                pc.unique(pa.concat_arrays([before, ids]))
                for before, ids in ((self._users, users), (self._items, items))
            )
        self._users, self._items = users, items

    def _check_copy(self, where: str, content: pa.Table | pa.RecordBatch) -> None:
        digest = hashlib.sha256()
        for column in content.slice(0, _LOOKED_AT).columns:
            array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            # Whatever the array is a part of, and however its nulls are stored.
            digest.update(str(array.to_pylist()).encode())
        key = content.num_rows, digest.hexdigest()
        if (other := self._digests.setdefault(key, where)) != where:
            msg = f"{where}: holds the very rows of {other}. One of them is a copy of the other: get it anew."
            raise DataError(msg)

    def _check_swapped(self, where: str, users: pa.Array, items: pa.Array) -> None:
        if min(len(users), len(items)) < _LEAST_IDS:
            return
        at_home = _share(users, self._users), _share(items, self._items)
        crosswise = _share(users, self._items), _share(items, self._users)
        if crosswise[0] > _MUCH * at_home[0] and crosswise[1] > _MUCH * at_home[1]:
            msg = (
                f"{where}: {crosswise[0]:.0%} of the users there are items of the files before, and {at_home[0]:.0%} "
                f"users; of the items {crosswise[1]:.0%} are users there, and {at_home[1]:.0%} items. The two columns "
                "are swapped. Correct their names, or get the file anew."
            )
            raise DataError(msg)


def _share(ids: pa.Array, known: pa.Array | None) -> float:
    return float(pc.mean(pc.is_in(ids, value_set=known).cast(pa.int8())).as_py())
