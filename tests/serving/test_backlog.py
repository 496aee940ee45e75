"""Calls that pile up in gRPC, before the server sees them."""

import asyncio
import gc
import logging
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import grpc_server, loop, wire
from serving.backlog import Backlog
from serving.limits import Limits
from serving.server import RecommenderServer
from tests.serving.conftest import wait_until
from tests.serving.test_limits import Slow, request
from tests.serving.test_metrics import value
from tests.serving.test_versions import put

MOST = 4
TEXT = "4 calls run or wait, which is all that this server takes (`--max-concurrent`)."


class Own:
    """The server's own calls, which a test lets out of the queue."""

    def __init__(self, backlog: Backlog, error: Exception | None = None) -> None:
        self.sent = 0
        self._backlog = backlog
        self._error = error
        self._out = asyncio.Event()
        backlog._method = self

    async def __call__(self, message: bytes, timeout: float) -> bytes:
        del timeout
        self.sent += 1
        await self._out.wait()
        self._out.clear()
        if self._error is not None:
            raise self._error
        return message

    async def comes_out(self) -> None:
        class Details:
            method = self._backlog._path

        if self._error is None:
            assert self._backlog.service(Details()) is not None
        await self.let_out()

    async def let_out(self) -> None:
        """As it comes back to the server, which it has passed already."""
        self._out.set()
        await turns()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_as_many_calls_as_come_out_before_its_own_were_waiting() -> None:
    async def run() -> None:
        backlog = Backlog(MOST)
        own = Own(backlog)
        assert [backlog.too_long() for _ in range(MOST - 1)] == [False] * 3
        await turns()
        assert own.sent == 0
        assert not backlog.too_long()
        await turns()
        assert own.sent == 1
        # As many as may wait, and one more.
        assert [backlog.too_long() for _ in range(MOST + 1)] == [False] * 4 + [True]
        await own.comes_out()
        # It asks again at once, with no call to come before, and until it knows better it was right.
        assert own.sent == 2
        assert [backlog.too_long() for _ in range(MOST)] == [True] * 4
        await own.comes_out()
        assert own.sent == 2
        assert not backlog.too_long()

    asyncio.run(run())


def test_an_overload_that_refusing_does_not_end_is_answered_in_part() -> None:
    async def run() -> None:
        backlog = Backlog(MOST)
        Own(backlog)
        found = [backlog.too_long() for _ in range(MOST + 16 * MOST)][MOST:]
        await turns()
        # What came before the own call was known to wait, then seven parts of eight.
        assert found == [False] * 4 + [True] * 23 + [False] * 4 + [True] * 28 + [False] * 4 + [True]

    asyncio.run(run())


def test_few_calls_that_come_out_dearly_are_let_in() -> None:
    async def run() -> None:
        used = 0.0
        backlog = Backlog(MOST, lambda: used)
        own = Own(backlog)
        assert [backlog.too_long() for _ in range(2 * MOST + 1)] == [False] * 8 + [True]
        await turns()
        # 5 calls came out since: 14 ms are little for a sixth, and 18 ms are not.
        used = 0.014
        assert backlog.too_long()
        used = 0.022
        assert not backlog.too_long()
        # It is measured anew from the own call on.
        await own.comes_out()
        assert backlog.too_long()

    asyncio.run(run())


def test_without_a_measure_nothing_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        backlog = Backlog(MOST)
        assert not any(backlog.too_long() for _ in range(100))
        error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
        own = Own(backlog, error)
        assert [backlog.too_long() for _ in range(MOST + 2)] == [False] * 5 + [True]
        await turns()
        await own.comes_out()
        assert not backlog._too_long

    caplog.set_level(logging.DEBUG)
    asyncio.run(run())
    assert "The server could not call itself" in caplog.text


def test_a_server_that_stops_under_an_overload_asks_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        backlog = Backlog(MOST)
        own = Own(backlog)
        assert [backlog.too_long() for _ in range(MOST + 5)][-1]
        await turns()
        await backlog.stop()
        await own.let_out()
        assert own.sent == 1

    asyncio.run(run())
    gc.collect()
    assert "_ask" not in caplog.text, "asyncio tells of a task that failed"


