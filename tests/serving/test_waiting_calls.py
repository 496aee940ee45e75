"""Calls of gRPC that wait for the model: what they hold, and what becomes of those that nobody waits for any more."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import contract, tensors, wire
from serving.client import RecommenderClient
from serving.limits import Limits
from serving.server import RecommenderServer
from serving.settings import ServerSettings
from tests.serving.conftest import wait_until
from tests.serving.test_limits import Slow, request
from tests.serving.test_metrics import calls, value
from tests.serving.test_versions import put


class Closing(Slow):
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def slow() -> Closing:
    return Closing()


@pytest.fixture
def server(slow: Closing, tmp_path: Path) -> Iterator[RecommenderServer]:
    """It takes one call."""
    put(tmp_path, "1")
    running = RecommenderServer(
        tmp_path, port=0, poll_seconds=0.05, load=lambda *_: slow, limits=Limits(max_concurrent=1)
    )
    running.start()
    yield running
    slow.may_end.set()
    running.stop(grace_seconds=0)


@pytest.fixture
def predict(server: RecommenderServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel.unary_unary(wire.PREDICT, wire.PredictRequest.SerializeToString, wire.PredictResponse.FromString)


@pytest.mark.parametrize("code", ["CANCELLED", "DEADLINE_EXCEEDED"])
def test_who_leaves_is_written_down_and_what_runs_keeps_its_place_and_its_version(
    server: RecommenderServer, predict: Any, slow: Closing, tmp_path: Path, code: str
) -> None:
    if code == "CANCELLED":
        call = predict.future(request(1, 1), timeout=60)
        assert slow.begun.acquire(timeout=60)
        call.cancel()
    else:
        # On a busy machine the time may be over before the model has it.
        for seconds in (0.5, 2.0, 8.0, 32.0):
            predict.future(request(1, 1), timeout=seconds).exception()
            if slow.begun.acquire(timeout=seconds):
                break
        else:
            pytest.fail("no call came to the model in time")
    wait_until(lambda: ("grpc", "Predict", "serving_default", code) in calls(server), 60)
    # The model still runs it: there is no place for another, and its version stays in memory.
    with pytest.raises(grpc.RpcError) as caught:
        predict(request(1, 1), timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    shutil.rmtree(tmp_path / "1")
    wait_until(lambda: server.versions.version is None, 60)
    assert not slow.closed
    slow.may_end.set()
    wait_until(lambda: slow.closed, 60)


def test_a_call_that_is_refused_for_its_place_is_not_read(
    server: RecommenderServer, predict: Any, slow: Closing
) -> None:
    running = predict.future(request(1, 1), timeout=60)
    assert slow.begun.acquire(timeout=60)
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(wire.PREDICT)(b"\xff" * 1_000_000, timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details().startswith("1 calls run or wait, which is all that this server takes")
    assert value(server, "pnfrec_refused_total", reason="malformed") == 0
    slow.may_end.set()
    running.result()


def test_a_large_message_is_answered_as_a_small_one(tmp_path: Path) -> None:
    class Counts(Slow):
        def predict(
            self, signature_name: str, inputs: Any, output_filter: Any = (), call: Any = None
        ) -> dict[str, Any]:
            del signature_name, output_filter, call
            thread = threading.current_thread().name
            assert thread.startswith("pnfrec-calls")
            return {"count": tensors.to_proto([len(inputs["ids"].string_val)], tensors.DT_INT32)}

    put(tmp_path, "1")
    counts = Counts()
    running = RecommenderServer(tmp_path, port=0, load=lambda *_: counts)
    running.start()
    try:
        with RecommenderClient(running.address, timeout=60) as client:
            for count in (1, 9000):
                asked = wire.PredictRequest(model_spec=wire.model_spec("pnfrec"))
                asked.inputs["ids"].CopyFrom(tensors.to_proto([[b"1234567"] * count], tensors.DT_STRING))
                found = client.call(wire.PREDICT, asked, wire.PredictResponse)
                assert list(found.outputs["count"].int_val) == [count]
            with grpc.insecure_channel(running.address) as channel, pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(wire.PREDICT)(b"\xff" * 100_000, timeout=60)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert calls(running)["grpc", "Predict", "serving_default", "OK"] == 2
    finally:
        running.stop(grace_seconds=0)


def test_a_call_without_a_token_is_counted(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("0123456789abcdef")
    running = RecommenderServer.of(ServerSettings(str(tmp_path / "base"), port=0, token_file=str(tmp_path / "tokens")))
    running.start()
    try:
        with grpc.insecure_channel(running.address) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(wire.PREDICT)(b"", timeout=60)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert calls(running) == {("grpc", "Predict", "serving_default", "UNAUTHENTICATED"): 1}
    finally:
        running.stop(grace_seconds=0)


def test_calls_that_wait_for_a_model_hold_no_threads(base: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    running = RecommenderServer(base, port=0, poll_seconds=60)
    running.start()
    try:
        with running.versions.lease("pnfrec") as (_, servable):
            served: Any = servable._served["serving_default"].alone  # type: ignore[attr-defined]
        inner = served._call

        def blocked(*arguments: Any) -> Any:
            begun.set()
            assert may_end.wait(60)
            return inner(*arguments)

        served._call = blocked
        with grpc.insecure_channel(running.address) as channel:
            method = channel.unary_unary(wire.PREDICT)
            content = contract.build_request([["a"]], None, 1, wire.model_spec("pnfrec")).SerializeToString()
            asked = [method.future(content, timeout=60) for _ in range(40)]
            assert begun.wait(60)
            wait_until(lambda: running._services._running == 40, 60)
            names = [thread.name for thread in threading.enumerate()]
            assert not [name for name in names if name.startswith("pnfrec-calls")]
            may_end.set()
            answers = [wire.PredictResponse.FromString(each.result()) for each in asked]
        assert {each.outputs["item_ids"].string_val[0] for each in answers} == {b"b"}
    finally:
        may_end.set()
        running.stop(grace_seconds=0)
