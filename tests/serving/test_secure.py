"""TLS, mutual TLS and tokens: who gets in, and what each who does not is told. No model is loaded for it.

Whoever gets in is told that no version has arrived yet.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from serving import errors
from serving.aio import AsyncRecommenderClient
from serving.certificates import Certificates
from serving.client import RecommenderClient, Retries, TlsFiles
from serving.commands import health, query
from serving.server import RecommenderServer
from serving.settings import ServerSettings, TlsSettings
from tests.serving.certificates import Pair, make
from tests.serving.conftest import wait_until

TOKEN = "0123456789abcdef"
ONCE = Retries(most=0)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Signers `ours` and `theirs`, a server's certificate of each, a client's of each, and one of another name."""
    folder = tmp_path_factory.mktemp("certificates")
    ours, theirs = make(folder, "ours"), make(folder, "theirs")
    return {
        "ours": ours,
        "theirs": theirs,
        "server": make(folder, "server", ours),
        "other": make(folder, "other", theirs),
        "client": make(folder, "client", ours, ("shop",)),
        "stranger": make(folder, "stranger", theirs, ("shop",)),
        "elsewhere": make(folder, "elsewhere", ours, ("films.example",)),
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RecommenderServer]]:
    running = []

    def begin(**settings: Any) -> RecommenderServer:
        server = RecommenderServer.of(ServerSettings(base=str(tmp_path / "base"), port=0, poll_seconds=60, **settings))
        server.start()
        running.append(server)
        return server

    yield begin
    for server in running:
        server.stop(grace_seconds=0)


def tls_of(pair: Pair, client_ca: Pair | None = None) -> TlsSettings:
    return TlsSettings(str(pair.cert), str(pair.key), "" if client_ca is None else str(client_ca.cert))


def told(server: RecommenderServer, **options: Any) -> type[errors.ServingError]:
    """The class of what a client is told; NoVersionError is what those get who are let in."""
    with RecommenderClient(server.address, timeout=60, retries=ONCE, **options) as client:
        with pytest.raises(errors.ServingError) as caught:
            client.recommend(["a"])
        return caught.type


def message(server: RecommenderServer, **options: Any) -> str:
    with RecommenderClient(server.address, timeout=60, retries=ONCE, **options) as client:
        with pytest.raises(errors.ServingError) as caught:
            client.recommend(["a"])
        return str(caught.value)


def test_a_trusted_certificate_is_a_connection(start: Callable[..., RecommenderServer], pairs: dict[str, Pair]) -> None:
    server = start(tls=tls_of(pairs["server"]))
    assert told(server, credentials=TlsFiles(ca=pairs["ours"].cert)) is errors.NoVersionError


def test_each_side_that_is_not_trusted_is_told_apart(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair]
) -> None:
    server = start(tls=tls_of(pairs["server"]))
    untrusted = TlsFiles(ca=pairs["theirs"].cert)
    assert told(server, credentials=untrusted) is errors.CertificateError
    assert "does not trust the server's certificate. Name what signed it" in message(server, credentials=untrusted)
    elsewhere = start(tls=tls_of(pairs["elsewhere"]))
    assert "bears another name" in message(elsewhere, credentials=TlsFiles(ca=pairs["ours"].cert))
    by_name = TlsFiles(ca=pairs["ours"].cert, server_name="films.example")
    assert told(elsewhere, credentials=by_name) is errors.NoVersionError


def test_tls_against_a_plain_server_and_the_reverse(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair]
) -> None:
    plain, secure = start(), start(tls=tls_of(pairs["server"]))
    assert "speaks without TLS" in message(plain, credentials=TlsFiles(ca=pairs["ours"].cert))
    assert told(secure) is errors.ServerUnreachableError
    assert "If it asks for TLS, give the client certificates (`--tls`)" in message(secure)


