"""What anybody on the network can send: messages that are none, texts that are none, calls by the thousand."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import errors, observe, wire
from serving.quiet import Quiet
from serving.server import RecommenderServer
from tests.serving.test_versions import StandIn, put


class Counter(observe.NoObserver):
    def __init__(self) -> None:
        self.refused: list[str] = []

    def on_refused(self, reason: str) -> None:
        self.refused.append(reason)


class Says(StandIn):
    """A model whose error quotes half of a character."""

    def predict(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise errors.RequestFault(errors.INVALID_ARGUMENT, "no item \ud83d here")


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def channel(tmp_path: Path, counter: Counter) -> Iterator[grpc.Channel]:
    put(tmp_path, "1")
    server = RecommenderServer(tmp_path, port=0, load=Says, observer=counter)
    server.start()
    with grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)]) as connected:
        yield connected
    server.stop(grace_seconds=0)


def refusal(channel: grpc.Channel, method: str, content: bytes) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(method)(content, timeout=60)
    return caught.value.code().name, caught.value.details()


def test_what_is_no_message_is_refused_and_logged_once_in_a_short_line(
    channel: grpc.Channel, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    for method, name in [(wire.PREDICT, "PredictRequest"), (wire.GET_MODEL_STATUS, "GetModelStatusRequest")] * 3:
        code, said = refusal(channel, method, b"\xff\xff\xff")
        assert (code, said.startswith(f"The message is no {name}: ")) == ("INVALID_ARGUMENT", True)
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().startswith("A message of 3 bytes is no PredictRequest: ") for record in warned] == [
        True
    ]
    assert [record.exc_info for record in warned] == [None]
    assert counter.refused == [observe.MALFORMED] * 6


def test_half_a_character_in_an_error_is_sent_as_a_question_mark(channel: grpc.Channel) -> None:
    request = wire.PredictRequest(model_spec=wire.model_spec("pnfrec"))
    assert refusal(channel, wire.PREDICT, request.SerializeToString()) == ("INVALID_ARGUMENT", "no item ? here")


def test_a_warning_is_logged_once_in_a_while_with_the_count_of_those_between(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    quiet = Quiet(logging.getLogger("test"), 60.0, lambda: now[0])
    for seconds in (0.0, 1.0, 59.9, 60.0, 60.1, 130.0):
        now[0] = seconds
        quiet.warning("At %g.", seconds)
    assert [record.getMessage() for record in caplog.records] == [
        "At 0.",
        "At 60. (2 more like it since the last such line.)",
        "At 130. (1 more like it since the last such line.)",
    ]
