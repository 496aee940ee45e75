"""The port for HTTP: where it listens, and how it starts and stops."""

import errno
import http.client
import logging
import shutil
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from serving import errors
from serving.certificates import Certificates
from serving.commands import serve as command
from serving.rest.app import respond
from serving.rest.server import HttpServer
from serving.server import RecommenderServer, serve
from serving.settings import RestSettings, ServerSettings, TlsSettings
from tests.serving.certificates import make


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await respond(200, {"path": scope["path"]})(scope, receive, send)


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    first = HttpServer(hello, "127.0.0.1", 0, None)
    first.start()
    try:
        second = HttpServer(hello, "127.0.0.1", first.port, None)
        message = rf"Cannot listen on 127\.0\.0\.1:{first.port} for HTTP .*Choose another with --rest-port"
        with pytest.raises(errors.ServerStartError, match=message):
            second.start()
        second.stop(0)
    finally:
        first.stop(0)


def test_small_packets_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    # asyncio sees to it for sockets that name the protocol alone; else each answer takes 40 ms more.
    seen: list[socket.socket] = []
    server = HttpServer(hello, "127.0.0.1", 0, None)
    monkeypatch.setattr(server._server, "run", lambda sockets: seen.extend(sockets))
    server.start()
    server.stop(0)
    assert [each.proto for each in seen] == [socket.IPPROTO_TCP]


@pytest.mark.parametrize("error", [RuntimeError("no loop"), SystemExit(1)])
def test_a_server_whose_port_for_http_dies_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """Else gRPC would go on, without probes, until somebody finds the line in the log."""
    caplog.set_level(logging.INFO, "serving")  # as the command sets it, and here for this test alone

    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("uvicorn.Server.run", run)
    seen: list[RecommenderServer] = []
    settings = ServerSettings(str(tmp_path), port=0, rest=RestSettings(port=0))
    with pytest.raises(errors.ServerDiedError, match="The server for HTTP ended by itself"):
        serve(settings, seen.append)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", seen[0].port), timeout=5):
        pass
    told = CliRunner().invoke(command, ["--base", str(tmp_path), "--port", "0", "--rest-port", "0"])
    assert told.exit_code == 1
    assert "Error: The server for HTTP ended by itself; the log above says why." in told.output


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_says_where_it_is(host: str) -> None:
    server = HttpServer(hello, host, 0, None)
    try:
        server.start()
    except errors.ServerStartError:
        assert host == "::1", "a machine may lack the newer protocol"
        return
    try:
        assert server.url == f"http://{'[::1]' if host == '::1' else host}:{server.port}"
        connection = http.client.HTTPConnection(host, server.port, timeout=60)
        connection.request("GET", "/x")
        assert connection.getresponse().read() == b'{"path":"/x"}'
        connection.close()
    finally:
        server.stop(0)


def test_tls_is_that_of_grpc_and_new_certificates_count(tmp_path: Path) -> None:
    ours, theirs = make(tmp_path, "ours"), make(tmp_path, "theirs")
    first, second = make(tmp_path, "first", ours), make(tmp_path, "second", theirs)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(first.cert, cert)
    shutil.copy(first.key, key)
    certificates = Certificates(TlsSettings(str(cert), str(key)))
    server = HttpServer(hello, "127.0.0.1", 0, certificates)
    server.start()

    def ask(ca: Path) -> int:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        finally:
            connection.close()

    try:
        assert server.url == f"https://127.0.0.1:{server.port}"
        assert ask(ours.cert) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(theirs.cert)
        shutil.copy(second.cert, cert)
        shutil.copy(second.key, key)
        assert certificates.refresh()
        assert ask(theirs.cert) == 200
    finally:
        server.stop(0)


def test_clients_show_their_certificate_where_they_are_asked_for_it(tmp_path: Path) -> None:
    ours = make(tmp_path, "ours")
    own, client = make(tmp_path, "own", ours), make(tmp_path, "client", ours, ("shop",))
    server = HttpServer(hello, "127.0.0.1", 0, Certificates(TlsSettings(str(own.cert), str(own.key), str(ours.cert))))
    server.start()

    def ask(context: ssl.SSLContext) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        finally:
            connection.close()

    try:
        context = ssl.create_default_context(cafile=str(ours.cert))
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            ask(context)
        context.load_cert_chain(str(client.cert), str(client.key))
        assert ask(context) == 200
    finally:
        server.stop(0)


def test_a_port_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not in the folder of the test, whose path may be too long for a socket.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket() as taken:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        rest = RestSettings(port=int(taken.getsockname()[1]))
        server = RecommenderServer.of(ServerSettings(str(tmp_path), port=0, poll_seconds=60, rest=rest))
        with pytest.raises(errors.ServerStartError, match="for HTTP"):
            server.start()
        # The port of gRPC was open by then.
        with socket.socket() as asking:
            assert asking.connect_ex(("127.0.0.1", server.port)) == errno.ECONNREFUSED
        assert not list(Path(folder).iterdir())
        server.stop(grace_seconds=0)


def test_it_tells_nothing_that_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = HttpServer(hello, "127.0.0.1", 0, None)
    server.start()
    server.stop(1)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []
