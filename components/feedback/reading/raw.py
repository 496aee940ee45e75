"""Reads a piece of input as batches of undecoded Arrow columns, with the place of each row for error messages."""

import collections
import contextlib
import csv
import dataclasses
import gzip
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv

from components.feedback.errors import FeedbackError
from components.feedback.reading.plan import (
    READ_ERRORS,
    SEPARATOR,
    FileTask,
    is_gzip,
    one_line,
    open_binary,
    parquet_file,
    unreadable,
)
from components.feedback.reading.quotes import CountedLines, check_quotes, long_fields, text_lines

# One character that text does not contain stands for `::`, which pyarrow.csv cannot split by.
_UNIT_SEPARATOR = b"\x1f"
_BLOCK_BYTES = 8 << 20
# Readers that were left before their end, see `_batches`.
_ABANDONED: collections.deque[Any] = collections.deque(maxlen=16)


@dataclasses.dataclass(frozen=True)
class RawBatch:
    """Rows that follow each other in one file.

    Attributes:
        columns: Name to Arrow array, as stored (text: binary).
        first_row: Rows of the file before this batch, without those of a wrong number of fields.
        wrong_fields: Rows with a wrong number of fields that were left out since the batch before.
        broken: (record, description) of the file's first row with a wrong number of fields, once the reader has met it.
        record: Place of the batch's i-th row (from 0) among the file's records (from 1, a header counts).
        place: How to name a record to the user.
    """

    columns: dict[str, pa.Array]
    first_row: int
    record: Callable[[int], int]
    place: Callable[[int], str]
    wrong_fields: int = 0
    broken: tuple[int, str] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read_parquet(task: FileTask, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
    """Batches of at least `batch_rows` rows (the last: fewer) of a piece of a Parquet file."""
    # Strings come dictionary-encoded, so that no string is hashed twice.
    # Timestamps of the old kind, INT96, would be read as nanoseconds, which wrap around beyond 1677 and 2262.
    file = parquet_file(task.path, read_dictionary=list(columns), coerce_int96_timestamp_unit="us")
    waiting: list[pa.RecordBatch] = []
    row = task.first_row
    try:
        for batch in file.iter_batches(batch_size=batch_rows, row_groups=list(task.row_groups or ()), columns=columns):
            waiting.append(batch)
            if sum(map(len, waiting)) >= batch_rows:
                yield _parquet_batch(waiting, row)
                row += sum(map(len, waiting))
                waiting = []
    except READ_ERRORS as error:
        raise unreadable(task.path, error) from error
    if waiting:
        yield _parquet_batch(waiting, row)


def _parquet_batch(batches: list[pa.RecordBatch], first_row: int) -> RawBatch:
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    columns = {name: table.column(name).chunk(0) for name in table.column_names}
    return RawBatch(columns, first_row, lambda row: first_row + row + 1, lambda record: f"row {record}")


@dataclasses.dataclass(frozen=True)
class _Parsing:
    delimiter: str
    names: list[str] | None


def read_text(task: FileTask, columns: Sequence[str], delimiter: str, names: Sequence[str]) -> Iterator[RawBatch]:
    """Batches of about 8 MB of text of a CSV or `::`-separated file. `names` are its columns if it has no header."""
    broken: list[tuple[int, str]] = []
    skipped = 0
    spans_lines = False

    def on_broken_row(row: Any) -> str:
        nonlocal skipped, spans_lines
        skipped += 1
        spans_lines = spans_lines or "\n" in row.text
        if not broken:
            broken.append((row.number, _wrong_fields(row, task.format)))
        return "skip"

    def place(record: int) -> str:
        return _line_of(task, record, delimiter)

    header = 0 if names else 1
    parsing = _Parsing(delimiter, list(names) or None)
    row = reported = 0
    try:
        with open_binary(task.path) as raw:
            counted = CountedLines(pa.CompressedInputStream(raw, "gzip") if is_gzip(task.path) else raw)
            for batch in _batches(_open_text(counted, task, columns, parsing, on_broken_row), counted):
                if spans_lines:
                    # Before the reader calls it a wrong number of fields: perhaps a quote swallowed what follows.
                    _check_quotes(task, delimiter)
                    spans_lines = False
                first, row = row, row + batch.num_rows
                yield RawBatch(
                    {name: batch.column(batch.schema.get_field_index(name)) for name in columns},
                    first,
                    lambda index, first=first: first + index + 1 + header,  # type: ignore[misc]
                    place,
                    skipped - reported,
                    broken[0] if broken else None,
                )
                reported = skipped
        if counted.lines > header + row + skipped:
            _check_quotes(task, delimiter)
    except pa.ArrowInvalid as error:
        raise _unparsed(task, delimiter, error) from error
    except READ_ERRORS as error:
        raise unreadable(task.path, error) from error
    if skipped > reported:
        nothing = {name: pa.array([], pa.binary()) for name in columns}
        yield RawBatch(nothing, row, lambda index: index, place, skipped - reported, broken[0])


def _batches(reader: Any, text: CountedLines) -> Iterator[pa.RecordBatch]:
    """What the reader gives; one that is left before its end is kept.

    A thread of Arrow reads ahead from our Python stream. To destroy the reader waits for that thread, holding the lock
    of the interpreter that the thread waits for: for ever. So the stream ends first, and the reader goes much later.
    """
    try:
        yield from reader
    except BaseException:
        text.stop()
        _ABANDONED.append(reader)
        raise


def _wrong_fields(row: Any, kind: str) -> str:
    text = row.text if len(row.text) <= 80 else row.text[:80] + "..."
    hint = " (is `feedback.delimiter` right?)" if kind == "csv" and row.actual_columns == 1 else ""
    return f"expected {row.expected_columns} fields, found {row.actual_columns}: {text!r}{hint}"


def _check_quotes(task: FileTask, delimiter: str) -> None:
    if task.format == "csv":
        with open_binary(task.path) as raw:
            check_quotes(_plain(raw, task.path), task.path, delimiter)


def _unparsed(task: FileTask, delimiter: str, error: pa.ArrowInvalid) -> FeedbackError:
    """The error for text that Arrow gives up at."""
    if "straddling" in str(error):
        # Arrow takes no record longer than a block; mostly it is as long as that for want of a quote.
        _check_quotes(task, delimiter)
        return FeedbackError(
            f"{task.path}: holds a record of more than {_BLOCK_BYTES >> 20} MB. Shorten it, or store it as Parquet."
        )
    if "CSV parse error" in str(error):
        # Arrow cannot hand over the row where its text is not UTF-8.
        return FeedbackError(
            f"{task.path}: a row with a wrong number of fields is not UTF-8 ({one_line(error)}). Save the file as "
            "UTF-8 text, or correct the row."
        )
    return unreadable(task.path, error)


def _open_text(
    text: CountedLines, task: FileTask, columns: Sequence[str], parsing: "_Parsing", handler: Callable[[Any], str]
) -> Any:
    if task.format == "dat":
        stream = pa.PythonFile(_UnitSeparated(text, task.path), mode="r")
        parse = {"delimiter": _UNIT_SEPARATOR.decode(), "quote_char": False, "double_quote": False}
    else:
        stream = pa.PythonFile(text, mode="r")
        parse = {"delimiter": parsing.delimiter, "newlines_in_values": True}
    return pyarrow.csv.open_csv(
        stream,
        # Threads would take away the row numbers of broken rows.
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=parsing.names),
        parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=handler, **parse),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=list(columns),
            column_types=dict.fromkeys(columns, pa.binary()),
            strings_can_be_null=False,
        ),
    )


