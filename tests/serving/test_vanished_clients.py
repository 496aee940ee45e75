"""Clients over gRPC whose machine is gone: their connection is given up."""

import socket
from pathlib import Path

import pytest

from serving import grpc_server
from serving.server import RecommenderServer
from serving.settings import ServerSettings

pytestmark = pytest.mark.tensorflow
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"  # with an empty frame of settings
_SETTINGS, _PING, _ACKNOWLEDGED = 4, 6, 1


def frames(connection: socket.socket, answers_pings: bool, most_pings: int) -> list[int]:
    """The kinds of frames of HTTP/2 that come until the server closes or has asked so often; settings are obeyed."""
    found: list[int] = []
    stream = connection.makefile("rb")
    while found.count(_PING) < most_pings and (head := stream.read(9)):
        content = stream.read(int.from_bytes(head[:3], "big"))
        kind, is_answer = head[3], head[4] & _ACKNOWLEDGED
        found.append(kind)
        if kind == _SETTINGS and not is_answer:
            connection.sendall(b"\0\0\0\x04\x01\0\0\0\0")
        if kind == _PING and not is_answer and answers_pings:
            connection.sendall(b"\0\0\x08\x06\x01\0\0\0\0" + content)
    return found


# Who answers has long for it, however busy the machine is.
@pytest.mark.parametrize(("answers", "patience_ms", "most", "asked"), [(False, 1000, 3, 1), (True, 60_000, 4, 4)])
def test_who_does_not_answer_pings_is_given_up_without_a_call(
    base: Path, monkeypatch: pytest.MonkeyPatch, answers: bool, patience_ms: int, most: int, asked: int
) -> None:
    changed = {"grpc.keepalive_time_ms": 1000, "grpc.http2.ping_timeout_ms": patience_ms}
    options = {**dict(grpc_server._OPTIONS), **changed}
    monkeypatch.setattr(grpc_server, "_OPTIONS", tuple(options.items()))
    server = RecommenderServer.of(ServerSettings(str(base / "none"), port=0, poll_seconds=60))
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(_HELLO)
            assert frames(connection, answers, most).count(_PING) == asked
    finally:
        server.stop(grace_seconds=0)


def test_clients_are_asked_every_minute() -> None:
    options = dict(grpc_server._OPTIONS)
    assert (options["grpc.keepalive_time_ms"], options["grpc.keepalive_permit_without_calls"]) == (60_000, 1)
