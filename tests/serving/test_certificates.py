"""New certificates reach both ports, whichever asks for them first; one that has expired is told in the log."""

import logging
import shutil
import ssl
from pathlib import Path

import pytest

from serving import errors
from serving.certificates import Certificates
from serving.client import RecommenderClient, TlsFiles
from serving.rest import server as rest_server
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings, TlsSettings
from serving.validity import why_invalid
from tests.serving.certificates import Pair, make
from tests.serving.conftest import wait_until


def test_grpc_learns_of_files_that_the_port_for_http_has_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_server, "_LOOK_SECONDS", 0.05)
    old, new = make(tmp_path, "old"), make(tmp_path, "new")
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(old.cert, own.cert)
    shutil.copy(old.key, own.key)
    tls = TlsSettings(str(own.cert), str(own.key))
    server = RecommenderServer.of(
        ServerSettings(str(tmp_path / "base"), port=0, poll_seconds=60, tls=tls, rest=RestSettings(port=0))
    )
    server.start()
    assert server.faces.http is not None
    http = ("127.0.0.1", server.faces.http.port)
    try:
        shutil.copy(new.key, own.key)
        shutil.copy(new.cert, own.cert)
        wanted = ssl.PEM_cert_to_DER_cert(new.cert.read_text())
        wait_until(lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(http)) == wanted)
        # Both handshakes of gRPC: the one that brings the files into it, and the next.
        for _ in range(2):
            with (
                RecommenderClient(server.address, timeout=60, credentials=TlsFiles(ca=new.cert)) as client,
                pytest.raises(errors.NoVersionError),
            ):
                client.recommend(["a"])
    finally:
        server.stop(grace_seconds=0)


@pytest.mark.parametrize(("hours", "why"), [((-2, -1), "has expired"), ((1, 2), "is not valid yet"), ((-1, 1), "")])
def test_a_certificate_is_measured_by_the_clock(tmp_path: Path, hours: tuple[int, int], why: str) -> None:
    signer = make(tmp_path, "signer")
    pair = make(tmp_path, "server", signer, ("films.example",), hours)
    assert why_invalid(str(pair.cert), str(pair.key)) == why


def test_one_that_has_expired_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pair = make(tmp_path, "server", hours=(-2, -1))
    with caplog.at_level(logging.WARNING):
        Certificates(TlsSettings(str(pair.cert), str(pair.key)))
    assert caplog.messages == [f"{pair.cert} has expired: clients that check it will not connect. Put a new one there."]