def test_mutual_tls_lets_in_who_has_a_certificate_of_the_client_ca(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair]
) -> None:
    server = start(tls=tls_of(pairs["server"], client_ca=pairs["ours"]))
    ca, client, stranger = pairs["ours"].cert, pairs["client"], pairs["stranger"]
    assert told(server, credentials=TlsFiles(ca, client.cert, client.key)) is errors.NoVersionError
    for refused in (TlsFiles(ca), TlsFiles(ca, stranger.cert, stranger.key)):
        assert told(server, credentials=refused) in (errors.CertificateError, errors.ServerUnreachableError)


def test_new_certificates_count_without_a_restart(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(pairs["server"].cert, own.cert)
    shutil.copy(pairs["server"].key, own.key)
    server = start(tls=tls_of(own))
    ours, theirs = TlsFiles(ca=pairs["ours"].cert), TlsFiles(ca=pairs["theirs"].cert)
    assert told(server, credentials=ours) is errors.NoVersionError
    # A certificate without its key: the old pair stays.
    own.cert.write_bytes(pairs["other"].cert.read_bytes())
    assert told(server, credentials=ours) is errors.NoVersionError
    assert "the old ones stay" in caplog.text
    own.key.write_bytes(pairs["other"].key.read_bytes())
    assert told(server, credentials=theirs) is errors.NoVersionError
    assert told(server, credentials=ours) is errors.CertificateError


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda cert, _: cert.unlink(), "No such file or directory: '{cert}'"),
        (lambda cert, _: cert.write_text("hello"), "are not a certificate and its private key"),
        (lambda cert, key: key.write_bytes(cert.read_bytes()), "are not a certificate and its private key"),
    ],
)
def test_certificates_that_cannot_be_used_stop_the_start(
    pairs: dict[str, Pair], tmp_path: Path, change: Callable[[Path, Path], Any], text: str
) -> None:
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(pairs["server"].cert, own.cert)
    shutil.copy(pairs["server"].key, own.key)
    Certificates(tls_of(own))
    change(*own)
    with pytest.raises(errors.ServerStartError) as caught:
        Certificates(tls_of(own))
    assert text.format(cert=own.cert) in str(caught.value)


def test_a_key_of_another_certificate_stops_the_start(pairs: dict[str, Pair]) -> None:
    with pytest.raises(errors.ServerStartError, match="are not a certificate and its private key"):
        Certificates(tls_of(Pair(pairs["server"].cert, pairs["other"].key)))


