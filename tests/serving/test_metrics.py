"""What is counted of calls, of batches and of the version, by gRPC and by HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import errors, observe, tensors, wire
from serving.client import RecommenderClient, Retries
from serving.limits import Limits
from serving.metrics import Metrics
from serving.records import CallRecord
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web
from tests.serving.test_client_errors import in_thread
from tests.serving.test_limits import Slow
from tests.serving.test_versions import put


@pytest.fixture
def counted(base: Path) -> Iterator[RecommenderServer]:
    """A server of version 1 whose numbers begin at 0."""
    running = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    running.start()
    yield running
    running.stop(grace_seconds=0)


def value(server: RecommenderServer, name: str, **labels: str) -> float:
    return server.faces.metrics.registry.get_sample_value(name, labels) or 0.0


def calls(server: RecommenderServer) -> dict[tuple[str, ...], float]:
    """Calls by face, method, signature and code."""
    return {
        tuple(sample.labels[name] for name in ("face", "method", "signature", "code")): sample.value
        for metric in server.faces.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "pnfrec_calls_total"
    }


def test_calls_are_counted_by_face_method_signature_and_code(counted: RecommenderServer) -> None:
    web = Web(counted)
    with RecommenderClient(counted.address, timeout=60) as client:
        client.recommend(["a"])
        client.recommend(["a"])
        client.recommend(["a"], negative=["b"])
        client.status()
        client.metadata()
        with pytest.raises(errors.InvalidRequestError):
            client.call(wire.PREDICT, wire.PredictRequest(), wire.PredictResponse)
    with grpc.insecure_channel(counted.address) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(wire.PREDICT)(b"\xff", timeout=60)
    web.predict({"inputs": {"positive_item_ids": [["a"]], "exclude_item_ids": [[]], "k": [3]}})
    web.predict({"signature_name": "films", "inputs": {}})
    web.predict(b"{")
    web.get("/v1/models/films")
    assert calls(counted) == {
        ("grpc", "Predict", "serving_default", "OK"): 2,
        ("grpc", "Predict", "with_negatives", "OK"): 1,
        ("grpc", "GetModelStatus", "", "OK"): 1,
        ("grpc", "GetModelMetadata", "", "OK"): 1,
        # One without a model's name, and one that is no message.
        ("grpc", "Predict", "serving_default", "INVALID_ARGUMENT"): 2,
        ("rest", "Predict", "serving_default", "OK"): 1,
        # A name from outside makes no series of its own.
        ("rest", "Predict", "other", "FAILED_PRECONDITION"): 1,
        ("rest", "Predict", "serving_default", "INVALID_ARGUMENT"): 1,
        ("rest", "GetModelStatus", "", "NOT_FOUND"): 1,
    }
    assert value(counted, "pnfrec_call_seconds_count", face="grpc", method="Predict") == 5
    assert value(counted, "pnfrec_call_seconds_bucket", face="grpc", method="Predict", le="+Inf") == 5
    assert value(counted, "pnfrec_refused_total", reason="malformed") == 1


def test_rows_are_counted_by_how_they_were_answered(counted: RecommenderServer) -> None:
    with RecommenderClient(counted.address, timeout=60) as client:
        # Known, two unknown ids, none at all; all is excluded from the last.
        client.recommend_batch([["a", "?"], ["?"], [], ["a"]], [[], [], [], ["b", "c", "d", "e"]], 3)
        # Ids of both histories count.
        client.recommend(["a", "?"], negative=["?", "b"])
    assert value(counted, "pnfrec_rows_total") == 5
    assert value(counted, "pnfrec_rows_fallback_total") == 2
    assert value(counted, "pnfrec_rows_empty_total") == 1
    # The tiny model's `known_items` does not count dislikes, of which one is known.
    assert value(counted, "pnfrec_unknown_ids_total") == 2 + 3


def test_allowed_ids_that_are_unknown_are_counted() -> None:
    request, response = wire.PredictRequest(), wire.PredictResponse()
    request.model_spec.signature_name = "recommend"
    outputs = {"count": [1, 1], "known_items": [0, 0], "unknown_allowed": [2, 3]}
    for name, values in outputs.items():
        response.outputs[name].CopyFrom(tensors.to_proto(values, tensors.DT_INT32))
    response.outputs["fallback"].CopyFrom(tensors.to_proto([True, True], tensors.DT_BOOL))
    response.outputs["item_ids"].CopyFrom(tensors.to_proto([["a"], ["b"]], tensors.DT_STRING))
    metrics = Metrics(lambda: {"m": 1})
    metrics.on_call(CallRecord("grpc", "one", "Predict", "OK", 0.1, request, response))
    assert metrics.registry.get_sample_value("pnfrec_unknown_allowed_ids_total") == 5
    assert metrics.registry.get_sample_value("pnfrec_rows_fallback_total") == 2


def test_batches_are_counted(counted: RecommenderServer) -> None:
    with RecommenderClient(counted.address, timeout=60) as client:
        client.recommend_batch([["a"], ["b"], ["c"]])
        client.recommend(["a"])
    assert value(counted, "pnfrec_batch_rows_sum") == 4
    assert value(counted, "pnfrec_batch_rows_count") == value(counted, "pnfrec_batch_seconds_count")
    assert value(counted, "pnfrec_batch_calls_sum") == 2
    assert value(counted, "pnfrec_queue_rows") == 0


def test_the_version_and_its_age_are_told_at_the_time_of_a_scrape() -> None:
    version: int | None = None
    metrics = Metrics(lambda: {"m": version}, clock=lambda: 1_000_060.0)

    def told() -> dict[str, float]:
        samples = [sample for metric in metrics.registry.collect() for sample in metric.samples]
        names = ("pnfrec_ready", "pnfrec_model_version", "pnfrec_model_age_seconds")
        return {sample.name: sample.value for sample in samples if sample.name in names}

    assert told() == {"pnfrec_ready": 0.0}
    version = 1_000_000
    assert told() == {"pnfrec_ready": 1.0, "pnfrec_model_version": 1_000_000.0, "pnfrec_model_age_seconds": 60.0}


def test_each_reason_for_a_refusal_has_its_number_from_the_start() -> None:
    metrics = Metrics(lambda: {"m": None})
    content, kind = metrics.exposition()
    assert kind.startswith("text/plain")
    for reason in observe.REASONS:
        assert f'pnfrec_refused_total{{reason="{reason}"}} 0.0'.encode() in content
    metrics.on_refused(observe.QUEUE_FULL)
    metrics.queue_depth(7)
    content, _ = metrics.exposition()
    assert b'pnfrec_refused_total{reason="queue_full"} 1.0' in content
    assert b"pnfrec_queue_rows 7.0" in content


def test_two_servers_do_not_mix() -> None:
    one, other = Metrics(lambda: {"m": None}), Metrics(lambda: {"m": None})
    one.on_refused(observe.DEADLINE)
    assert one.registry.get_sample_value("pnfrec_refused_total", {"reason": "deadline"}) == 1
    assert other.registry.get_sample_value("pnfrec_refused_total", {"reason": "deadline"}) == 0


def test_calls_that_are_refused_at_once_are_counted_and_leave_probes_alone(tmp_path: Path) -> None:
    put(tmp_path, "1")
    slow: Any = Slow()
    server = RecommenderServer(tmp_path, port=0, load=lambda *_: slow, limits=Limits(max_concurrent=1))
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60, retries=Retries(most=0)) as client:
            waiting, _ = in_thread(client)
            assert slow.begun.acquire(timeout=60)
            with pytest.raises(errors.ServerBusyError):
                client.recommend(["a"])
            assert [each.state for each in client.status()] == ["AVAILABLE"]
            slow.may_end.set()
            waiting.join()
        assert value(server, "pnfrec_refused_total", reason="too_many_calls") == 1
        assert calls(server)["grpc", "Predict", "serving_default", "RESOURCE_EXHAUSTED"] == 1
    finally:
        slow.may_end.set()
        server.stop(grace_seconds=0)
