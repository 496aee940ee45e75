"""Which files are read, in which order, and whether they can be used at all. Runs once, before the Beam pipeline."""

import csv
import dataclasses
import glob
import gzip
import io
import math
import os
import zlib
from collections.abc import Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.quotes import long_fields
from pnfrec_data.registry import remedy

SEPARATOR = "::"
# What reading a damaged or missing file raises.
READ_ERRORS = (OSError, EOFError, zlib.error, pa.ArrowException)
_SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".dat": "dat", ".parquet": "parquet", ".pq": "parquet"}
_PEEK_BYTES = 1 << 20
# How files begin that are no UTF-8 text, and the remedy.
_NO_TEXT = {
    b"PAR1": "is a Parquet file. Name it .parquet, or set `feedback.format: parquet`",
    b"\x1f\x8b": "is compressed by gzip. Add .gz to its name",
    b"\xff\xfe": "is UTF-16 text. Save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text. Save it as UTF-8",
}
# What separates the fields of some files in place of the delimiter.
_OTHER_DELIMITERS = "\t;|,"
_ROWS_PER_SHARD = 250_000
_MAX_SHARDS = 1000
_ROWS_PER_TASK = 1_000_000
# Rough size of one row, for the number of shards alone.
_BYTES_PER_ROW, _BYTES_PER_ZIPPED_ROW = 24, 8


@dataclasses.dataclass(frozen=True)
class FileTask:
    """A piece of input that one worker reads from its beginning to its end.

    Attributes:
        file: Place of the file among all files sorted by path, which is the order of the input.
        path: Where it is.
        format: "csv", "dat" or "parquet".
        row_groups: Of a Parquet file, one after another; None reads the whole file.
        first_row: Number of rows of the file before this piece.
        is_first: True for one piece of the whole input.
    """

    file: int
    path: str
    format: str
    row_groups: tuple[int, ...] | None = None
    first_row: int = 0
    is_first: bool = False


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the pipeline reads and how many shards it writes."""

    tasks: tuple[FileTask, ...]
    shards: int
    warnings: tuple[str, ...] = ()


def required_columns(config: FeedbackConfig) -> list[str]:
    """The columns that the rules of `config` need, without repeats."""
    columns = config.columns
    names = [columns.user, columns.item, columns.timestamp]
    names.append(columns.polarity if config.positive == "column" else columns.value)
    if config.split == "column":
        names.append(columns.split)
    return list(dict.fromkeys(names))


def is_remote(path: str) -> bool:
    return "://" in path


def absolute(base: str, path: str) -> str:
    """`path`, taken from `base` where it is relative."""
    return path if is_remote(path) else os.path.join(base, path)


def open_binary(path: str) -> IO[bytes]:
    """Opens `path` as it is, compressed or not; a path with a scheme through Beam's file systems."""
    if is_remote(path):
        stream: IO[bytes] = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
        return stream
    return open(path, "rb")


def is_gzip(path: str) -> bool:
    return path.lower().endswith(".gz")


def file_format(path: str, setting: str) -> str:
    """Format of the file at `path`: the setting, or by its suffix."""
    if setting != "auto":
        return setting
    stem = path[: -len(".gz")] if is_gzip(path) else path
    suffix = os.path.splitext(stem)[1].lower()
    if suffix not in _SUFFIXES:
        msg = (
            f"{path}: the suffix does not tell the format. Known: {', '.join(sorted(_SUFFIXES))}, the text ones also "
            "with .gz. Set `feedback.format` to csv, dat or parquet."
        )
        raise FeedbackError(msg)
    return _SUFFIXES[suffix]


def expand_files(config: FeedbackConfig) -> list[str]:
    """The input files in order: sorted by path, each once however it is spelled.

    Raises:
        FeedbackError: A file is missing, is a folder, or a glob matches no file.
    """
    paths: set[str] = set()
    for pattern in config.files:
        paths.update(_matches(absolute(config.base, pattern), "feedback.files"))
    first: dict[str, str] = {}
    for path in sorted(paths):
        # A link or `./` must not double the interactions.
        first.setdefault(path if is_remote(path) else os.path.realpath(path), path)
    return list(first.values())


