"""`Source`: a file of the input, which knows how it is opened and how what is wrong with it is said.

`text.TextSource` and `parquet.ParquetSource` are the two kinds. A source gives `Piece`s of itself, and reads a piece as
`RawBatch`es, which hold the columns as they are stored.
"""

import abc
import dataclasses
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import pyarrow as pa

from components.feedback.reading.files import is_remote, path_columns
from components.feedback.reading.kept import Kept
from components.feedback.reading.selection import Selection
from components.feedback.reading.suffixes import compression
from components.feedback.spans.seen import Span
from pnfrec_core.errors import FeedbackError

# What reading a damaged or missing file raises.
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
# What separates the fields of some files in place of the delimiter.
_OTHER_DELIMITERS = "\t;|,"


class EmptyFileError(FeedbackError):
    """A file without any byte of content, which among others is no fault."""


class MissingColumnError(FeedbackError):
    """A file without a column that the rules need.

    Attributes:
        missing: The names of those that it lacks.
    """

    def __init__(self, message: str, missing: Sequence[str]) -> None:
        super().__init__(message)
        self.missing = list(missing)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece of the input that one worker reads from its beginning to its end.

    Attributes:
        source: The file.
        row_groups: Of a Parquet file, one after another; None reads the whole file.
        first_row: Number of rows of the file before this piece.
        file: Place of the file among all files sorted by path, which is the order of the input.
        is_first: True for one piece of the whole input.
        kept: Where its rows are kept as they were read; None where they are not.
        rows: About how many there are.
        event: Place of its event in `feedback.events`; None without any.
        at_random: Whether it is of `feedback.random_files`.
        selection: Which of its rows are of the event; None for all.
        span: Of the file; None of one without.
    """

    source: "Source"
    row_groups: tuple[int, ...] | None = None
    first_row: int = 0
    file: int = 0
    is_first: bool = False
    kept: Kept | None = None
    rows: float = dataclasses.field(default=0.0, compare=False)
    event: int | None = None
    at_random: bool = False
    selection: Selection | None = None
    span: Span | None = None


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


@dataclasses.dataclass(frozen=True)
class Source(abc.ABC):
    """A file of the input.

    Attributes:
        path: Where it is; a path with a scheme is opened through Beam's file systems.
    """

    path: str

    @property
    def compression(self) -> str | None:
        """How the file is compressed, by its name; None if it is not."""
        return compression(self.path)

    def open(self) -> IO[bytes]:
        """The bytes of the file as they are, compressed or not."""
        if is_remote(self.path):
            from apache_beam.io.filesystem import CompressionTypes
            from apache_beam.io.filesystems import FileSystems

            stream: IO[bytes] = FileSystems.open(self.path, compression_type=CompressionTypes.UNCOMPRESSED)
            return stream
        return open(self.path, "rb")

    def size(self) -> int:
        """Bytes of the file as it is."""
        if is_remote(self.path):
            from apache_beam.io.filesystems import FileSystems

            return int(FileSystems.match([self.path])[0].metadata_list[0].size_in_bytes)
        return os.path.getsize(self.path)

    @abc.abstractmethod
    def pieces(self, needed: Sequence[str], setting: str = "feedback") -> tuple[list[Piece], float]:
        """Looks into the file before a row is read.

        Args:
            needed: Names of the columns that it must have.
            setting: The section of the settings that names the columns, for messages.

        Returns:
            The pieces to read it in, none if it has no data row, and about how many rows it has.

        Raises:
            EmptyFileError: The file has no content.
            FeedbackError: The file cannot be read, or lacks a column.
        """

    @abc.abstractmethod
    def names_in_file(self) -> list[str]:
        """The names of the columns inside the file.

        Raises:
            FeedbackError: The file cannot be read.
        """

    @abc.abstractmethod
    def first_rows(self, columns: Sequence[str]) -> dict[str, pa.Array]:
        """Some rows from the beginning, of those columns that are inside the file; none if they cannot be read.

        Raises:
            FeedbackError: The file cannot be opened.
        """

    @abc.abstractmethod
    def _read(self, piece: Piece, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
        """`read`, of columns that are inside the file."""

    def read(self, piece: Piece, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
        """The rows of a piece of this file, in order. Columns that only its folders name have one value in all rows.

        Args:
            piece: One of `pieces`.
            columns: The names of the columns to read.
            batch_rows: Least number of rows of a batch of a Parquet file but the last.

        Raises:
            FeedbackError: The file is damaged.
        """
        of_path = path_columns(self.path)
        inside = self.names_in_file() if of_path.keys() & set(columns) else columns
        added = {name: of_path[name] for name in columns if name not in inside}
        for batch in self._read(piece, [name for name in columns if name not in added], batch_rows):
            constant = {name: _repeated(value, len(batch)) for name, value in added.items()}
            yield dataclasses.replace(batch, columns=batch.columns | constant) if added else batch

    def unreadable(self, error: BaseException) -> FeedbackError:
        """The error for a file that may not be read, breaks off or is damaged."""
        if isinstance(error, PermissionError):
            return FeedbackError(f"{self.path}: this user may not read the file. Change its permissions, or the user.")
        kind = f"truncated or damaged {self.compression}" if self.compression else "damaged file"
        return FeedbackError(f"{self.path}: {kind} ({one_line(error)}). Copy it anew.")

    def bad_row(self, place: str, problem: str) -> FeedbackError:
        """The error for a row that cannot be used. `place` is `RawBatch.place` of its record."""
        return FeedbackError(f"{self.path}, {place}, {problem}. Correct the row, or set `feedback.bad_rows: drop`.")

    def check_columns(self, found: Sequence[str], needed: Sequence[str], setting: str) -> None:
        """Raises a FeedbackError unless each needed column is found once. `setting` is where the names are set."""
        for name in needed:
            if found.count(name) > 1:
                msg = (
                    f"{self.path}: the column {name!r} occurs {found.count(name)} times. Give each column a name of "
                    "its own."
                )
                raise FeedbackError(msg)
        of_path = path_columns(self.path)
        missing = [name for name in needed if name not in found and name not in of_path]
        if missing:
            msg = (
                f"{self.path}: no column {', '.join(map(repr, missing))}. Found: {', '.join(map(repr, found))}. "
                f"{_column_remedy(found, setting)}"
            )
            raise MissingColumnError(msg, missing)


def _repeated(value: str | None, count: int) -> pa.Array:
    """A column of one text, or of nothing, in all rows."""
    return pa.nulls(count, pa.string()) if value is None else pa.repeat(pa.scalar(value, pa.string()), count)


def _column_remedy(found: Sequence[str], setting: str) -> str:
    if len(found) == 1 and (delimiter := next((sign for sign in _OTHER_DELIMITERS if sign in found[0]), None)):
        return f"The names seem to be separated by {delimiter!r}: set `{setting}.delimiter` to that (and format: csv)."
    columns = f"`{setting}.columns`" if setting == "feedback" else f"`{setting}.item` and `{setting}.title`"
    return (
        f"Map the columns with {columns}, give `{setting}.names` if the file has no header, or set "
        f"`{setting}.delimiter` if the names are not apart."
    )


def one_line(error: BaseException) -> str:
    """The message of a library's error without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
