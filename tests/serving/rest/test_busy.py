"""What a busy server answers over HTTP."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import tensors, wire
from serving.client import RecommenderClient
from serving.limits import Limits
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Answer, Web
from tests.serving.test_limits import Slow
from tests.serving.test_metrics import value
from tests.serving.test_versions import put

BODY = {"inputs": {"positive_item_ids": [["a"]]}}


class Named(Slow):
    """With a signature, which HTTP reads for the types of its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures = wire.SignatureDefMap()
        self.signatures.signature_def["serving_default"].inputs["positive_item_ids"].dtype = tensors.DT_STRING

    def predict(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        super().predict(*arguments, **named)
        return {"count": tensors.to_proto([0], tensors.DT_INT32)}


@pytest.fixture
def slow() -> Named:
    return Named()


@pytest.fixture
def start(slow: Named, tmp_path: Path) -> Iterator[Callable[..., Web]]:
    running: list[RecommenderServer] = []

    def begin(**rest: Any) -> Web:
        put(tmp_path, "1")
        settings = ServerSettings(
            str(tmp_path), port=0, limits=Limits(max_concurrent=1), rest=RestSettings(port=0, **rest)
        )
        running.append(RecommenderServer.of(settings, load=lambda *_: slow))
        running[0].start()
        return Web(running[0])

    yield begin
    slow.may_end.set()
    for server in running:
        server.stop(grace_seconds=0)


def in_thread(web: Web) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(web.predict(BODY)))
    thread.start()
    return thread, answers


def test_a_busy_server_refuses_at_once_and_answers_probes(start: Callable[..., Web], slow: Named) -> None:
    web = start()
    thread, answers = in_thread(web)
    assert slow.begun.acquire(timeout=60)
    refused = web.predict(BODY)
    assert (refused.status, refused.error) == (
        429,
        "1 calls run or wait, which is all that this server takes (`--max-concurrent`). Ask again a little later.",
    )
    # As of a call over gRPC.
    assert value(web.server, "pnfrec_refused_total", reason="too_many_calls") == 1
    assert [web.get(path).status for path in ("/readyz", "/metrics", "/v1/models/pnfrec")] == [200] * 3
    slow.may_end.set()
    thread.join()
    assert [(each.status, each.json) for each in answers] == [(200, {"outputs": [0]})]
    assert web.predict(BODY).status == 200


def test_calls_of_grpc_and_http_are_counted_together(start: Callable[..., Web], slow: Named) -> None:
    web = start()
    with RecommenderClient(web.server.address, timeout=60) as client:
        request = wire.PredictRequest(model_spec=wire.model_spec("pnfrec"))
        ask = threading.Thread(target=client.call, args=(wire.PREDICT, request, wire.PredictResponse))
        ask.start()
        assert slow.begun.acquire(timeout=60)
        assert web.predict(BODY).status == 429
        slow.may_end.set()
        ask.join()


def test_a_call_that_takes_too_long_is_given_up(start: Callable[..., Web], slow: Named) -> None:
    web = start(timeout_seconds=0.1)
    answer = web.predict(BODY)
    assert (answer.status, answer.error) == (504, "No answer within 0.1 s (`rest.timeout_seconds`).")
    # It still runs, and takes the place of another until it ends.
    assert web.predict(BODY).status == 429
    slow.may_end.set()
