"""What was shown is written down and counted, whatever of it the caller wanted; what was not sent is not."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import contract, methods, tensors, wire
from serving.server import RecommenderServer
from serving.settings import LogSettings, ServerSettings

pytestmark = pytest.mark.tensorflow
# In ids of a history: a message is small up to 16 KiB, and answered elsewhere above.
SIZES = {"small": 1, "large": 9000}


@pytest.fixture
def logged(base: Path, tmp_path: Path) -> Iterator[RecommenderServer]:
    log = LogSettings(str(tmp_path / "access.jsonl"), str(tmp_path / "exposure.jsonl"))
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, log=log))
    server.start()
    yield server
    server.stop(grace_seconds=0)


def ask(server: RecommenderServer, size: int, output_filter: list[str]) -> Any:
    request = contract.build_request([["a"] + ["?"] * size, []], None, [2, 1], wire.model_spec("pnfrec"))
    request.output_filter.extend(output_filter)
    with grpc.insecure_channel(server.address) as channel:
        content = channel.unary_unary(wire.PREDICT)(request.SerializeToString(), timeout=60)
    return wire.PredictResponse.FromString(content)


def counted(server: RecommenderServer, name: str) -> float:
    return server.faces.metrics.registry.get_sample_value(name) or 0.0


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("output", ["item_ids", "scores"])
def test_lists_are_shown_whatever_the_filter_lets_through(
    logged: RecommenderServer, tmp_path: Path, size: int, output: str
) -> None:
    assert list(ask(logged, size, [output]).outputs) == [output]
    (line,) = (tmp_path / "exposure.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["items"] == [["b", "c"], ["a"]]
    names = ("pnfrec_rows_total", "pnfrec_rows_fallback_total", "pnfrec_unknown_ids_total")
    assert [counted(logged, name) for name in names] == [2, 1, size]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_an_answer_that_grpc_would_not_send_is_an_error_with_a_remedy(
    logged: RecommenderServer, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_MESSAGE_BYTES", 100)
    with pytest.raises(grpc.RpcError) as caught:
        ask(logged, size, [])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "bytes, and a message may have 100. Ask for fewer rows" in caught.value.details()
    access = json.loads((tmp_path / "access.jsonl").read_text(encoding="utf-8"))
    assert (access["code"], access["version"]) == ("INVALID_ARGUMENT", None)
    assert not (tmp_path / "exposure.jsonl").read_text(encoding="utf-8")
    assert counted(logged, "pnfrec_rows_total") == 0


@pytest.mark.parametrize(("places", "prefix"), [(1, "pnfrec-calls"), (1000, "pnfrec-grpc")])
def test_a_large_answer_to_a_small_message_is_written_outside_of_the_loop(
    logged: RecommenderServer, monkeypatch: pytest.MonkeyPatch, places: int, prefix: str
) -> None:
    monkeypatch.setattr(methods, "_LARGE_PLACES", places)
    threads = []
    monkeypatch.setattr(logged.faces.metrics, "on_call", lambda _: threads.append(threading.current_thread().name))
    assert [list(row) for row in tensors.to_lists(ask(logged, 1, []).outputs["item_ids"])] == [
        [b"b", b"c"],
        [b"a", b""],
    ]
    assert [name.startswith(prefix) for name in threads] == [True], threads
