"""Reads a piece of input as batches of usable rows; stops at or drops the rows that cannot be used."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from components.feedback.config import FeedbackConfig
from components.feedback.reading.columns import Decoded, columns_of, decode, required_columns, usable_rows
from components.feedback.reading.kept import rows_through
from components.feedback.reading.rows import RowBatch
from components.feedback.reading.select import Others, select
from components.feedback.reading.source import Piece, RawBatch, Source
from pnfrec_columns.dates import date_hint
from pnfrec_columns.times import in_unit

BATCH_ROWS = 1 << 18
WRONG_FIELDS, NO_OPINION, UNNAMED, IGNORED = "wrong_fields", "no_opinion", "unnamed", "ignored"


def read_rows(piece: Piece, config: FeedbackConfig, batch_rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
    """Reads one piece of input, or takes the rows that an earlier run has kept of it.

    Args:
        piece: Which piece.
        config: The columns and the rules.
        batch_rows: Size of a batch of a Parquet file.

    Raises:
        FeedbackError: The file is damaged, or a row cannot be used and `bad_rows` is "error".
    """
    if piece.kept is None:
        return _parse(piece, config, batch_rows)
    return rows_through(piece.kept, piece, lambda: _parse(piece, config, batch_rows))


def _parse(piece: Piece, config: FeedbackConfig, batch_rows: int) -> Iterator[RowBatch]:
    for raw, others in _raw_rows(piece, config, batch_rows):
        decoded = decode(raw.columns, config, piece.source.path, piece.event)
        if config.bad_rows == "error":
            _stop_at_bad_row(raw, decoded, piece.source)
        yield _with_others(_usable(raw, decoded, piece), others)


def _raw_rows(piece: Piece, config: FeedbackConfig, batch_rows: int) -> Iterator[tuple[RawBatch, Others]]:
    """The rows of a piece as they are stored, and what is counted of those of the file that are of no event."""
    for raw in piece.source.read(piece, required_columns(config, piece.event), batch_rows):
        yield (raw, Others()) if piece.selection is None else select(raw, piece.selection, piece.source.path)


def find_other_unit(pieces: Iterable[Piece], config: FeedbackConfig, unit: str) -> str | None:
    """The first usable row of the input whose timestamp is not in `unit`, named for the user. Reads the input again."""
    for piece in pieces:
        path, name = piece.source.path, columns_of(config, piece.event).timestamp
        for raw, _ in _raw_rows(piece, config, BATCH_ROWS):
            decoded = decode(raw.columns, config, path, piece.event)
            if set(decoded.units) - {unit}:
                other = usable_rows(decoded.bad) & ~in_unit(raw.columns[name], unit, path, config.time_reading)
                index = int(np.argmax(other))
                return f"{path}, {raw.place(raw.record(index))}, column {name!r}: {_shown(raw, name, index)}"
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


def _stop_at_bad_row(raw: RawBatch, decoded: Decoded, source: Source) -> None:
    """Raises for the first bad row of the batch, if there is one."""
    first: tuple[int, str] | None = raw.broken
    for bad in decoded.bad:
        if bad.mask.any():
            index = int(np.argmax(bad.mask))
            if first is None or raw.record(index) < first[0]:
                found = _shown(raw, bad.column, index)
                hint = date_hint(found) if bad.reason == "bad_timestamp" else ""
                first = raw.record(index), f"column {bad.column!r}: expected {bad.expected}, found {found}{hint}"
    if first is not None:
        record, problem = first
        raise source.bad_row(raw.place(record), problem)


def _usable(raw: RawBatch, decoded: Decoded, piece: Piece) -> RowBatch:
    dropped: Counter[str] = Counter({WRONG_FIELDS: raw.wrong_fields} if raw.wrong_fields else {})
    unusable = np.zeros(len(raw), bool)
    for bad in decoded.bad:
        # A row with several faults is counted under the first.
        if new := int(np.count_nonzero(bad.mask & ~unusable)):
            dropped[bad.reason] += new
            unusable |= bad.mask
    if decoded.silent is not None and (new := int(np.count_nonzero(decoded.silent & ~unusable))):
        dropped[NO_OPINION] = new
        unusable |= decoded.silent
    columns = dataclasses.replace(decoded.columns, place=(piece.file, raw.first_row))
    if unusable.any():
        columns = columns.take(~unusable)
    read = len(raw) + raw.wrong_fields
    return RowBatch(columns, read, dict(dropped), decoded.units, decoded.zones, event=piece.event)


def _with_others(batch: RowBatch, others: Others) -> RowBatch:
    """The batch with the rows in its account that are of no event."""
    if others == Others():
        return batch
    left_out = {UNNAMED: sum(others.unnamed.values()), IGNORED: sum(others.ignored.values())}
    dropped = batch.dropped | {reason: number for reason, number in left_out.items() if number}
    read = batch.read + sum(left_out.values())
    return dataclasses.replace(batch, read=read, dropped=dropped, unnamed=others.unnamed, ignored=others.ignored)
