"""Finds a quote that is never closed: it swallows the rows up to the next quote, or to the end of the file."""

import contextlib
import csv
import io
import threading
from collections.abc import Iterator
from typing import IO

from components.feedback.errors import FeedbackError

_READ_CHARACTERS = 1 << 30
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