def _matches(path: str, setting: str) -> list[str]:
    if is_remote(path):
        found = [metadata.path for match in FileSystems.match([path]) for metadata in match.metadata_list]
    elif os.path.isdir(path):
        msg = f"`{setting}`: {path} is a folder. Name the files in it, for example {os.path.join(path, '*.csv')}."
        raise FeedbackError(msg)
    elif os.path.exists(path):
        return [path]
    else:
        found = [match for match in glob.glob(path, recursive=True) if os.path.isfile(match)]
    if found:
        return found
    if glob.has_magic(path):
        msg = f"`{setting}`: no file matches the glob {path}. Relative globs are taken from `feedback.base`."
    else:
        hint = remedy(path) or "Relative paths are taken from `feedback.base`."
        msg = f"`{setting}`: there is no file {path}. {hint}"
    raise FeedbackError(msg)


def check_columns(path: str, found: Sequence[str], needed: Sequence[str], setting: str = "feedback") -> None:
    """Raises a FeedbackError unless each needed column is found once. `setting` is where the names are set."""
    for name in needed:
        if found.count(name) > 1:
            msg = f"{path}: the column {name!r} occurs {found.count(name)} times. Give each column a name of its own."
            raise FeedbackError(msg)
    missing = [name for name in needed if name not in found]
    if missing:
        msg = (
            f"{path}: no column {', '.join(map(repr, missing))}. Found: {', '.join(map(repr, found))}. "
            f"{_column_remedy(found, setting)}"
        )
        raise FeedbackError(msg)


def _column_remedy(found: Sequence[str], setting: str) -> str:
    if len(found) == 1 and (delimiter := next((sign for sign in _OTHER_DELIMITERS if sign in found[0]), None)):
        return f"The names seem to be separated by {delimiter!r}: set `{setting}.delimiter` to that (and format: csv)."
    columns = f"`{setting}.columns`" if setting == "feedback" else f"`{setting}.item` and `{setting}.title`"
    return (
        f"Map the columns with {columns}, give `{setting}.names` if the file has no header, or set "
        f"`{setting}.delimiter` if the names are not apart."
    )


def _check_plain(path: str, columns: pa.Schema, needed: Sequence[str]) -> None:
    """Raises a FeedbackError if a needed column of a Parquet file holds lists or the like."""
    for name in needed:
        kind = columns.field(name).type
        if pa.types.is_nested(kind):
            msg = f"{path}: the column {name!r} holds {kind}; expected one text, number or date a row. Flatten it."
            raise FeedbackError(msg)


def parquet_file(path: str, **options: Any) -> pq.ParquetFile:
    """Opens a Parquet file.

    Raises:
        FeedbackError: It cannot be read, or is none.
    """
    try:
        return pq.ParquetFile(open_binary(path) if is_remote(path) else path, **options)
    except PermissionError as error:
        raise unreadable(path, error) from error
    except READ_ERRORS as error:
        msg = f"{path}: not a readable Parquet file ({one_line(error)}). Copy it anew."
        raise FeedbackError(msg) from error


def unreadable(path: str, error: BaseException) -> FeedbackError:
    """The error for a file that may not be read, breaks off or is damaged."""
    if isinstance(error, PermissionError):
        return FeedbackError(f"{path}: this user may not read the file. Change its permissions, or the user.")
    kind = "truncated or damaged gzip" if is_gzip(path) else "damaged file"
    return FeedbackError(f"{path}: {kind} ({one_line(error)}). Copy it anew.")


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def peek_text(path: str, kind: str, delimiter: str, names: Sequence[str]) -> tuple[list[str], bool]:
    """Column names of a text file, and whether it has any data row."""
    try:
        with open_binary(path) as raw, gzip.open(raw) if is_gzip(path) else raw as stream:  # type: ignore[attr-defined]
            data = stream.read(_PEEK_BYTES)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
    _check_text(path, data)
    head = data.decode("utf-8-sig", errors="replace")
    if not head.strip():
        msg = f"{path}: the file is empty. Expected {'rows' if names else 'a header and rows'}."
        raise FeedbackError(msg)
    if names:
        return list(names), True
    if kind == "dat":
        lines = [line for line in head.splitlines() if line.strip()]
        return lines[0].split(SEPARATOR), len(lines) > 1
    return _peek_csv(path, head, delimiter)


