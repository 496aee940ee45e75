"""Reads a piece of input as batches of usable rows; stops at or drops the rows that cannot be used."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.columns import Codes, Decoded, Floats, Ints, decode, in_unit, usable_rows
from components.feedback.reading.plan import FileTask, make_plan, required_columns
from components.feedback.reading.raw import RawBatch, read_parquet, read_text

BATCH_ROWS = 1 << 18
WRONG_FIELDS = "wrong_fields"


@dataclasses.dataclass(frozen=True)
class RowBatch:
    """Usable rows in the order of one file; columns as in `decode.Decoded`.

    Attributes:
        file, row: Place of the first row in the input; batches do not overlap, so it puts batches in order.
        read: Rows read for this batch, usable or not.
        dropped: Rows left out, by reason.
        units: Rows by the unit of their timestamp.
    """

    file: int
    row: int
    users: pa.Array
    user: Codes
    items: pa.Array
    item: Codes
    time: Ints
    value: Floats
    split: npt.NDArray[np.int8] | None
    read: int
    dropped: dict[str, int]
    units: dict[str, int]


def read_rows(task: FileTask, config: FeedbackConfig, batch_rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
    """Reads one piece of input.

    Args:
        task: Which piece.
        config: The columns and the rules.
        batch_rows: Size of a batch of a Parquet file.

    Raises:
        FeedbackError: The file is damaged, or a row cannot be used and `bad_rows` is "error".
    """
    for raw in _read_raw(task, config, batch_rows):
        decoded = decode(raw.columns, config, task.path)
        if config.bad_rows == "error":
            _stop_at_bad_row(raw, decoded, task.path)
        yield _usable(raw, decoded, task)


def _read_raw(task: FileTask, config: FeedbackConfig, batch_rows: int) -> Iterator[RawBatch]:
    columns = required_columns(config)
    if task.format == "parquet":
        return read_parquet(task, columns, batch_rows)
    return read_text(task, columns, config.delimiter, config.names)


def find_other_unit(config: FeedbackConfig, unit: str) -> str | None:
    """The first usable row of the input whose timestamp is not in `unit`, named for the user. Reads the input again."""
    name = config.columns.timestamp
    for task in make_plan(config).tasks:
        for raw in _read_raw(task, config, BATCH_ROWS):
            decoded = decode(raw.columns, config, task.path)
            if set(decoded.units) - {unit}:
                other = usable_rows(decoded.bad) & ~in_unit(raw.columns[name], unit, task.path)
                index = int(np.argmax(other))
                return f"{task.path}, {raw.place(raw.record(index))}, column {name!r}: {_shown(raw, name, index)}"
    return None


def _shown(raw: RawBatch, column: str, index: int) -> str:
    scalar = raw.columns[column][index]
    try:
        found = scalar.as_py()
    except (ValueError, OverflowError, KeyError):
        # A date that Python's do not reach, or a zone that it does not know.
        return f"{scalar.value} ({scalar.type})"
    text = found.decode(errors="backslashreplace") if isinstance(found, bytes) else found
    return repr(text) if isinstance(text, str) else str(text)


def _stop_at_bad_row(raw: RawBatch, decoded: Decoded, path: str) -> None:
    """Raises for the first bad row of the batch, if there is one."""
    first: tuple[int, str] | None = raw.broken
    for column, _, expected, mask in decoded.bad:
        if mask.any():
            index = int(np.argmax(mask))
            if first is None or raw.record(index) < first[0]:
                found = _shown(raw, column, index)
                first = raw.record(index), f"column {column!r}: expected {expected}, found {found}"
    if first is not None:
        record, problem = first
        msg = f"{path}, {raw.place(record)}, {problem}. Correct the row, or set `feedback.bad_rows: drop`."
        raise FeedbackError(msg)


def _usable(raw: RawBatch, decoded: Decoded, task: FileTask) -> RowBatch:
    dropped: Counter[str] = Counter({WRONG_FIELDS: raw.wrong_fields} if raw.wrong_fields else {})
    bad = np.zeros(len(raw), bool)
    for _, reason, _, mask in decoded.bad:
        # A row with several faults is counted under the first.
        if new := int(np.count_nonzero(mask & ~bad)):
            dropped[reason] += new
            bad |= mask
    good = slice(None) if not bad.any() else ~bad
    return RowBatch(
        task.file,
        raw.first_row,
        decoded.users,
        decoded.user[good],
        decoded.items,
        decoded.item[good],
        decoded.time[good],
        decoded.value[good],
        None if decoded.split is None else decoded.split[good],
        len(raw) + raw.wrong_fields,
        dict(dropped),
        decoded.units,
    )
