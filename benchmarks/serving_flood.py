"""Calls at a rate whatever the server does, at a twentieth of a millisecond of processor time each.

    python -m benchmarks.serving_flood --port 8500 --requests FOLDER --rate 4000 --seconds 10 --deadline 1

gRPC's own clients take as much processor time a call as the server, so that on a small machine an overload made by them
measures who gets the processor. This one writes the frames of HTTP/2 itself: each request is built once, and of an
answer only its status is looked at. Prints one line of JSON.
"""

import argparse
import asyncio
import collections
import json
import re
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from serving import wire

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Kinds of frames, their flags, and settings, as RFC 9113 numbers them.
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _WINDOW = 0, 1, 3, 4, 6, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_TABLE_SIZE, _INITIAL_WINDOW = 1, 4
_LARGEST: Final = 2**31 - 1
_HEAD: Final = 9
# Nothing is indexed, since the table is refused, and gRPC writes plain text: the status stands there as it is.
_STATUS: Final = re.compile(rb"grpc-status.([0-9]+)", re.DOTALL)


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def _header(name: str, value: str) -> bytes:
    """A header that no table keeps."""
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


class Connection(asyncio.Protocol):
    """One connection, and the calls that wait on it.

    Args:
        deadline: Seconds that a call may take, as the server is told.
        done: Takes the status of a call and when it was due.
    """

    def __init__(self, deadline: float, done: Any) -> None:
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": wire.PREDICT,
            ":authority": "localhost",
            "te": "trailers",
            "content-type": "application/grpc",
            "grpc-timeout": f"{round(deadline * 1000)}m",
        }
        self._block = b"".join(_header(name, value) for name, value in headers.items())
        self._done = done
        self._rest = b""
        self._window = 65_535
        self._taken = 0
        self._stream = -1
        self._held: collections.deque[tuple[bytes, float]] = collections.deque()
        self.waiting: dict[int, float] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        settings = b"".join(
            number.to_bytes(2, "big") + value.to_bytes(4, "big")
            for number, value in ((_TABLE_SIZE, 0), (_INITIAL_WINDOW, _LARGEST))
        )
        window = (_LARGEST - 65_535).to_bytes(4, "big")
        transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW, 0, 0, window))

    def call(self, message: bytes, due: float) -> None:
        """Sends a request, or keeps it until the server has room for it."""
        if len(message) > self._window:
            self._held.append((message, due))
            return
        self._stream += 2
        self._window -= len(message)
        self.waiting[self._stream] = due
        self._transport.write(
            _frame(_HEADERS, _END_HEADERS, self._stream, self._block)
            + _frame(_DATA, _END_STREAM, self._stream, message)
        )

    def data_received(self, data: bytes) -> None:
        content, place = self._rest + data if self._rest else data, 0
        size = len(content)
        while place + _HEAD <= size:
            end = place + _HEAD + int.from_bytes(content[place : place + 3], "big")
            if end > size:
                break
            self._take(content[place + 3], content[place + 4], content[place + 5 : place + 9], content[place + 9 : end])
            place = end
        self._rest = content[place:]

    def _take(self, kind: int, flags: int, stream: bytes, content: bytes) -> None:
        if kind == _DATA:
            self._taken += len(content)
            if self._taken > 2**24:
                self._transport.write(_frame(_WINDOW, 0, 0, self._taken.to_bytes(4, "big")))
                self._taken = 0
        elif kind == _HEADERS and flags & _END_STREAM:
            found = _STATUS.search(content)
            self._end(stream, wire.code_name(int(found[1])) if found else "NO_STATUS")
        elif kind == _RESET:
            self._end(stream, f"RESET_{int.from_bytes(content, 'big')}")
        elif kind == _WINDOW and stream == b"\0\0\0\0":
            self._window += int.from_bytes(content, "big")
            while self._held and len(self._held[0][0]) <= self._window:
                self.call(*self._held.popleft())
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._transport.write(_frame(kind, _ACK, 0, content if kind == _PING else b""))

    def _end(self, stream: bytes, status: str) -> None:
        due = self.waiting.pop(int.from_bytes(stream, "big"), None)
        if due is not None:
            self._done(status, due)

    def close(self) -> None:
        self._transport.close()


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Calls at a rate, and waits for the last one."""
    messages = [
        b"\0" + len(content).to_bytes(4, "big") + content
        for content in (file.read_bytes() for file in sorted(Path(arguments.requests).glob("*.bin")))
    ]
    times: dict[str, list[float]] = collections.defaultdict(list)
    clock = time.perf_counter

    def done(status: str, due: float) -> None:
        times[status].append(clock() - due)

    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: Connection(arguments.deadline, done), "127.0.0.1", arguments.port))[1]
        for _ in range(arguments.connections)
    ]
    count = int(arguments.rate * arguments.seconds)
    begin, before, number = clock(), time.process_time(), 0
    while number < count:
        due = begin + number / arguments.rate
        if (early := due - clock()) > 0:
            await asyncio.sleep(max(early, 0.001))
        now = clock()
        while number < count and (due := begin + number / arguments.rate) <= now:
            connections[number % len(connections)].call(messages[number % len(messages)], due)
            number += 1
        await asyncio.sleep(0)
    sent = clock() - begin
    until = clock() + 2 * arguments.deadline + 5
    while any(connection.waiting for connection in connections) and clock() < until:
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.close()
    unanswered = sum(len(connection.waiting) for connection in connections)
    return {**_summary(times, sent), "unanswered": unanswered, "own_cpu": time.process_time() - before}


def _summary(times: dict[str, list[float]], seconds: float) -> dict[str, Any]:
    found = {
        status: {
            "count": len(each),
            "a_second": len(each) / seconds,
            **{f"p{part}": float(np.percentile(each, part)) * 1e3 for part in (50, 99)},
            "most": max(each) * 1e3,
        }
        for status, each in times.items()
        if each
    }
    answered = len(times["OK"])
    return {"seconds": seconds, "answered": answered, "a_second": answered / seconds, "statuses": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", required=True, help="folder of serialised requests")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--deadline", type=float, default=1.0)
    sys.stdout.write(json.dumps(asyncio.run(run(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
