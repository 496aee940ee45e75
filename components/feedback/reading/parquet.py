"""Parquet files: their pieces, which are row groups, and their rows."""

import contextlib
import dataclasses
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.reading.compression import foreign_content
from components.feedback.reading.files import is_remote
from components.feedback.reading.source import READ_ERRORS, EmptyFileError, Piece, RawBatch, Source, one_line
from pnfrec_core.errors import FeedbackError

_ROWS_PER_PIECE = 1_000_000
_HEAD_BYTES = 1024
# What is looked at before the whole is read.
_LOOK_ROWS = 1 << 14
# A page that a disk has zeroed is a page of zeros, unless its writer wrote checksums. Looking at them takes a tenth of
# the reading at most, and nothing where there are none. Older releases of Arrow know of none.
_VERIFY = "page_checksum_verification"
VERIFIED = {_VERIFY: True} if _VERIFY in inspect.signature(pq.ParquetFile.__init__).parameters else {}


@dataclasses.dataclass(frozen=True)
class ParquetSource(Source):
    """A Parquet file."""

    def pieces(self, needed: Sequence[str], setting: str = "feedback") -> tuple[list[Piece], float]:
        if not self.size():
            msg = f"{self.path}: the file is empty, without even Parquet's own description."
            raise EmptyFileError(msg)
        file = self._open_file()
        self.check_columns(file.schema_arrow.names, needed, setting)
        self._check_plain(file.schema_arrow, [name for name in needed if name in file.schema_arrow.names])
        pieces: list[Piece] = []
        groups: list[int] = []
        first = row = 0
        for group in range(file.metadata.num_row_groups):
            groups.append(group)
            row += file.metadata.row_group(group).num_rows
            # Small row groups travel together, so that batches stay large.
            if row - first >= _ROWS_PER_PIECE or (row > first and group == file.metadata.num_row_groups - 1):
                pieces.append(Piece(self, tuple(groups), first))
                groups, first = [], row
        return pieces, row

    def names_in_file(self) -> list[str]:
        names: list[str] = self._open_file().schema_arrow.names
        return names

    def first_rows(self, columns: Sequence[str]) -> dict[str, pa.Array]:
        file = self._open_file()
        names = [name for name in columns if name in file.schema_arrow.names]
        try:
            batch = next(file.iter_batches(batch_size=_LOOK_ROWS, columns=names), None)
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        return {} if batch is None else {name: batch.column(batch.schema.get_field_index(name)) for name in names}

    def _read(self, piece: Piece, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
        # Strings come dictionary-encoded, so that no string is hashed twice.
        # Timestamps of the old kind, INT96, would be read as nanoseconds, which wrap around beyond 1677 and 2262.
        file = self._open_file(read_dictionary=list(columns), coerce_int96_timestamp_unit="us")
        groups = list(piece.row_groups or ())
        waiting: list[pa.RecordBatch] = []
        row = piece.first_row
        try:
            for batch in file.iter_batches(batch_size=batch_rows, row_groups=groups, columns=columns):
                waiting.append(batch)
                if sum(map(len, waiting)) >= batch_rows:
                    yield _raw_batch(waiting, row)
                    row += sum(map(len, waiting))
                    waiting = []
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        if waiting:
            yield _raw_batch(waiting, row)

    def _open_file(self, **options: Any) -> pq.ParquetFile:
        """Opens the file.

        Raises:
            FeedbackError: It cannot be read, or is none.
        """
        try:
            return pq.ParquetFile(self.open() if is_remote(self.path) else self.path, **VERIFIED, **options)
        except PermissionError as error:
            raise self.unreadable(error) from error
        except READ_ERRORS as error:
            msg = f"{self.path}: not a readable Parquet file ({one_line(error)}). {self._look()}"
            raise FeedbackError(msg) from error

    def _look(self) -> str:
        """What the file is instead, and the remedy."""
        with contextlib.suppress(*READ_ERRORS), self.open() as raw:
            head = raw.read(_HEAD_BYTES)
            if not head.startswith(b"PAR1"):
                return f"It {foreign_content(head, self.path) or 'seems to be text. Set `feedback.format`'}."
        return "Copy it anew."

    def _check_plain(self, columns: pa.Schema, needed: Sequence[str]) -> None:
        """Raises a FeedbackError if a needed column holds lists or the like."""
        for name in needed:
            kind = columns.field(name).type
            if pa.types.is_nested(kind):
                msg = (
                    f"{self.path}: the column {name!r} holds {kind}; expected one text, number or date a row. "
                    "Flatten it."
                )
                raise FeedbackError(msg)


def _raw_batch(batches: list[pa.RecordBatch], first_row: int) -> RawBatch:
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    columns = {name: table.column(name).chunk(0) for name in table.column_names}
    return RawBatch(columns, first_row, lambda row: first_row + row + 1, lambda record: f"row {record}")
