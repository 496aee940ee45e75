"""Quotes inside of fields: two ways to write them, and those that are never closed.

A quote that is never closed swallows the rows up to the next quote, or to the end of the file.
"""

import contextlib
import csv
import io
import re
import threading
from collections.abc import Iterator
from typing import IO, Any

from pnfrec_core.errors import FeedbackError

_READ_CHARACTERS = 1 << 30
# The limit is one for the whole process: two threads must not take it from each other.
_LIMIT = threading.RLock()


# A quote behind a backslash that ends no field: what Spark writes, and nobody who writes a quote twice.
BACKSLASHED = rb'\\"(?=[^,;\t|\r\n])'
_RUN = re.compile(rb'(\\+)"')
_BLOCK_BYTES = 1 << 16


class DoubledQuotes(io.RawIOBase):
    """A stream in which quotes behind backslashes become quotes written twice; other backslashes stay as they are.

    As Spark writes it, a backslash before a quote that it does not escape is itself written twice: of n backslashes
    before a quote, n/2 are meant, and the quote is a part of the field where n is odd.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._held = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            block: bytes = self._raw.read(_BLOCK_BYTES)
            text = self._held + block
            # What follows backslashes at the end decides what they mean.
            kept = len(text.rstrip(b"\\")) if block else len(text)
            self._held = text[kept:]
            self._ready = _RUN.sub(_doubled, text[:kept])
            if not block:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _doubled(match: re.Match[bytes]) -> bytes:
    count = len(match[1])
    return b"\\" * (count // 2) + (b'""' if count % 2 else b'"')


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
