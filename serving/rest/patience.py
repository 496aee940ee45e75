"""Connections over HTTP that do not send or do not read: how long they are waited for, and how often that is logged."""

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.quiet import Quiet

logger = logging.getLogger(__name__)

# What uvicorn warns of each time, which any stranger can make it do, and what is said of it here.
_WARNINGS: Final = {
    "Invalid HTTP request received.": "What came to the port for HTTP was no request.",
    "Unsupported upgrade request.": "A request wanted another protocol than HTTP/1.1, and was answered by that.",
    "Exceeded concurrency limit.": "So many connections are open to the port for HTTP that requests get status 503.",
}
# It goes on with an advice to install something for WebSockets.
_ADVICE: Final = "No supported WebSocket library"
_HURRY: Final = 10


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP, which closes a connection on which no request comes for a while, or no answer is read.

    uvicorn itself waits for ever for the first request, for the rest of one that has begun, and for a client that does
    not read its answer, which stays in memory: who opens as many connections as it takes, and sends nothing or reads
    nothing, would keep everybody out, probes too.
    """

    seconds = 30.0
    _timer: asyncio.TimerHandle | None = None
    # Bytes of answers that the client had yet to take when it was last looked.
    _unread: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        """The next request has so long to come from now, and what is written is to be read meanwhile."""
        self._unread = None
        self._look_later()

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Where many are open, new ones get less, so that probes find a place again within seconds.
        is_crowded = self.limit_concurrency is not None and 2 * len(self.connections) > self.limit_concurrency
        self._timer = self.loop.call_later(self.seconds / (_HURRY if is_crowded else 1), self._end)

    def _end(self) -> None:
        if unread := self.transport.get_write_buffer_size():
            # Closing waits until all is read. A slow reader has taken some of it since the last look.
            if self._unread is not None and unread >= self._unread:
                self.transport.abort()
            else:
                self._unread = unread
                self._look_later()
            return
        # One whose head is there has been handed on, and ends by its own limit.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class QuietWarnings(logging.Filter):
    """Of a logger of uvicorn: lets warnings that strangers cause through once in a while, in words of this server."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet = {text: Quiet(logger) for text in _WARNINGS}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged as it is."""
        text: Any = record.msg
        if text in self._quiet:
            self._quiet[text].warning(_WARNINGS[text])
            return False
        return not (isinstance(text, str) and text.startswith(_ADVICE))