class Quick(Slow):
    """Answers before it returns, so that no call holds its place."""

    class Answer:
        def answer(self, request: Any, version: int) -> Any:
            del request, version
            return wire.PredictResponse()

    def begin(self, *arguments: Any) -> Any:
        told = arguments[-1]
        told.post([told.token])
        return self.Answer()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RecommenderServer]:
    put(tmp_path, "1")
    running = RecommenderServer(
        tmp_path, port=0, poll_seconds=60, load=lambda *_: Quick(), limits=Limits(max_concurrent=MOST)
    )
    running.start()
    yield running
    running.stop(grace_seconds=0)


def backlog_of(server: RecommenderServer) -> Backlog:
    return server._server._backlog


def ask_while_the_loop_stands_still(method: Any, count: int, seconds: float = 0.3) -> list[Any]:
    """So many calls that are there before the server sees the first, as far as they go out in so many seconds."""
    stands, may_go = threading.Event(), threading.Event()

    def stand() -> None:
        stands.set()
        may_go.wait(60)

    loop.loop().call_soon_threadsafe(stand)
    assert stands.wait(60)
    asked = [method.future(request(1, 1), timeout=60) for _ in range(count)]
    # They go out in other threads.
    threading.Event().wait(seconds)
    may_go.set()
    return [(call.code(), call.details()) for call in asked if call.exception() or True]


def test_beyond_what_may_wait_calls_are_refused_at_once_though_few_run(server: RecommenderServer) -> None:
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        method = channel.unary_unary(
            wire.PREDICT, wire.PredictRequest.SerializeToString, wire.PredictResponse.FromString
        )
        method(request(1, 1), timeout=60)
        in_all = 0
        # Where the machine is busy, few of them may go out at first, and few are no overload.
        for seconds in (0.3, 1.0, 4.0, 16.0):
            found = ask_while_the_loop_stands_still(method, 300, seconds)
            refused = [said for code, said in found if code is grpc.StatusCode.RESOURCE_EXHAUSTED]
            answered = [code for code, _ in found if code is grpc.StatusCode.OK]
            assert len(refused) + len(answered) == 300
            assert {said.split(" Ask")[0] for said in refused} <= {TEXT}
            in_all += len(refused)
            assert value(server, "pnfrec_refused_total", reason="too_many_calls") == in_all
            if len(refused) > 100:
                break
        assert len(refused) > 100
        assert len(answered) >= 2 * MOST
        # The queue is empty, of which the server learns by itself.
        wait_until(lambda: not backlog_of(server)._too_long)
        for _ in range(20):
            method(request(1, 1), timeout=60)


def test_as_many_clients_as_it_takes_are_not_refused_though_the_server_stands_still(server: RecommenderServer) -> None:
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        method = channel.unary_unary(
            wire.PREDICT, wire.PredictRequest.SerializeToString, wire.PredictResponse.FromString
        )
        method(request(1, 1), timeout=60)
        for _ in range(6):
            found = ask_while_the_loop_stands_still(method, MOST)
            assert [code for code, _ in found] == [grpc.StatusCode.OK] * MOST


def test_nobody_else_calls_what_it_calls_itself_by(server: RecommenderServer) -> None:
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/pnfrec.Backlog/x")(b"", timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_server_that_cannot_call_itself_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    far = tmp_path / ("x" * 120)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))
    put(tmp_path, "1")
    running = RecommenderServer(tmp_path, port=0, load=lambda *_: Quick())
    running.start()
    try:
        assert "The server cannot call itself" in caplog.text
        with grpc.insecure_channel(running.address) as channel:
            for _ in range(200):
                channel.unary_unary(wire.PREDICT)(request(1, 1).SerializeToString(), timeout=60)
    finally:
        running.stop(grace_seconds=0)
    assert not list(far.iterdir())


def test_its_own_socket_is_for_nobody_else_and_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    server = grpc_server.GrpcServer([], Backlog(MOST))
    assert server.start(lambda made: int(made.add_insecure_port("127.0.0.1:0")))
    (own,) = folder.iterdir()
    assert own.stat().st_mode & 0o077 == 0
    server.stop(0).result()
    assert not list(folder.iterdir())
    folder.rmdir()
