"""Our client against our server, and against answers that a wrong server would give."""

import socket
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving import contract, errors, tensors, wire
from serving.client import Recommendations, RecommenderClient, Signature, TensorSpec, VersionStatus
from serving.server import RecommenderServer


def test_recommend_answers_as_the_table_says(client: RecommenderClient) -> None:
    assert client.recommend(["a"], k=3) == Recommendations([("b", 3.0), ("c", 1.0), ("d", 0.0)], False, 1, 1)


def test_history_and_exclusions_never_come_back_and_the_list_may_be_short(client: RecommenderClient) -> None:
    # From a and b: c = 1 + 2, d = 0 + 1, e = 0. "?" is unknown and ignored.
    assert client.recommend(["a", "?", "b"]) == Recommendations([("c", 3.0), ("d", 1.0), ("e", 0.0)], False, 2, 1)
    assert client.recommend(["a", "b"], exclude=["c", "zzz"]).items == [("d", 1.0), ("e", 0.0)]
    assert client.recommend(["a", "b"], exclude=["c", "d", "e"]).items == []


def test_an_unknown_or_empty_history_falls_back_to_popularity(client: RecommenderClient) -> None:
    popular = Recommendations([("a", 5.0), ("b", 4.0)], True, 0, 1)
    assert client.recommend([], k=2) == popular
    assert client.recommend(["?"], k=2) == popular


def test_a_batch_answers_row_by_row_with_a_k_each(client: RecommenderClient) -> None:
    answers = client.recommend_batch([["e"], [], ["a", "b"]], [[], ["a", "b"], ["c"]], [1, 2, 9])
    assert [answer.items for answer in answers] == [
        [("d", 5.0)],
        [("c", 3.0), ("d", 2.0)],
        [("d", 1.0), ("e", 0.0)],
    ]
    assert [answer.fallback for answer in answers] == [False, True, False]
    assert [answer.items for answer in client.recommend_batch([["a"], ["e"]], k=1)] == [[("b", 3.0)], [("d", 5.0)]]
    assert client.recommend_batch([]) == []


def test_dislikes_and_their_weight_go_to_the_other_signature(client: RecommenderClient) -> None:
    assert client.recommend(["a"], negative=["b"], k=2).items == [("c", 1001.0), ("d", 1000.0)]
    assert client.recommend(["a"], negative=["b"], gamma=0.5, k=1).items == [("c", 1.5)]
    assert client.recommend(["a"], gamma=0.0, k=1).items == [("b", 3.0)]
    rows = client.recommend_batch([["a"], ["e"]], [["b"], []], 1, negatives=[["c"], ["d"]], gamma=2.0)
    assert [row.items for row in rows] == [[("d", 2.0)], [("a", 2.0)]]
    with pytest.raises(ValueError, match=r"1 rows of `positive`, 1 of `exclude`, 2 of `negative`"):
        client.recommend_batch([["a"]], negatives=[[], []])


def test_metadata_names_inputs_and_outputs(client: RecommenderClient) -> None:
    metadata = client.metadata()
    assert metadata.version == 1
    assert metadata.signatures["serving_default"] == Signature(
        inputs={
            "exclude_item_ids": TensorSpec("string", (-1, -1)),
            "k": TensorSpec("int32", (-1,)),
            "positive_item_ids": TensorSpec("string", (-1, -1)),
        },
        outputs={
            "count": TensorSpec("int32", (-1,)),
            "fallback": TensorSpec("bool", (-1,)),
            "item_ids": TensorSpec("string", (-1, -1)),
            "known_items": TensorSpec("int32", (-1,)),
            "scores": TensorSpec("float", (-1, -1)),
        },
    )


def test_status_lists_versions(client: RecommenderClient) -> None:
    assert client.status() == [VersionStatus(1, "AVAILABLE", "OK", "")]


def test_a_missing_server_is_named_with_the_remedy() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and not listening
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            RecommenderClient(target, timeout=60) as client,
            pytest.raises(errors.ServerUnreachableError, match=rf"No server answers at {target}\. .*`pnfrec serve"),
        ):
            client.recommend(["a"])


def test_a_server_that_never_answers_runs_into_the_time_limit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with (
            RecommenderClient(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.3) as client,
            pytest.raises(errors.DeadlineError, match=r"gave no answer within 0\.3 s"),
        ):
            client.recommend(["a"])
        assert time.monotonic() - began < 30


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: RecommenderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    with RecommenderClient(server.address, timeout=60) as client:
        assert client.recommend(["a"], k=1).items == [("b", 3.0)]
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.FutureTimeoutError):
        grpc.channel_ready_future(channel).result(timeout=0.5)


