"""Bodies that are packed, too slow or cut off, and connections on which nothing comes."""

import gzip
import json
import logging
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.rest import patience
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
    """A server that takes bodies of 2000 bytes within half a second."""
    rest = RestSettings(port=0, max_body_bytes=MOST, timeout_seconds=0.5)
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=rest))
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


def test_a_body_that_does_not_come_is_given_up_and_counted(web: Web) -> None:
    before = counted(web, "DEADLINE_EXCEEDED")
    head, _, body = received(open_to(web, HEAD, b"{")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body) == {"error": "The body did not come within 0.5 s (`rest.timeout_seconds`)."}
    assert counted(web, "DEADLINE_EXCEEDED") == before + 1


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


@pytest.mark.parametrize("parts", [(), (b"POST /v1/mod",), (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /")])
def test_a_connection_on_which_no_request_comes_is_closed(
    base: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(PatientProtocol, "seconds", 0.3)
    server = RecommenderServer.of(
        ServerSettings(str(base / "none"), port=0, poll_seconds=60, rest=RestSettings(port=0))
    )
    server.start()
    try:
        found = received(open_to(Web(server), *parts))
    finally:
        server.stop(grace_seconds=0)
    assert found.count(b"HTTP/1.1 404") == max(len(parts) - 1, 0)


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


def test_a_request_that_takes_longer_than_that_is_answered(
    web: Web, monkeypatch: pytest.MonkeyPatch, hold: Callable[[float], None]
) -> None:
    monkeypatch.setattr(PatientProtocol, "seconds", 0.1)
    hold(0.3)
    assert web.post(PATH, BODY).status == 200


@pytest.fixture
def hold(web: Web, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets each prediction take so many seconds longer."""

    def take(seconds: float) -> None:
        services = web.server._services
        inner = services.predict

        def slowly(*arguments: object) -> object:
            time.sleep(seconds)
            return inner(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(services, "predict", slowly)

    return take


def test_what_is_no_request_is_logged_once_in_a_while(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert b" 400 " in received(open_to(web, b"hello\r\n\r\n"))
            assert b" 200 " in received(open_to(web, upgrade))
    assert len(caplog.messages) == len(set(caplog.messages)) <= 2
    assert not [text for text in caplog.messages if "pip install" in text or "Invalid HTTP" in text]
