"""Clients that take their answers slowly, or not at all."""

import socket
import time
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
    monkeypatch.setattr(PatientProtocol, "seconds", 0.3)
    server = HttpServer(large, "127.0.0.1", 0, None)
    server.start()
    yield server
    server.stop(0)


def ask(server: HttpServer, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(request)
    return connection


def is_open(server: HttpServer) -> bool:
    return bool(server._server.server_state.connections)


@pytest.mark.parametrize(
    "request_",
    [ASK + b"\r\n", ASK + b"Connection: close\r\n\r\n", 3 * (ASK + b"\r\n")],
    ids=["kept", "closed", "three"],
)
def test_an_answer_that_nobody_reads_is_given_up(server: HttpServer, request_: bytes) -> None:
    connection = ask(server, request_)
    assert connection.recv(1)
    assert is_open(server)
    wait_until(lambda: not is_open(server))
    connection.close()


def test_a_slow_reader_gets_all_of_it(server: HttpServer) -> None:
    connection = ask(server, ASK + b"Connection: close\r\n\r\n")
    found = 0
    while part := connection.recv(2**21):
        found += len(part)
        time.sleep(0.1)
    assert found > BYTES
