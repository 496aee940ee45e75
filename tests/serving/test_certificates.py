"""New certificates reach both ports, whichever asks for them first, and no handshake fails meanwhile.

One that has expired is told in the log.
"""

import contextlib
import logging
import shutil
import ssl
from concurrent.futures import ThreadPoolExecutor
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


def test_no_handshake_fails_while_new_files_are_read(tmp_path: Path) -> None:
    pairs = [make(tmp_path, "old"), make(tmp_path, "new")]
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    replace(own, pairs[0])
    certificates = Certificates(TlsSettings(str(own.cert), str(own.key)))
    front = certificates.for_http()

    def renew() -> None:
        for number in range(200):
            replace(own, pairs[(number + 1) % 2])
            assert certificates.refresh()

    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(renew)
        shown = [shake_hands(front)]
        while not renewed.done():
            shown.append(shake_hands(front))
        renewed.result()
    assert set(shown) <= {ssl.PEM_cert_to_DER_cert(pair.cert.read_text()) for pair in pairs}
    assert shake_hands(front) == ssl.PEM_cert_to_DER_cert(pairs[0].cert.read_text())


def test_files_that_change_while_they_are_read_are_read_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, newest = (make(tmp_path, name) for name in ("old", "new", "newest"))
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    replace(own, old)
    certificates = Certificates(TlsSettings(str(own.cert), str(own.key)))
    front = certificates.for_http()
    replace(own, new)

    def too_late(*_: str) -> str:
        replace(own, newest)
        return ""

    with monkeypatch.context() as patch:
        patch.setattr("serving.certificates.why_invalid", too_late)
        assert not certificates.refresh()
    assert shake_hands(front) == ssl.PEM_cert_to_DER_cert(old.cert.read_text())
    assert certificates.refresh()
    assert shake_hands(front) == ssl.PEM_cert_to_DER_cert(newest.cert.read_text())


def test_another_signer_of_clients_counts_over_http_without_a_restart(tmp_path: Path) -> None:
    server, ours, theirs = (make(tmp_path, name) for name in ("server", "ours", "theirs"))
    signer = tmp_path / "clients.pem"
    shutil.copy(ours.cert, signer)
    certificates = Certificates(TlsSettings(str(server.cert), str(server.key), str(signer)))
    front = certificates.for_http()
    shake_hands(front, ours)
    with pytest.raises(ssl.SSLError):
        shake_hands(front, theirs)
    shutil.copy(theirs.cert, signer)
    assert certificates.refresh()
    shake_hands(front, theirs)
    with pytest.raises(ssl.SSLError):
        shake_hands(front, ours)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_outlives_the_signer_that_let_it_in(tmp_path: Path, version: ssl.TLSVersion) -> None:
    server, ours, theirs = (make(tmp_path, name) for name in ("server", "ours", "theirs"))
    signer = tmp_path / "clients.pem"
    shutil.copy(ours.cert, signer)
    certificates = Certificates(TlsSettings(str(server.cert), str(server.key), str(signer)))
    front, client = certificates.for_http(), asking(ours)
    client.maximum_version = version
    session = connect(front, client).session
    assert connect(front, client, session).session_reused
    shutil.copy(theirs.cert, signer)
    assert certificates.refresh()
    with pytest.raises(ssl.SSLError):
        connect(front, client, session)


def replace(own: Pair, other: Pair) -> None:
    """Puts another pair in the place of `own`, each file at once."""
    for old, new in zip(own, other, strict=True):
        beside = old.with_suffix(".written")
        shutil.copy(new, beside)
        beside.replace(old)


def shake_hands(front: ssl.SSLContext, client: Pair | None = None) -> bytes:
    """The certificate that a server with this context shows."""
    shown = connect(front, asking(client)).getpeercert(binary_form=True)
    assert shown is not None
    return shown


def asking(client: Pair | None = None) -> ssl.SSLContext:
    """A client that trusts everybody, with a certificate of its own if it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client is not None:
        context.load_cert_chain(*client)
    return context


def connect(front: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLObject:
    """The client's end of a connection in memory, after a handshake that both ends finish and a byte of the server's.

    Args:
        front: The context of the server.
        client: That of the client.
        session: One that the client would go on with.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = front.wrap_bio(to_server, to_client, server_side=True)
    ends = [client.wrap_bio(to_client, to_server, session=session), server]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                waiting.remove(end)
    # With the byte come the tickets of TLS 1.3.
    server.write(b"x")
    assert ends[0].read(1) == b"x"
    return ends[0]


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
