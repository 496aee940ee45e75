"""CSV and `::`-separated files: their columns, and their rows as columns of bytes."""

import collections
import contextlib
import csv
import dataclasses
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv

from components.feedback.reading.compression import decompressed, foreign_content
from components.feedback.reading.quotes import BACKSLASHED, DoubledQuotes, check_quotes, long_fields, text_lines
from components.feedback.reading.source import READ_ERRORS, EmptyFileError, Piece, RawBatch, Source, one_line
from components.feedback.reading.streams import SEPARATOR, UNIT_SEPARATOR, CountedLines, UnitSeparated
from pnfrec_core.errors import FeedbackError

_PEEK_BYTES = 1 << 20
_BLOCK_BYTES = 8 << 20
# What is looked at before the whole is read.
_LOOK_BYTES = 1 << 18
# Rough size of one row, for the number of shards alone.
_BYTES_PER_ROW, _BYTES_PER_ZIPPED_ROW = 24, 8
# Readers that were left before their end, see `_batches`.
_ABANDONED: collections.deque[Any] = collections.deque(maxlen=16)


@dataclasses.dataclass(frozen=True)
class TextSource(Source):
    """A text file with one row a record, compressed where its name says so.

    Attributes:
        format: "csv", or "dat" for fields apart by `::`, in which quotes mean nothing.
        delimiter: Of a CSV file.
        names: Its columns, if it has no header.
        quotes: How a quote inside a quoted field of a CSV file is written, as `feedback.quotes` has it.
    """

    format: str = "csv"
    delimiter: str = ","
    names: tuple[str, ...] = ()
    quotes: str = "auto"

    def pieces(self, needed: Sequence[str], setting: str = "feedback") -> tuple[list[Piece], float]:
        names, has_rows = self._peek()
        self.check_columns(names, needed, setting)
        rows = self.size() / (_BYTES_PER_ZIPPED_ROW if self.compression else _BYTES_PER_ROW)
        return ([Piece(self)] if has_rows else []), rows

    def names_in_file(self) -> list[str]:
        return self._peek()[0]

    def _read(self, piece: Piece, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
        """Batches of about 8 MB of text. A text file is one piece, so that `piece` says nothing."""
        del piece, batch_rows
        broken = _BrokenRows(self)
        header = 0 if self.names else 1
        row = reported = 0
        try:
            with self.open() as raw:
                counted = CountedLines(self._plain(raw, in_arrow=True), self._watched)
                for batch in _batches(self._open_text(counted, columns, broken), counted):
                    self._check_backslashes(counted)
                    if broken.span_lines:
                        # Before the reader calls it a wrong number of fields: perhaps a quote swallowed what follows.
                        self._check_quotes()
                        broken.span_lines = False
                    first, row = row, row + batch.num_rows
                    yield RawBatch(
                        {name: batch.column(batch.schema.get_field_index(name)) for name in columns},
                        first,
                        lambda index, first=first: first + index + 1 + header,  # type: ignore[misc]
                        self._line_of,
                        broken.count - reported,
                        broken.first,
                    )
                    reported = broken.count
            self._check_backslashes(counted)
            if counted.lines > header + row + broken.count:
                self._check_quotes()
        except pa.ArrowInvalid as error:
            self._check_backslashes(counted)
            raise self._unparsed(error) from error
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        if broken.count > reported:
            nothing = {name: pa.array([], pa.binary()) for name in columns}
            yield RawBatch(nothing, row, lambda index: index, self._line_of, broken.count - reported, broken.first)

    def _open_text(self, text: CountedLines, columns: Sequence[str], broken: "_BrokenRows") -> Any:
        plain = UnitSeparated(text, self.path) if self.format == "dat" else text
        return self._open_stream(pa.PythonFile(plain, mode="r"), columns, broken)

    def _open_stream(self, stream: Any, columns: Sequence[str], broken: "_BrokenRows") -> Any:
        """Arrow's reader of a stream whose fields are apart by one character."""
        parse: dict[str, Any]
        if self.format == "dat":
            parse = {"delimiter": UNIT_SEPARATOR.decode(), "quote_char": False, "double_quote": False}
        else:
            parse = {"delimiter": self.delimiter, "newlines_in_values": True}
        names = list(self.names) or None
        return pyarrow.csv.open_csv(
            stream,
            # Threads would take away the row numbers of broken rows.
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=broken, **parse),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.binary()),
                strings_can_be_null=False,
            ),
        )

    def _check_quotes(self) -> None:
        if self.format == "csv":
            with self.open() as raw:
                check_quotes(self._plain(raw), self.path, self.delimiter)

    def _plain(self, raw: IO[bytes], *, in_arrow: bool = False) -> Any:
        """The text as it is read: uncompressed, and with quotes inside of fields written twice."""
        text = decompressed(raw, self.compression, in_arrow=in_arrow)
        return io.BufferedReader(DoubledQuotes(text)) if self.format == "csv" and self.quotes == "backslash" else text

    @property
    def _watched(self) -> bytes | None:
        """What the text must not hold, since it shows another way to write quotes than the one it is read by."""
        return BACKSLASHED if self.format == "csv" and self.quotes == "auto" else None

    def _check_backslashes(self, text: CountedLines) -> None:
        """Raises a FeedbackError if quotes inside of fields seem to be written behind backslashes."""
        if text.found is None:
            return
        msg = (
            f"{self.path}: a quote inside a field is written behind a backslash, as Spark does it: "
            f"{text.found.decode(errors='replace')!r}. Set `quotes: backslash` beside the file (`feedback.quotes` or "
            "`feedback.titles.quotes`), or `quotes: doubled` if the backslash is a part of the text."
        )
        raise FeedbackError(msg)

    def first_rows(self, columns: Sequence[str]) -> dict[str, pa.Array]:
        try:
            with self.open() as raw:
                head = self._plain(raw).read(_LOOK_BYTES)
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        if len(head) == _LOOK_BYTES:
            # The last line may be cut off.
            head = head[: head.rfind(b"\n") + 1]
        of_file = [name for name in columns if name in self.names_in_file()]
        if self.format == "dat":
            head = head.replace(SEPARATOR.encode(), UNIT_SEPARATOR)
        try:
            # From Arrow's own buffer: a reader that is left at an error never waits for a thread that waits for us.
            table = self._open_stream(pa.BufferReader(head), of_file, _BrokenRows(self)).read_all()
        except pa.ArrowInvalid:
            # What is wrong with it is told by who reads it to its end.
            return {}
        return {name: table.column(name).combine_chunks() for name in of_file}

    def _unparsed(self, error: pa.ArrowInvalid) -> FeedbackError:
        """The error for text that Arrow gives up at."""
        if "straddling" in str(error):
            # Arrow takes no record longer than a block; mostly it is as long as that for want of a quote.
            self._check_quotes()
            return FeedbackError(
                f"{self.path}: holds a record of more than {_BLOCK_BYTES >> 20} MB. Shorten it, or store it as Parquet."
            )
        if "CSV parse error" in str(error):
            # Arrow cannot hand over the row where its text is not UTF-8.
            return FeedbackError(
                f"{self.path}: a row with a wrong number of fields is not UTF-8 ({one_line(error)}). Save the file as "
                "UTF-8 text, or correct the row."
            )
        return self.unreadable(error)

    def _line_of(self, record: int) -> str:
        """Line (from 1) on which a record begins: empty lines and line breaks inside quotes set the two apart."""
        with self.open() as raw, contextlib.suppress(csv.Error), long_fields():
            stream = text_lines(self._plain(raw))
            lines: Iterator[tuple[int, Any]]
            if self.format == "dat":
                lines = ((number, line.strip("\r\n")) for number, line in enumerate(stream, start=1))
            else:
                lines = _numbered(csv.reader(stream, delimiter=self.delimiter))
            filled = (number for number, content in lines if content)
            if (line := next(itertools.islice(filled, record - 1, None), None)) is not None:
                return f"line {line}"
        return f"record {record}"

    def _peek(self) -> tuple[list[str], bool]:
        """Names of the columns, and whether the file has any data row."""
        try:
            with self.open() as raw:
                data = self._plain(raw).read(_PEEK_BYTES)
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        if (kind := foreign_content(data, self.path)) is not None:
            msg = f"{self.path}: {kind}."
            raise FeedbackError(msg)
        head = data.decode("utf-8-sig", errors="replace")
        if not head.strip():
            msg = f"{self.path}: the file is empty. Expected {'rows' if self.names else 'a header and rows'}."
            raise EmptyFileError(msg)
        if self.names:
            return list(self.names), True
        if self.format == "dat":
            lines = [line for line in head.splitlines() if line.strip()]
            return lines[0].split(SEPARATOR), len(lines) > 1
        return self._peek_csv(head)

    def _peek_csv(self, head: str) -> tuple[list[str], bool]:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=self.delimiter, strict=True)
        records = (record for record in reader if record)
        with long_fields():
            try:
                names = next(records)
            except csv.Error as error:
                msg = (
                    f"{self.path}: the header has a quote that is not closed where its field ends ({error}). Close it."
                )
                raise FeedbackError(msg) from error
            try:
                return names, next(records, None) is not None
            except csv.Error:
                # A row, be it cut off here or faulty: what is wrong with it is told by who reads it to its end.
                return names, True


class _BrokenRows:
    """Arrow's handler of rows with a wrong number of fields: it leaves them out and remembers the first.

    Attributes:
        count: How many there were.
        first: (record, description) of the first.
        span_lines: Whether one of them had a line break in it; whoever looks into it sets it back.
    """

    def __init__(self, source: TextSource) -> None:
        self._format = source.format
        self.count = 0
        self.first: tuple[int, str] | None = None
        self.span_lines = False

    def __call__(self, row: Any) -> str:
        self.count += 1
        self.span_lines = self.span_lines or "\n" in row.text
        if self.first is None:
            self.first = row.number, self._describe(row)
        return "skip"

    def _describe(self, row: Any) -> str:
        text = row.text if len(row.text) <= 80 else row.text[:80] + "..."
        hint = " (is `feedback.delimiter` right?)" if self._format == "csv" and row.actual_columns == 1 else ""
        return f"expected {row.expected_columns} fields, found {row.actual_columns}: {text!r}{hint}"


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


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """(first line, fields) of each record of a CSV reader."""
    first = 1
    for fields in reader:
        yield first, fields
        first = reader.line_num + 1
