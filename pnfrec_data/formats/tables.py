"""What all readers give: tables of user, item, value and timestamp."""

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

import pyarrow as pa
from pyarrow import csv as pa_csv

from pnfrec_data.errors import DataError

ROWS = 500_000
_BLOCK = 16 << 20

Record = Sequence[str]


def schema(value: pa.DataType) -> pa.Schema:
    """The columns of `ratings.parquet`; timestamps in seconds since 1970, or milliseconds where published finer."""
    return pa.schema({"user": pa.string(), "item": pa.string(), "value": value, "timestamp": pa.int64()})


def split_lines(stream: IO[bytes], separator: str, encoding: str, where: str, fields: int) -> Iterator[Record]:
    """The fields of each line that is not empty.

    Raises:
        DataError: A line has fewer than `fields`, or is no text in `encoding`.
    """
    for number, line in enumerate(stream, 1):
        try:
            record = line.decode(encoding).rstrip("\r\n").split(separator)
        except UnicodeDecodeError as error:
            msg = f"{where}, line {number}: not {encoding} text ({error.reason})."
            raise DataError(msg) from error
        if len(record) >= fields:
            yield record
        elif record != [""]:
            msg = f"{where}, line {number}: expected {fields} fields between {separator!r}. Received: {line[:80]!r}."
            raise DataError(msg)


def from_records(records: Iterable[Record], value: pa.DataType, where: str) -> Iterator[pa.Table]:
    """Tables of `ROWS` records of the texts of user, item, value and timestamp.

    Raises:
        DataError: A value or timestamp is no number; the message names the row.
    """
    columns = schema(value)
    iterator, first = iter(records), 1
    while chunk := list(itertools.islice(iterator, ROWS)):
        try:
            yield _table(chunk, columns)
        except pa.ArrowInvalid as error:
            row = next(place for place, record in enumerate(chunk) if not _is_good(record, columns))
            msg = f"{where}, row {first + row}: value and timestamp must be numbers. Received: {list(chunk[row])!r}."
            raise DataError(msg) from error
        first += len(chunk)


def _table(records: Sequence[Record], columns: pa.Schema) -> pa.Table:
    texts = zip(*(record[:4] for record in records), strict=True)
    arrays = [pa.array(text, pa.string()).cast(kind) for text, kind in zip(texts, columns.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=columns)


def _is_good(record: Record, columns: pa.Schema) -> bool:
    try:
        _table([record], columns)
    except pa.ArrowInvalid:
        return False
    return True


def read_csv(
    stream: IO[bytes], types: dict[str, pa.DataType], where: str, delimiter: str = ","
) -> Iterator[pa.RecordBatch]:
    """The columns `types` of a CSV file with a header, block by block.

    No value may hold a line break, as none does in the published files.

    Raises:
        DataError: A column is missing, or a row has other fields than expected; the message names its line.
    """
    # Whole lines from memory: a reader of Arrow's that is left before its end waits for its thread that reads ahead
    # from our stream, and that thread waits for the lock of the interpreter, which the former holds.
    names, first = _header(stream, where, delimiter)
    if missing := [name for name in types if name not in names]:
        msg = f"{where}: has no column {', '.join(missing)}. Expected the columns {', '.join(types)}."
        raise DataError(msg)
    while lines := stream.readlines(_BLOCK):
        try:
            table = _parsed(lines, delimiter, names, types)
        except pa.ArrowInvalid:
            place, reason = _first_bad(lines, lambda part: _parsed(part, delimiter, names, types))
            msg = f"{where}, line {first + place}: {reason}. Expected the columns {', '.join(types)}."
            raise DataError(msg) from None
        yield from table.to_batches()
        first += len(lines)


def _header(stream: IO[bytes], where: str, delimiter: str) -> tuple[Sequence[str], int]:
    """The names in the first line that is not empty, and the number of the line after it."""
    number, line = 1, stream.readline()
    while line and not line.strip():
        number, line = number + 1, stream.readline()
    text = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
    try:
        if "\0" in text:  # which csv takes for text from Python 3.11 on
            msg = "it holds NUL bytes, as UTF-16 text does"
            raise csv.Error(msg)
        return next(csv.reader([text], delimiter=delimiter), []), number + 1
    except csv.Error as error:
        msg = (
            f"{where}, line {number}: no header ({error}). Save the file as UTF-8 text with a line feed after each row."
        )
        raise DataError(msg) from error


def _parsed(lines: Sequence[bytes], delimiter: str, names: Sequence[str], types: dict[str, pa.DataType]) -> pa.Table:
    text = b"".join(lines)
    return pa_csv.read_csv(
        pa.BufferReader(text),
        # One block: a thread that still runs when an error ends the process aborts it, or holds it for ever.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=list(names)),
        # Tabs separate plain text: a quote in it is a quote.
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, quote_char=False if delimiter == "\t" else '"'),
        convert_options=pa_csv.ConvertOptions(column_types=types, include_columns=list(types)),
    )


def _first_bad(lines: Sequence[bytes], parse: Callable[[Sequence[bytes]], object]) -> tuple[int, str]:
    """(place from 0, reason) of the first line that does not parse; there is one."""
    low, high = 0, len(lines)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            parse(lines[low:middle])
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    try:
        parse(lines[low:high])
    except pa.ArrowInvalid as error:
        # Arrow counts rows of what it was given, which is this one line.
        return low, re.sub(r"^(CSV parse error: |In CSV column #\d+: )?(Row #\d+: )?", "", " ".join(str(error).split()))
    return low, f"the {len(lines)} lines of this part cannot be parsed together"
