"""Byte streams between a text file and Arrow's CSV reader, which reads them from a thread of its own."""

import re
import threading
import time
from typing import Any

from pnfrec_core.errors import FeedbackError

SEPARATOR = "::"
# One character that text does not contain stands for `::`, which pyarrow.csv cannot split by.
UNIT_SEPARATOR = b"\x1f"
# For a reader that has read ahead as far as it goes, and will not ask again.
_LAST_READ_SECONDS = 1.0
# The most bytes of a watched pattern, and how much of what is around it is shown.
_ACROSS, _AROUND = 4, 20


class CountedLines:
    """A byte stream that counts the lines with something in them, as far as that is cheap.

    Another thread may read it than the one that stops it.

    Attributes:
        lines: Line breaks that went by, less those that follow upon another within one read.
        found: The first place that `watched` matches, with what is around it.
    """

    def __init__(self, raw: Any, watched: bytes | None = None) -> None:
        """Wraps a stream. `watched`: a pattern of few bytes, which does not go unnoticed."""
        self._raw = raw
        self._watched = re.compile(watched) if watched else None
        self._tail = b""
        self.found: bytes | None = None
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
            self._watch(block)
            lines = block.count(b"\n") - block.count(b"\n\n") - block.count(b"\n\r\n")
            # Old files break lines with carriage returns alone.
            self.lines += lines or block.count(b"\r") - block.count(b"\r\r")
            self._last = block[-1:]
        elif self._last not in b"\r\n":
            # The last line may lack its break.
            self.lines, self._last = self.lines + 1, b"\n"
        return block

    def _watch(self, block: bytes) -> None:
        if self._watched is None or self.found is not None:
            return
        # A match may lie across two blocks.
        text = self._tail + block[:_ACROSS]
        match = self._watched.search(text)
        if match is None:
            text, match = block, self._watched.search(block)
        if match is not None:
            self.found = text[max(match.start() - _AROUND, 0) : match.end() + _AROUND]
        self._tail = (self._tail + block)[-_ACROSS:]

    def close(self) -> None:
        self.closed = True


class UnitSeparated:
    """A byte stream with each `::` replaced by one ASCII unit separator. Of `:::` the first two are the separator."""

    def __init__(self, raw: Any, path: str) -> None:
        self._raw, self._path = raw, path
        self._carry = b""
        self.closed = False

    def read(self, size: int) -> bytes:
        while True:
            # The colon held back may come on top.
            block = self._raw.read(max(size - 1, 1))
            if UNIT_SEPARATOR in block:
                msg = f"{self._path}: holds the control character 0x1F, which a `::`-separated file must not."
                raise FeedbackError(msg)
            replaced: bytes = (self._carry + block).replace(SEPARATOR.encode(), UNIT_SEPARATOR)
            self._carry = b""
            if block and replaced.endswith(b":"):
                replaced, self._carry = replaced[:-1], b":"
            if replaced or not block:
                return replaced

    def close(self) -> None:
        self.closed = True
