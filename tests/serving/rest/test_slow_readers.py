"""Clients that take their answers slowly, or not at all."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from serving.rest.patience import PatientProtocol
from serving.rest.server import HttpServer
from tests.serving.conftest import wait_until

pytestmark = pytest.mark.tensorflow
# More than the buffers of a connection on this machine hold.
BYTES = 2**25
ASK = b"GET /large HTTP/1.1\r\nHost: x\r\n"


async def large(_: Any, receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-length", str(BYTES).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(BYTES)})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    # It looks when a test says so.
    monkeypatch.setattr(PatientProtocol, "seconds", 3600.0)
    server = HttpServer(large, "127.0.0.1", 0, None)
    server.start()
    yield server
    server.stop(0)


def ask(server: HttpServer, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(request)
    return connection


def connections(server: HttpServer) -> list[Any]:
    return list(server._server.server_state.connections)


def look(protocol: Any) -> int:
    """Lets a connection look whether its client reads; bytes that it had yet to take."""

    async def now() -> int:
        unread = protocol.transport.get_write_buffer_size()
        protocol._end()
        return int(unread)

    return asyncio.run_coroutine_threadsafe(now(), protocol.loop).result(60)


@pytest.mark.parametrize(
    "request_",
    [ASK + b"\r\n", ASK + b"Connection: close\r\n\r\n", 3 * (ASK + b"\r\n")],
    ids=["kept", "closed", "three"],
)
def test_an_answer_that_nobody_reads_is_given_up(server: HttpServer, request_: bytes) -> None:
    connection = ask(server, request_)
    assert connection.recv(1)
    (protocol,) = connections(server)
    assert look(protocol) > 0
    # Nobody is given up at the first look.
    assert connections(server) == [protocol]

    def is_given_up() -> bool:
        # What the buffers of the connection still take, counts as read.
        if connections(server):
            look(protocol)
        return not connections(server)

    wait_until(is_given_up)
    connection.close()


def test_a_slow_reader_gets_all_of_it(server: HttpServer) -> None:
    connection = ask(server, ASK + b"Connection: close\r\n\r\n")
    found, looks = len(connection.recv(1)), 0
    (protocol,) = connections(server)
    unread = look(protocol)
    while part := connection.recv(2**16):
        found += len(part)
        # It has taken a little since the last look, each time.
        if 0 < protocol.transport.get_write_buffer_size() < unread:
            unread = look(protocol)
            looks += 1
    assert found > BYTES
    assert looks > 2
