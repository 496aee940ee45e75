"""What a client makes of servers that are busy or stop, of a fork, and of a history without an order."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest

from serving import errors
from serving.client import RecommenderClient
from serving.limits import Limits
from serving.server import RecommenderServer
from tests.serving.test_limits import Slow
from tests.serving.test_versions import put


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def server(slow: Slow, tmp_path: Path) -> Iterator[RecommenderServer]:
    """It takes one call, and answers it when it is let."""
    put(tmp_path, "1")
    running = RecommenderServer(tmp_path, port=0, load=lambda *_: slow, limits=Limits(max_concurrent=1))
    running.start()
    yield running
    slow.may_end.set()
    running.stop(grace_seconds=0)


@pytest.fixture
def client(server: RecommenderServer) -> Iterator[RecommenderClient]:
    with RecommenderClient(server.address, timeout=60.0) as connected:
        yield connected


def in_thread(client: RecommenderClient) -> tuple[threading.Thread, list[BaseException]]:
    """A call that is waited for, and what it raises."""
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            client.recommend(["a"])
        except errors.ServingError as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, raised


def test_a_busy_server_is_told_from_a_broken_one(client: RecommenderClient, slow: Slow) -> None:
    thread, _ = in_thread(client)
    assert slow.begun.acquire(timeout=60)
    began = time.monotonic()
    with pytest.raises(errors.ServerBusyError, match=r"is busy.* Ask again a little later"):
        client.recommend(["a"])
    assert time.monotonic() - began < 30, "at once, and not at the deadline of a minute"
    slow.may_end.set()
    thread.join()


def test_a_call_that_meets_the_end_of_the_server_says_so(
    client: RecommenderClient, server: RecommenderServer, slow: Slow
) -> None:
    thread, raised = in_thread(client)
    assert slow.begun.acquire(timeout=60)
    stopping = threading.Thread(target=server.stop, kwargs={"grace_seconds": 0.1})
    stopping.start()
    thread.join()
    slow.may_end.set()
    stopping.join()
    (error,) = raised
    assert isinstance(error, (errors.InterruptedCallError, errors.ServerUnreachableError)), error


def test_a_fork_is_told_to_make_a_client_of_its_own(client: RecommenderClient, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(errors.ForkedClientError, match=f"made in process {parent}, .* Make a client after the fork"):
        client.recommend(["a"])


@pytest.mark.parametrize("history", [{"a", "b"}, frozenset("a"), {"a": 1}, {"a": 1}.keys()])
def test_a_history_without_an_order_is_refused(client: RecommenderClient, history: Any) -> None:
    with pytest.raises(TypeError, match=r"`positive` must be in order, oldest first, which a .* is not"):
        client.recommend(history)
    with pytest.raises(TypeError, match="`negative` must be in order"):
        client.recommend(["a"], negative=history)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.ServerBusyError),
        (grpc.StatusCode.CANCELLED, errors.InterruptedCallError),
        (grpc.StatusCode.INTERNAL, errors.ServingError),
    ],
)
def test_each_status_has_its_error(code: grpc.StatusCode, kind: type[errors.ServingError]) -> None:
    status = mock.Mock(code=lambda: code, details=lambda: "why")
    error = errors.translate(status, "host:1", "pnfrec", 5.0)
    assert type(error) is kind
    assert "host:1" in str(error)
    assert "why" in str(error)
