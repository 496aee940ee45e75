"""Finds a quote that is never closed: it swallows the rows up to the next quote, or to the end of the file."""

import contextlib
import csv
import io
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from components.feedback.errors import FeedbackError

_READ_CHARACTERS = 1 << 30
# For a reader that has read ahead as far as it goes, and will not ask again.
_LAST_READ_SECONDS = 1.0
# The limit is one for the whole process: two threads must not take it from each other.
_LIMIT = threading.RLock()


@contextlib.contextmanager
def long_fields() -> Iterator[None]:
    """Lets Python's CSV reader read fields beyond its limit of 131,072 characters."""
    with _LIMIT:
        limit = csv.field_size_limit(_READ_CHARACTERS)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


def text_lines(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a CSV file for Python's reader, which refuses NUL characters."""
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    return (line.replace("\0", "\ufffd") for line in lines)


class CountedLines:
    """A byte stream that counts the lines with something in them, as far as that is cheap.

    Another thread may read it than the one that stops it.

    Attributes:
        lines: Line breaks that went by, less those that follow upon another within one read.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._last = b"\n"
        self._reading = threading.Lock()
        self._stopped = False
        self._ended = threading.Event()
        self.lines = 0
        self.closed = False

    def read(self, size: int) -> bytes:
        with self._reading:
            block = b"" if self._stopped else self._read(size)
            if not block:
                self._ended.set()
            return block

    def stop(self) -> None:
        """Ends the stream where it is; returns when its reader has seen the end, or asks for nothing more."""
        self._stopped = True
        with self._reading:
            pass
        if self._ended.wait(_LAST_READ_SECONDS):
            time.sleep(0.05)  # in which the reader takes the end

    def _read(self, size: int) -> bytes:
        block: bytes = self._raw.read(size)
        if block:
            lines = block.count(b"\n") - block.count(b"\n\n") - block.count(b"\n\r\n")
            # Old files break lines with carriage returns alone.
            self.lines += lines or block.count(b"\r") - block.count(b"\r\r")
            self._last = block[-1:]
        elif self._last not in b"\r\n":
            # The last line may lack its break.
            self.lines, self._last = self.lines + 1, b"\n"
        return block

    def close(self) -> None:
        self.closed = True


def check_quotes(stream: IO[bytes], path: str, delimiter: str) -> None:
    """Reads a CSV file again, strictly; for files with more lines than records.

    Raises:
        FeedbackError: A quote is not closed, or text follows a closing quote. Names the line where the record begins.
    """
    reader = csv.reader(text_lines(stream), delimiter=delimiter, strict=True)
    before = 0
    try:
        with long_fields():
            for _ in reader:
                before = reader.line_num
    except csv.Error as error:
        msg = (
            f"{path}: the record that begins on line {before + 1} has a quote that is not closed where its field ends "
            f'({error}). Write a quote inside a quoted field twice (""), or remove it.'
        )
        raise FeedbackError(msg) from error
