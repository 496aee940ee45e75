"""When a call is made again, and how long that may take."""

import asyncio
import itertools
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest

from serving import errors, wire
from serving.aio import AsyncRecommenderClient
from serving.client import RecommenderClient, Retries
from serving.retries import Attempts


class Scripted:
    """A server of GetModelStatus that answers each call with the next code, and keeps what it was sent."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.asked = 0
        self.metadata: list[tuple[str, Any]] = []
        self.remaining: list[float] = []

    def answer(self, request: Any, context: Any) -> Any:
        self.asked += 1
        self.metadata = list(context.invocation_metadata())
        self.remaining.append(context.time_remaining())
        if self.codes and (code := self.codes.pop(0)) != "OK":
            context.abort(grpc.StatusCode[code], "as told")
        response = wire.GetModelStatusResponse()
        response.model_version_status.add(version=7, state=wire.STATE_NUMBERS["AVAILABLE"])
        self.label = request.model_spec.version_label
        return response


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def target(scripted: Scripted) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(
        scripted.answer, wire.GetModelStatusRequest.FromString, wire.GetModelStatusResponse.SerializeToString
    )
    handler = grpc.method_handlers_generic_handler(wire.MODEL_SERVICE, {"GetModelStatus": method})
    server.add_generic_rpc_handlers([handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


SOON = Retries(most=2, first_seconds=0.0, most_seconds=0.0)


def status(target: str, twin: bool, **options: Any) -> list[int]:
    """The versions that a client is told of, or its twin for asyncio."""
    if not twin:
        with RecommenderClient(target, **options) as client:
            return [each.version for each in client.status()]

    async def ask() -> list[int]:
        async with AsyncRecommenderClient(target, **options) as client:
            return [each.version for each in await client.status()]

    return asyncio.run(ask())


@pytest.mark.parametrize("twin", [False, True])
def test_a_call_is_made_again_after_unavailable(target: str, scripted: Scripted, twin: bool) -> None:
    scripted.codes = ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert status(target, twin, timeout=60, retries=SOON) == [7]
    assert scripted.asked == 3


@pytest.mark.parametrize("twin", [False, True])
def test_no_more_often_than_the_setting_says(target: str, scripted: Scripted, twin: bool) -> None:
    scripted.codes = ["UNAVAILABLE"] * 4
    with pytest.raises(errors.ServerUnreachableError):
        status(target, twin, timeout=60, retries=SOON)
    assert scripted.asked == 3
    with pytest.raises(errors.ServerUnreachableError):
        status(target, twin, timeout=60, retries=Retries(most=0))
    assert scripted.asked == 4


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("RESOURCE_EXHAUSTED", errors.ServerBusyError),
        ("DEADLINE_EXCEEDED", errors.DeadlineError),
        ("INVALID_ARGUMENT", errors.InvalidRequestError),
        ("NOT_FOUND", errors.ModelNotFoundError),
        ("UNAUTHENTICATED", errors.UnauthenticatedError),
        ("PERMISSION_DENIED", errors.NotPermittedError),
        ("CANCELLED", errors.InterruptedCallError),
        ("UNIMPLEMENTED", errors.UnimplementedError),
        ("INTERNAL", errors.ServingError),
    ],
)
def test_an_answer_is_not_asked_for_again(
    target: str, scripted: Scripted, twin: bool, code: str, error: type[errors.ServingError]
) -> None:
    scripted.codes = [code, "OK"]
    with pytest.raises(errors.ServingError, match=r"as told|no answer within") as caught:
        status(target, twin, timeout=60, retries=SOON)
    assert (caught.type, scripted.asked) == (error, 1)


@pytest.mark.parametrize("twin", [False, True])
def test_token_metadata_and_label_go_with_each_call(target: str, scripted: Scripted, twin: bool) -> None:
    scripted.codes = ["UNAVAILABLE"]
    options: dict[str, Any] = {"token": "abc", "metadata": [("x-request-id", "42")], "label": "stable"}
    assert status(target, twin, timeout=60, retries=SOON, **options) == [7]
    assert {("authorization", "Bearer abc"), ("x-request-id", "42")} <= set(scripted.metadata)
    assert scripted.label == "stable"


def test_a_timeout_of_the_call_counts_over_that_of_the_client(target: str, scripted: Scripted) -> None:
    with RecommenderClient(target, timeout=1000.0) as client:
        client.status()
        client.status(timeout=100.0)
        assert 900 < scripted.remaining[0] < 1010
        assert scripted.remaining[1] < 110, "gRPC rounds up to whole seconds"
        with pytest.raises(ValueError, match=r"`timeout` must be a finite number of seconds above 0\. Received: 0"):
            client.status(timeout=0)
    with pytest.raises(ValueError, match=r"seconds above 0\. Received: -1"):
        RecommenderClient(target, timeout=-1.0)


def clock_of(*times: float) -> Any:
    return itertools.chain(times, itertools.repeat(times[-1])).__next__


def test_waits_grow_up_to_the_longest_and_are_spread() -> None:
    retries = Retries(most=5, first_seconds=0.1, most_seconds=0.4)
    waits: list[list[float]] = [[] for _ in range(5)]
    for _ in range(200):
        attempts = retries.begin(1000.0)
        for found in waits:
            wait = attempts.wait_after("UNAVAILABLE")
            assert wait is not None
            found.append(wait)
        assert attempts.wait_after("UNAVAILABLE") is None
    for found, longest in zip(waits, (0.1, 0.2, 0.4, 0.4, 0.4), strict=True):
        assert 0 <= min(found) < longest / 4
        assert longest * 3 / 4 < max(found) <= longest


def test_all_attempts_share_one_deadline() -> None:
    attempts = Attempts(
        Retries(most=9, first_seconds=0.0, most_seconds=0.0), 10.0, clock_of(100.0, 104.0, 104.0, 111.0)
    )
    assert attempts.remaining() == 6.0
    assert attempts.wait_after("UNAVAILABLE") == 0.0
    # The deadline of 110 is past.
    assert attempts.wait_after("UNAVAILABLE") is None
    assert attempts.remaining() == 0.001


@pytest.mark.parametrize("wrong", [{"most": -1}, {"first_seconds": -0.1}, {"first_seconds": 3.0, "most_seconds": 2.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Retries need `most` of 0 or more"):
        Retries(**wrong)


@pytest.mark.parametrize("twin", [False, True])
def test_it_waits_for_a_server_where_it_is_told_to(twin: bool) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    server.stop(None).wait()
    target, options = f"127.0.0.1:{port}", {"retries": Retries(most=0)}
    with pytest.raises(errors.ServerUnreachableError):
        status(target, twin, timeout=60, **options)  # type: ignore[arg-type]
    with pytest.raises(errors.DeadlineError):
        status(target, twin, timeout=0.5, wait_for_ready=True, **options)  # type: ignore[arg-type]
