"""What a server takes at once, and how it refuses the rest."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import errors, wire
from serving.limits import Limits
from serving.server import RecommenderServer
from tests.serving.test_versions import put


class Slow:
    """A servable that answers when it is let."""

    signatures: Any = None

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Semaphore(0), threading.Event()
        self.asked = 0

    def warm_up(self) -> None: ...

    def close(self) -> None: ...

    def predict(self, signature_name: str, inputs: Any, output_filter: Any = (), call: Any = None) -> dict[str, Any]:
        del signature_name, inputs, output_filter, call
        self.asked += 1
        self.begun.release()
        self.may_end.wait(60)
        return {}


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def predict(slow: Slow, tmp_path: Path) -> Iterator[Any]:
    """The method of a server that takes two calls, 3 rows and 5 columns."""
    put(tmp_path, "1")
    limits = Limits(max_concurrent=2, max_rows=3, max_columns=5)
    server = RecommenderServer(tmp_path, port=0, workers=2, load=lambda *_: slow, limits=limits)
    server.start()
    with grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel.unary_unary(
            wire.PREDICT,
            request_serializer=wire.PredictRequest.SerializeToString,
            response_deserializer=wire.PredictResponse.FromString,
        )
    slow.may_end.set()
    server.stop(grace_seconds=0)


def request(*shape: int) -> Any:
    """Declares a shape, and holds no value."""
    made = wire.PredictRequest()
    made.model_spec.name = "pnfrec"
    proto = made.inputs["positive_item_ids"]
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return made


def test_beyond_its_calls_a_server_refuses_at_once(predict: Any, slow: Slow) -> None:
    running = [predict.future(request(1, 1), timeout=60) for _ in range(2)]
    for _ in running:
        assert slow.begun.acquire(timeout=60)
    with pytest.raises(grpc.RpcError) as caught:
        predict(request(1, 1), timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    slow.may_end.set()
    for call in running:
        call.result()
    predict(request(1, 1), timeout=60)
    assert slow.asked == 3


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((4, 1), "Input `positive_item_ids` has 4 rows; this server takes 3 (`--max-rows`)."),
        ((2**40, 0), f"has {2**40} rows; this server takes 3 (`--max-rows`)."),
        ((1, 6), "has 6 columns; this server takes 5 (`--max-columns`)."),
    ],
)
def test_what_a_request_declares_is_looked_at_before_it_is_ranked(
    predict: Any, slow: Slow, shape: tuple[int, ...], said: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        predict(request(*shape), timeout=60)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in caught.value.details()
    assert slow.asked == 0


def test_limits_must_let_something_through() -> None:
    with pytest.raises(ValueError, match="`max_rows` must be at least 1"):
        Limits(max_rows=0)
    with pytest.raises(errors.RequestFault):
        Limits(max_rows=1).check_inputs(request(2, 1).inputs)