def test_another_model_or_version_is_not_found(server: RecommenderServer) -> None:
    with (
        RecommenderClient(server.address, model_name="films", timeout=60) as client,
        pytest.raises(errors.ModelNotFoundError, match=r"Asked for: 'films'.*Latest\(films\)"),
    ):
        client.recommend(["a"])
    with (
        RecommenderClient(server.address, version=4, timeout=60) as client,
        pytest.raises(errors.ModelNotFoundError, match=r"Specific\(pnfrec, 4\)"),
    ):
        client.recommend(["a"])
    with RecommenderClient(server.address, version=1, timeout=60) as client:
        assert client.recommend(["a"], k=1).version == 1


def test_no_version_yet_differs_from_no_server(tmp_path: Path) -> None:
    server = RecommenderServer(tmp_path, port=0, poll_seconds=60)
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60) as client:
            with pytest.raises(errors.NoVersionError, match="No version of model pnfrec is loaded yet"):
                client.recommend(["a"])
            with pytest.raises(errors.NoVersionError, match="has arrived yet"):
                client.status()
    finally:
        server.stop(grace_seconds=0)


def test_a_refused_request_keeps_the_servers_words(client: RecommenderClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_k(*arguments: Any) -> Any:
        request = original(*arguments)
        del request.inputs["k"]
        return request

    original = contract.build_request
    monkeypatch.setattr(contract, "build_request", without_k)
    with pytest.raises(errors.InvalidRequestError, match=r"refused the request: .*Missing but required: \{k\}\.$"):
        client.recommend(["a"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("inception",), TypeError, "`positive` must be a sequence of item ids"),
        (([1, 2],), TypeError, r"`positive` must be a sequence of item ids, which are strings. Received: \[1, 2\]"),
        ((["a"], "b"), TypeError, "`exclude` must be a sequence of item ids"),
        ((["a"], [], True), ValueError, "`k` must be a whole number of 32 bits. Received: True"),
        ((["a"], [], 2**31), ValueError, "Received: 2147483648"),
    ],
)
def test_wrong_arguments_are_refused_before_a_call(
    client: RecommenderClient, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        client.recommend(*arguments)


@pytest.mark.parametrize("gamma", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_would_raise_dislikes_is_refused(client: RecommenderClient, gamma: float) -> None:
    with pytest.raises(ValueError, match=f"`gamma` lowers what is disliked: .* Received: {gamma}"):
        client.recommend(["a"], negative=["b"], gamma=gamma)


def test_numbers_of_numpy_and_no_exclusions(client: RecommenderClient) -> None:
    expected = client.recommend(["a"], [], 2)
    assert client.recommend(["a"], None, np.int64(2)) == expected  # type: ignore[arg-type]
    assert client.recommend_batch([["a"]], None, np.array([2])) == [expected]  # type: ignore[arg-type]


def test_rows_of_a_batch_must_agree(client: RecommenderClient) -> None:
    with pytest.raises(ValueError, match="2 rows of `positive`, 1 of `exclude`, 3 of `k`"):
        client.recommend_batch([["a"], ["b"]], [["c"]], [1, 2, 3])


def response(**changes: Any) -> Any:
    outputs = {
        "item_ids": tensors.to_proto([["a"]], tensors.DT_STRING),
        "scores": tensors.to_proto([[1.0]], tensors.DT_FLOAT),
        "count": tensors.to_proto([1], tensors.DT_INT32),
        "fallback": tensors.to_proto([False], tensors.DT_BOOL),
        "known_items": tensors.to_proto([1], tensors.DT_INT32),
        **changes,
    }
    message = wire.PredictResponse(model_spec=wire.model_spec("pnfrec", 5))
    for name, proto in outputs.items():
        if proto is not None:
            message.outputs[name].CopyFrom(proto)
    return message


def test_an_answer_off_the_contract_says_what_is_wrong() -> None:
    assert contract.read_response(response(), 1) == [Recommendations([("a", 1.0)], False, 1, 5)]
    with pytest.raises(
        errors.UnexpectedAnswerError, match="lacks the output `fallback` and has count, item_ids, known_"
    ):
        contract.read_response(response(fallback=None), 1)
    with pytest.raises(errors.UnexpectedAnswerError, match=r"`item_ids` needs 2 rows and has the shape \[1, 1\]"):
        contract.read_response(response(), 2)
    with pytest.raises(errors.UnexpectedAnswerError, match=r"`count` needs 1 rows and has the shape \[\]"):
        contract.read_response(response(count=tensors.to_proto(1, tensors.DT_INT32)), 1)


def test_a_restarted_server_is_found_again(base: Path) -> None:
    first = RecommenderServer(base, port=0, poll_seconds=60)
    first.start()
    with RecommenderClient(first.address, timeout=60) as client:
        assert client.recommend(["a"], k=1).items == [("b", 3.0)]
        first.stop(grace_seconds=0)
        with pytest.raises(errors.ServerUnreachableError):
            client.recommend(["a"])
        second = RecommenderServer(base, port=first.port, poll_seconds=60)
        second.start()
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    answer = client.recommend(["a"], k=1)
                    break
                except errors.ServerUnreachableError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            assert answer.items == [("b", 3.0)]
        finally:
            second.stop(grace_seconds=0)
