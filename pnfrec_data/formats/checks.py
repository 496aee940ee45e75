"""What readers check of columns whose types alone do not show that a file is the one that was published."""

from collections.abc import Sequence

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.errors import DataError
from pnfrec_data.formats.tables import MEND

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
