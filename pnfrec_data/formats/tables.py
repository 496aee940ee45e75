"""What all readers give: tables of user, item, value and timestamp."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

import pyarrow as pa
from pyarrow import csv as pa_csv

from pnfrec_data.errors import DataError

ROWS = 500_000
# What to do about one bad row; `prepare` adds the command that downloads the data set.
MEND = "Correct the row, or get the file anew."
_BLOCK = 16 << 20

Record = Sequence[str]
# Of `ratings.parquet`.
COLUMNS = ("user", "item", "value", "timestamp")


def schema(value: pa.DataType) -> pa.Schema:
    """The columns of `ratings.parquet`; timestamps in seconds since 1970, or milliseconds where published finer."""
    return pa.schema(zip(COLUMNS, (pa.string(), pa.string(), value, pa.int64()), strict=True))


def split_lines(
    stream: IO[bytes], separator: str, encoding: str, where: str, least: int, most: int | None = None
) -> Iterator[Record]:
    """The fields of each line that is not empty.

    Raises:
        DataError: A line has fewer fields than `least` or more than `most`, or is no text in `encoding`.
    """
    expected = f"{'' if most == least else 'at least '}{least}"
    for number, line in enumerate(stream, 1):
        try:
            record = line.decode(encoding).rstrip("\r\n").split(separator)
        except UnicodeDecodeError as error:
            msg = f"{where}, line {number}: not {encoding} text ({error.reason}). {MEND}"
            raise DataError(msg) from error
        if least <= len(record) <= (most or len(record)):
            yield record
        elif record != [""]:
            msg = (
                f"{where}, line {number}: expected {expected} fields between {separator!r}. Received {len(record)}: "
                f"{separator.join(record)[:80]!r}. {MEND}"
            )
            raise DataError(msg)


def csv_records(stream: IO[bytes], where: str) -> Iterator[tuple[int, Record]]:
    """(number of its last line, fields) of each record of a CSV file that is not empty.

    Raises:
        DataError: It is no UTF-8 text, or no CSV.
    """
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        try:
            for record in reader:
                if record:
                    yield reader.line_num, record
        except UnicodeDecodeError as error:
            # Text is decoded in blocks, which end after the lines that were read from them.
            msg = f"{where}, after line {reader.line_num}: not utf-8 text ({error.reason}). {MEND}"
            raise DataError(msg) from error
        except csv.Error as error:
            msg = f"{where}, line {reader.line_num}: no CSV ({error}). {MEND}"
            raise DataError(msg) from error


def read_titles(stream: IO[bytes], where: str, item: str, title: str) -> Iterator[tuple[str, str]]:
    """The columns `item` and `title` of a CSV file with a header.

    Raises:
        DataError: A column is missing, or a row lacks its field or has more fields than the header.
    """
    records = csv_records(stream, where)
    _, header = next(records, (1, ()))
    _need(header, (item, title), where)
    places = header.index(item), header.index(title)
    for line, record in records:
        if not max(places) < len(record) <= len(header):
            msg = (
                f"{where}, line {line}: expected {len(header)} fields ({', '.join(header)}). Received {len(record)}: "
                f"{', '.join(record)[:80]!r}. {MEND}"
            )
            raise DataError(msg)
        yield record[places[0]], record[places[1]]


def from_records(
    records: Iterable[Record], value: pa.DataType, where: str, names: Sequence[str] = COLUMNS
) -> Iterator[pa.Table]:
    """Tables of `ROWS` records of the texts of user, item, value and timestamp, which messages call `names`.

    Raises:
        DataError: A value or timestamp is no number; the message names the row and the column.
    """
    columns = schema(value)
    iterator, first = iter(records), 1
    while chunk := list(itertools.islice(iterator, ROWS)):
        try:
            yield _table(chunk, columns)
        except pa.ArrowInvalid as error:
            row, column = _first_bad_field(chunk, columns)
            msg = (
                f"{where}, row {first + row}, column {names[column]}: expected {_described(columns.types[column])}. "
                f"Received {chunk[row][column]!r}, in the row {list(chunk[row])!r}. {MEND}"
            )
            raise DataError(msg) from error
        first += len(chunk)


def _table(records: Sequence[Record], columns: pa.Schema) -> pa.Table:
    texts = zip(*records, strict=True)
    arrays = [_array(text, kind) for text, kind in zip(texts, columns.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=columns)


def _array(texts: Sequence[str], kind: pa.DataType) -> pa.Array:
    return pa.array(texts, pa.string()).cast(kind)


def _first_bad_field(records: Sequence[Record], columns: pa.Schema) -> tuple[int, int]:
    """Row and column, from 0, of the first text that is not of its column's type; there is one."""
    bad = []
    for column, (texts, kind) in enumerate(zip(zip(*records, strict=True), columns.types, strict=True)):
        # The whole column first: fields one by one take long.
        if _fails(_array, texts, kind):
            bad.append((next(row for row, text in enumerate(texts) if _fails(_array, [text], kind)), column))
    return min(bad)


def _fails(parse: Callable[..., object], *arguments: object) -> bool:
    try:
        parse(*arguments)
    except pa.ArrowInvalid:
        return True
    return False


def _described(kind: pa.DataType) -> str:
    if not pa.types.is_integer(kind):
        return "a number"
    least = -(2 ** (kind.bit_width - 1))
    return f"a whole number from {least} to {-least - 1}" if kind.bit_width < 64 else "a whole number"


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
    _need(names, tuple(types), where)
    while lines := stream.readlines(_BLOCK):
        try:
            table = _parsed(lines, delimiter, names, types)
        except pa.ArrowInvalid:
            place, reason = _first_bad(lines, lambda part: _parsed(part, delimiter, names, types))
            column = _bad_column(lines[place : place + 1], delimiter, names, types)
            at = f"line {first + place}" if column is None else f"line {first + place}, column {column}"
            msg = f"{where}, {at}: {reason}. Expected the columns {', '.join(types)}. {MEND}"
            raise DataError(msg) from None
        yield from table.to_batches()
        first += len(lines)


def _need(names: Sequence[str], needed: Sequence[str], where: str) -> None:
    if missing := [name for name in needed if name not in names]:
        msg = (
            f"{where}: has no column {', '.join(missing)}. Expected the columns {', '.join(needed)} in its first line. "
            f"Found: {', '.join(names)[:200] or 'nothing'}. Add the header, or get the file anew."
        )
        raise DataError(msg)
    if twice := [name for name in needed if names.count(name) > 1]:
        msg = (
            f"{where}: the column {twice[0]} stands {names.count(twice[0])} times in its first line. Keep one of them."
        )
        raise DataError(msg)


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


def _bad_column(
    lines: Sequence[bytes], delimiter: str, names: Sequence[str], types: dict[str, pa.DataType]
) -> str | None:
    """The first column whose value has another type; None where something else is wrong, as the number of fields."""
    if _fails(_parsed, lines, delimiter, names, dict.fromkeys(types, pa.binary())):
        return None
    return next((name for name in types if _fails(_parsed, lines, delimiter, names, {name: types[name]})), None)


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