def test_a_token_lets_in_and_its_lack_is_told_from_a_wrong_one(
    start: Callable[..., RecommenderServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "tokens"
    file.write_text(f"# of the shop\n{TOKEN}\n\nanother-token\n")
    server = start(token_file=str(file))
    assert told(server, token=TOKEN) is errors.NoVersionError
    assert told(server, token="another-token") is errors.NoVersionError
    assert told(server) is told(server, token="wrong") is errors.UnauthenticatedError
    assert "this server asks for a token" in message(server)
    assert "the token is not one that this server knows" in message(server, token="wrong")
    assert told(server, metadata=[("authorization", f"bearer {TOKEN}")]) is errors.NoVersionError
    assert told(server, metadata=[("authorization", f"Basic {TOKEN}")]) is errors.UnauthenticatedError
    # A new token beside the old ones, and then without them.
    file.write_text(f"new-token\n{TOKEN}\n")
    assert told(server, token="new-token") is told(server, token=TOKEN) is errors.NoVersionError
    file.write_text("new-token\n")
    assert told(server, token=TOKEN) is errors.UnauthenticatedError
    file.write_text("\n")
    assert told(server, token="new-token") is errors.NoVersionError, "a file without a token leaves those that were"
    assert "The tokens stay as they were" in caplog.text
    for token in (TOKEN, "new-token", "another-token"):
        assert token not in caplog.text


def test_beyond_this_machine_without_tls_and_token_is_told_of(
    start: Callable[..., RecommenderServer],
    pairs: dict[str, Pair],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    file.chmod(0o600)
    start()
    assert "Other machines" not in caplog.text
    start(host="0.0.0.0")
    assert "Other machines reach 0.0.0.0 without TLS and without a token: set" in caplog.text
    caplog.clear()
    start(host="0.0.0.0", tls=tls_of(pairs["server"]))
    assert "Other machines reach 0.0.0.0 without a token: set" in caplog.text
    caplog.clear()
    start(host="0.0.0.0", tls=tls_of(pairs["server"]), token_file=str(file))
    assert "Other machines" not in caplog.text


def test_files_of_a_client_are_checked_before_a_call(pairs: dict[str, Pair], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`cert` and `key` belong together.* `key` is missing"):
        TlsFiles(cert=pairs["client"].cert)
    with pytest.raises(FileNotFoundError):
        RecommenderClient("localhost:1", credentials=TlsFiles(ca=tmp_path / "absent"))
    with pytest.raises(ValueError, match=r"expected a PEM file with `-----BEGIN CERTIFICATE-----`"):
        RecommenderClient("localhost:1", credentials=TlsFiles(ca=pairs["ours"].key))


def test_the_commands_reach_a_server_with_mutual_tls_and_a_token(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair], tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    server = start(tls=tls_of(pairs["server"], pairs["ours"]), token_file=str(file))
    client = pairs["client"]
    files = ["--ca", str(pairs["ours"].cert), "--cert", str(client.cert), "--key", str(client.key)]
    with_token = [*files, "--token-file", str(file)]
    result = CliRunner().invoke(query, ["--target", server.address, *with_token, "-p", "a", "--timeout", "60"])
    assert (result.exit_code, "No version of model pnfrec is loaded yet" in result.output) == (1, True)
    result = CliRunner().invoke(query, ["--target", server.address, *files, "-p", "a", "--timeout", "60"])
    assert (result.exit_code, "asks for a token" in result.output) == (1, True)
    # A probe needs no token.
    result = CliRunner().invoke(health, ["--target", server.address, *files, "--timeout", "60"])
    assert (result.exit_code, result.output) == (1, "NOT_SERVING\n")
    result = CliRunner().invoke(health, ["--target", server.address, *files[:4]])
    assert (result.exit_code, "--key is missing" in result.output) == (2, True)


def test_the_twin_for_asyncio_is_let_in_and_told_apart_in_the_same_way(
    start: Callable[..., RecommenderServer], pairs: dict[str, Pair], tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    server = start(tls=tls_of(pairs["server"]), token_file=str(file))

    async def ask(**options: Any) -> type[BaseException]:
        async with AsyncRecommenderClient(server.address, timeout=60, retries=ONCE, **options) as client:
            with pytest.raises(errors.ServingError) as caught:
                await client.recommend(["a"])
            return caught.type

    async def all_three() -> list[type[BaseException]]:
        ours, theirs = TlsFiles(ca=pairs["ours"].cert), TlsFiles(ca=pairs["theirs"].cert)
        return [
            await ask(credentials=ours, token=TOKEN),
            await ask(credentials=ours),
            await ask(credentials=theirs, token=TOKEN),
        ]

    assert asyncio.run(all_three()) == [errors.NoVersionError, errors.UnauthenticatedError, errors.CertificateError]


def test_refused_certificates_are_looked_at_again_when_they_change(pairs: dict[str, Pair], tmp_path: Path) -> None:
    own = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(pairs["server"].cert, own.cert)
    shutil.copy(pairs["server"].key, own.key)
    certificates = Certificates(tls_of(own))
    assert not certificates.refresh(), "nothing has changed"
    own.key.write_bytes(pairs["other"].key.read_bytes())
    assert not certificates.refresh(), "the key is another certificate's"
    os.replace(shutil.copy(pairs["other"].cert, tmp_path / "new"), own.cert)
    wait_until(certificates.refresh, seconds=60)
