"""Bodies that are packed, too slow or cut off, and connections on which nothing comes."""

import asyncio
import contextlib
import gzip
import json
import logging
import random
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.rest import bodies, patience
from serving.rest import server as rest_server
from serving.rest.patience import PatientProtocol
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.conftest import wait_until
from tests.serving.rest.conftest import Web

pytestmark = pytest.mark.tensorflow
BODY = json.dumps({"inputs": {"positive_item_ids": [["a"]], "exclude_item_ids": [[]], "k": [2]}}).encode()
PATH = "/v1/models/pnfrec:predict"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
MOST = 2000


@pytest.fixture(scope="module")
def web(base: Path) -> Iterator[Web]:
    """A server that takes bodies of 2000 bytes."""
    rest = RestSettings(port=0, max_body_bytes=MOST, timeout_seconds=60)
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=rest))
    server.start()
    yield Web(server)
    server.stop(grace_seconds=0)


@pytest.fixture
def without_a_model(base: Path) -> Iterator[Web]:
    """A server that gives a body half a second."""
    rest = RestSettings(port=0, timeout_seconds=0.5)
    server = RecommenderServer.of(ServerSettings(str(base / "none"), port=0, poll_seconds=60, rest=rest))
    server.start()
    yield Web(server)
    server.stop(grace_seconds=0)


def open_to(web: Web, *parts: bytes) -> socket.socket:
    assert web.where.port is not None
    connection = socket.create_connection((web.where.hostname, web.where.port), timeout=60)
    for part in parts:
        connection.sendall(part)
    return connection


def received(connection: socket.socket) -> bytes:
    """All until the server closes."""
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


def counted(web: Web, code: str) -> float:
    labels = {"face": "rest", "method": "Predict", "signature": "serving_default", "code": code}
    return web.server.faces.metrics.registry.get_sample_value("pnfrec_calls_total", labels) or 0.0


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP"])
def test_a_body_in_gzip_is_read(web: Web, name: str) -> None:
    answer = web.post(PATH, gzip.compress(BODY), content_encoding=name)
    assert answer.json["outputs"]["item_ids"] == [["b", "c"]]
    assert web.post(PATH, BODY, content_encoding="identity").json == answer.json


def test_no_other_request_waits_while_a_long_body_is_unpacked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    unpack = bodies._unpack

    def watched(content: bytes, most: int) -> bytes:
        with contextlib.suppress(RuntimeError):  # there is no loop in this thread
            seen.append(asyncio.get_running_loop().is_running())
        return unpack(content, most)

    monkeypatch.setattr(bodies, "_unpack", watched)
    assert web.post(PATH, gzip.compress(BODY), content_encoding="gzip").status == 200
    assert seen == [True], "a short one is not worth a thread"
    long = gzip.compress(random.Random(0).randbytes(MOST - 100))
    assert web.post(PATH, long, content_encoding="gzip").status == 400
    assert seen == [True]


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (BODY, 400, "The body is not gzip, as its `Content-Encoding` says"),
        (gzip.compress(BODY)[:-4], 400, "The body in gzip is cut off, or something comes after it."),
        (gzip.compress(BODY) * 2, 400, "The body in gzip is cut off, or something comes after it."),
        (gzip.compress(b" " * (MOST + 1)), 413, f"The body is longer than {MOST} bytes (`rest.max_body_bytes`)"),
        (gzip.compress(b" " * MOST), 400, "The body is not JSON"),
    ],
)
def test_a_body_that_is_not_whole_gzip_or_unpacks_to_too_much_is_refused(
    web: Web, content: bytes, status: int, said: str
) -> None:
    answer = web.post(PATH, content, content_encoding="gzip")
    assert (answer.status, said in answer.error) == (status, True), answer.error


def test_another_encoding_is_named(web: Web) -> None:
    answer = web.post(PATH, zlib.compress(BODY), content_encoding="deflate")
    assert (answer.status, answer.error) == (
        415,
        "A body may be plain or in gzip. Received: `Content-Encoding: deflate`.",
    )


def test_a_body_that_does_not_come_is_given_up_and_counted(without_a_model: Web) -> None:
    head, _, body = received(open_to(without_a_model, HEAD, b"{")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body) == {"error": "The body did not come within 0.5 s (`rest.timeout_seconds`)."}
    assert counted(without_a_model, "DEADLINE_EXCEEDED") == 1


def test_a_server_that_stops_does_not_wait_for_a_body_nor_log_a_traceback(
    base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    server.start()
    connection = open_to(Web(server), HEAD, b"{")
    http = server.faces.http
    assert http is not None
    wait_until(lambda: bool(http._server.server_state.tasks))
    server.stop(grace_seconds=0)
    connection.close()
    assert not [record for record in caplog.records if record.exc_info]


def test_a_connection_on_which_no_request_comes_is_closed(
    without_a_model: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "seconds", 0.3)
    assert received(open_to(without_a_model)) == b""


@pytest.mark.parametrize("before", [b"", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
def test_a_request_whose_rest_does_not_come_is_given_up(without_a_model: Web, before: bytes) -> None:
    connection = open_to(without_a_model, before + b"POST /v1/mod")
    found = b""
    while before and b"openapi.json" not in found:
        found += connection.recv(65536)
    wait_until(lambda: bool(protocols(without_a_model)))
    time_is_up(without_a_model)
    with contextlib.suppress(ConnectionResetError):  # the beginning may come behind that
        assert received(connection) == b""


def protocols(web: Web) -> list[Any]:
    assert web.server.faces.http is not None
    return list(web.server.faces.http._server.server_state.connections)


def time_is_up(web: Web) -> None:
    """As where the seconds are over that each connection is given."""

    async def end(protocol: Any) -> None:
        protocol._end()

    for protocol in protocols(web):
        asyncio.run_coroutine_threadsafe(end(protocol), protocol.loop).result(60)


def test_where_many_connections_are_open_new_ones_are_given_less_time(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_server, "_MOST_CONNECTIONS", 4)
    monkeypatch.setattr(PatientProtocol, "seconds", 300.0)
    monkeypatch.setattr(patience, "_HURRY", 1000)
    server = RecommenderServer.of(
        ServerSettings(str(base / "none"), port=0, poll_seconds=60, rest=RestSettings(port=0))
    )
    server.start()
    web = Web(server)
    try:
        first, second, *others = [open_to(web) for _ in range(6)]
        # The first two have 300 seconds, the others a thousandth of that.
        assert [received(each) for each in others] == [b""] * 4
        assert web.get("/healthz").status == 200
        for each in (first, second):
            each.close()
    finally:
        server.stop(grace_seconds=0)


def test_a_request_that_takes_longer_than_that_is_answered(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    services = web.server._services
    inner = services.predict
    came: list[int] = []

    def slowly(*arguments: Any) -> Any:
        came.append(len(protocols(web)))
        time_is_up(web)
        return inner(*arguments)

    monkeypatch.setattr(services, "predict", slowly)
    assert (web.post(PATH, BODY).status, len(came)) == (200, 1)
    assert came[0] >= 1


def test_what_is_no_request_is_logged_once_in_a_while(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert b" 400 " in received(open_to(web, b"hello\r\n\r\n"))
            assert b" 200 " in received(open_to(web, upgrade))
    assert len(caplog.messages) == len(set(caplog.messages)) <= 2
    assert not [text for text in caplog.messages if "pip install" in text or "Invalid HTTP" in text]