def _check_text(path: str, head: bytes) -> None:
    """Raises a FeedbackError if a file begins as no UTF-8 text does."""
    kind = next((text for start, text in _NO_TEXT.items() if head.startswith(start)), None)
    if kind is None and b"\0" in head:
        kind = "holds NUL bytes, so it is no UTF-8 text. Save it as UTF-8, or set `feedback.format`"
    if kind is not None:
        msg = f"{path}: {kind}."
        raise FeedbackError(msg)


def _peek_csv(path: str, head: str, delimiter: str) -> tuple[list[str], bool]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
    records = (record for record in reader if record)
    with long_fields():
        try:
            names = next(records)
        except csv.Error as error:
            msg = f"{path}: the header has a quote that is not closed where its field ends ({error}). Close it."
            raise FeedbackError(msg) from error
        try:
            return names, next(records, None) is not None
        except csv.Error:
            # A row, be it cut off here or faulty: what is wrong with it is told by who reads it to its end.
            return names, True


def make_plan(config: FeedbackConfig) -> Plan:
    """Lists the files and looks into each: format, columns, whether there are rows.

    Raises:
        FeedbackError: A file is missing, empty or unreadable, lacks a column, or no file has a row.
    """
    # Titles are read last; whether they can be read is better known now.
    find_titles(config)
    needed = required_columns(config)
    tasks: list[FileTask] = []
    rows, empty = 0.0, []
    for index, path in enumerate(expand_files(config)):
        kind = file_format(path, config.format)
        if kind == "parquet":
            pieces, found = _plan_parquet(index, path, needed)
            rows += found
        else:
            names, has_rows = peek_text(path, kind, config.delimiter, config.names)
            check_columns(path, names, needed)
            pieces = [FileTask(index, path, kind)] if has_rows else []
            rows += _size(path) / (_BYTES_PER_ZIPPED_ROW if is_gzip(path) else _BYTES_PER_ROW)
        tasks += pieces
        empty += [] if pieces else [path]
    if not tasks:
        msg = f"No input file has a data row: {', '.join(empty)}. Check `feedback.files`."
        raise FeedbackError(msg)
    tasks[0] = dataclasses.replace(tasks[0], is_first=True)
    shards = config.shards or min(_MAX_SHARDS, max(1, math.ceil(rows / _ROWS_PER_SHARD)))
    return Plan(tuple(tasks), shards, tuple(f"{path} has no data row." for path in empty))


def find_titles(config: FeedbackConfig) -> FileTask | None:
    """The file of titles, looked into; None if there is none in `config`.

    Raises:
        FeedbackError: It is missing, empty or unreadable, or lacks a column.
    """
    titles = config.titles
    if titles is None:
        return None
    path, *more = _matches(absolute(config.base, titles.file), "feedback.titles.file")
    if more:
        msg = f"`feedback.titles.file`: {titles.file} names several files, such as {path} and {more[0]}. Name one."
        raise FeedbackError(msg)
    kind = file_format(path, "auto")
    if kind == "parquet":
        file = parquet_file(path)
        check_columns(path, file.schema_arrow.names, [titles.item, titles.title], "feedback.titles")
        _check_plain(path, file.schema_arrow, [titles.item, titles.title])
        return FileTask(0, path, kind, tuple(range(file.metadata.num_row_groups)))
    names, _ = peek_text(path, kind, titles.delimiter, titles.names)
    check_columns(path, names, [titles.item, titles.title], "feedback.titles")
    return FileTask(0, path, kind)


def _plan_parquet(index: int, path: str, needed: Sequence[str]) -> tuple[list[FileTask], int]:
    file = parquet_file(path)
    check_columns(path, file.schema_arrow.names, needed)
    _check_plain(path, file.schema_arrow, needed)
    tasks: list[FileTask] = []
    groups: list[int] = []
    first = row = 0
    for group in range(file.metadata.num_row_groups):
        groups.append(group)
        row += file.metadata.row_group(group).num_rows
        # Small row groups travel together, so that batches stay large.
        if row - first >= _ROWS_PER_TASK or (row > first and group == file.metadata.num_row_groups - 1):
            tasks.append(FileTask(index, path, "parquet", tuple(groups), first))
            groups, first = [], row
    return tasks, row


def _size(path: str) -> int:
    return FileSystems.match([path])[0].metadata_list[0].size_in_bytes if is_remote(path) else os.path.getsize(path)
