"""Finds a quote that is never closed: it swallows the rows up to the next quote, or to the end of the file."""

import csv
import io
from typing import IO, Any

from components.feedback.errors import FeedbackError

_READ_CHARACTERS = 1 << 30


class CountedLines:
    """A byte stream that counts the lines with something in them, as far as that is cheap.

    Attributes:
        lines: Line breaks that went by, less those that follow upon another within one read.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._last = b"\n"
        self.lines = 0
        self.closed = False

    def read(self, size: int) -> bytes:
        block: bytes = self._raw.read(size)
        if block:
            self.lines += block.count(b"\n") - block.count(b"\n\n") - block.count(b"\n\r\n")
            self._last = block[-1:]
        elif self._last != b"\n":
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
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    before = 0
    limit = csv.field_size_limit(_READ_CHARACTERS)
    try:
        for _ in reader:
            before = reader.line_num
    except csv.Error as error:
        msg = (
            f"{path}: the record that begins on line {before + 1} has a quote that is not closed where its field ends "
            f'({error}). Write a quote inside a quoted field twice (""), or remove it.'
        )
        raise FeedbackError(msg) from error
    finally:
        csv.field_size_limit(limit)
