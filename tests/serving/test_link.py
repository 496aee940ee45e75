"""A client whose certificates are replaced while it lives. No model is loaded for it.

Whoever gets in is told that no version has arrived yet.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import errors, link
from serving.aio import AsyncRecommenderClient
from serving.client import RecommenderClient, Retries, TlsFiles
from serving.connection import Connection
from serving.server import RecommenderServer
from serving.settings import ServerSettings, TlsSettings
from tests.serving.certificates import Pair, make

ONCE = Retries(most=0)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """A signer, certificates by it of a server and of a client, and one of a client that has expired."""
    folder = tmp_path_factory.mktemp("certificates")
    ours = make(folder, "ours")
    return {
        "ours": ours,
        "server": make(folder, "server", ours),
        "client": make(folder, "client", ours, ("shop",)),
        "expired": make(folder, "expired", ours, ("shop",), (-48, -24)),
    }


@pytest.fixture
def server(pairs: dict[str, Pair], tmp_path: Path) -> Iterator[RecommenderServer]:
    """One that asks for a client's certificate."""
    cert, key = pairs["server"]
    tls = TlsSettings(str(cert), str(key), str(pairs["ours"].cert))
    server = RecommenderServer.of(ServerSettings(base=str(tmp_path / "base"), port=0, poll_seconds=60, tls=tls))
    server.start()
    yield server
    server.stop(grace_seconds=0)


@pytest.fixture
def own(pairs: dict[str, Pair], tmp_path: Path) -> Pair:
    """The files of a client, whose certificate has expired."""
    return replace(Pair(tmp_path / "own.pem", tmp_path / "own.key"), pairs["expired"])


def replace(own: Pair, other: Pair) -> Pair:
    shutil.copy(other.cert, own.cert)
    shutil.copy(other.key, own.key)
    return own


def test_new_files_count_from_the_next_attempt_on(
    server: RecommenderServer, pairs: dict[str, Pair], own: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "serving.link")
    files = TlsFiles(pairs["ours"].cert, *own)
    with RecommenderClient(server.address, timeout=60, credentials=files, retries=ONCE) as client:
        with pytest.raises(errors.ServerUnreachableError):
            client.recommend(["a"])
        replace(own, pairs["client"])
        with pytest.raises(errors.ServerUnreachableError):  # the handshake by which it is seen
            client.recommend(["a"])
        for _ in range(2):
            with pytest.raises(errors.NoVersionError):
                client.recommend(["a"])
    assert [record.getMessage() for record in caplog.records] == [
        f"The certificates for {server.address} have changed, and are read anew."
    ]
    replace(own, pairs["expired"])
    with RecommenderClient(server.address, timeout=60, credentials=TlsFiles(pairs["ours"].cert, *own)) as client:
        replace(own, pairs["client"])
        with pytest.raises(errors.NoVersionError):
            client.recommend(["a"])  # by its second attempt


def test_the_twin_for_asyncio_reads_them_too(server: RecommenderServer, pairs: dict[str, Pair], own: Pair) -> None:
    async def ask() -> None:
        files = TlsFiles(pairs["ours"].cert, *own)
        async with AsyncRecommenderClient(server.address, timeout=60, credentials=files) as client:
            replace(own, pairs["client"])
            with pytest.raises(errors.NoVersionError):
                await client.recommend(["a"])

    asyncio.run(ask())


def test_a_call_that_waits_for_the_server_reads_them_after_its_deadline(
    server: RecommenderServer, pairs: dict[str, Pair], own: Pair
) -> None:
    files = TlsFiles(pairs["ours"].cert, *own)
    with RecommenderClient(server.address, timeout=1, credentials=files, wait_for_ready=True) as client:
        replace(own, pairs["client"])
        with pytest.raises(errors.DeadlineError):
            client.recommend(["a"])
        with pytest.raises(errors.NoVersionError):
            client.recommend(["a"], timeout=60)


def test_files_in_the_midst_of_being_replaced_are_looked_at_again(
    server: RecommenderServer, pairs: dict[str, Pair], own: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    replace(own, pairs["client"])
    opened = link.Link(Connection(server.address, TlsFiles(pairs["ours"].cert, *own)))
    before = opened.method(link.STATUS)
    own.cert.write_text("")
    opened.renew("UNAVAILABLE")
    assert "stay as they were: " in caplog.text
    assert opened.method(link.STATUS) is before
    replace(own, pairs["expired"])
    for code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"):  # of a server that has been reached
        opened.renew(code)
        assert opened.method(link.STATUS) is before
    opened.renew("UNAVAILABLE")
    assert opened.method(link.STATUS) is not before
    opened.close()
    closed = opened.method(link.STATUS)
    replace(own, pairs["client"])
    opened.renew("UNAVAILABLE")
    assert opened.method(link.STATUS) is closed, "nobody closes it any more"


def test_a_connection_without_files_stays() -> None:
    plain = link.Link(Connection("127.0.0.1:1"))
    before = plain.method(link.STATUS)
    plain.renew("UNAVAILABLE")
    assert plain.method(link.STATUS) is before
    plain.close()