class _UnitSeparated:
    """A byte stream with each `::` replaced by one ASCII unit separator. Of `:::` the first two are the separator."""

    def __init__(self, raw: Any, path: str) -> None:
        self._raw, self._path = raw, path
        self._carry = b""
        self.closed = False

    def read(self, size: int) -> bytes:
        while True:
            # The colon held back may come on top.
            block = self._raw.read(max(size - 1, 1))
            if _UNIT_SEPARATOR in block:
                msg = f"{self._path}: holds the control character 0x1F, which a `::`-separated file must not."
                raise FeedbackError(msg)
            replaced: bytes = (self._carry + block).replace(SEPARATOR.encode(), _UNIT_SEPARATOR)
            self._carry = b""
            if block and replaced.endswith(b":"):
                replaced, self._carry = replaced[:-1], b":"
            if replaced or not block:
                return replaced

    def close(self) -> None:
        self.closed = True


def _line_of(task: FileTask, record: int, delimiter: str) -> str:
    """Line (from 1) on which a record begins: empty lines and line breaks inside quotes set the two apart."""
    with open_binary(task.path) as raw, contextlib.suppress(csv.Error), long_fields():
        stream = text_lines(_plain(raw, task.path))
        lines: Iterator[tuple[int, Any]]
        if task.format == "dat":
            lines = ((number, line.strip("\r\n")) for number, line in enumerate(stream, start=1))
        else:
            lines = _numbered(csv.reader(stream, delimiter=delimiter))
        filled = (number for number, content in lines if content)
        if (line := next(itertools.islice(filled, record - 1, None), None)) is not None:
            return f"line {line}"
    return f"record {record}"


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """(first line, fields) of each record of a CSV reader."""
    first = 1
    for fields in reader:
        yield first, fields
        first = reader.line_num + 1


def _plain(raw: IO[bytes], path: str) -> Any:
    """The uncompressed stream."""
    return gzip.GzipFile(fileobj=raw) if is_gzip(path) else raw
