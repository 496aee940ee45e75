"""The server against the stock stubs of tensorflow-serving-api: what other clients of TensorFlow Serving get."""

from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving import errors
from serving.server import RecommenderServer, describe


@pytest.fixture
def prediction(channel: grpc.Channel) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture
def models(channel: grpc.Channel) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(channel)


def predict_request(positive: Any = (("a",),), exclude: Any = None, k: Any = (3,), **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.get("name", "pnfrec")
    request.model_spec.signature_name = spec.get("signature_name", "")
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    rows = len(positive)
    request.inputs["positive_item_ids"].CopyFrom(tf.make_tensor_proto(positive, dtype=tf.string))
    if exclude is None:
        request.inputs["exclude_item_ids"].CopyFrom(tf.make_tensor_proto([], dtype=tf.string, shape=[rows, 0]))
    else:
        request.inputs["exclude_item_ids"].CopyFrom(tf.make_tensor_proto(exclude, dtype=tf.string))
    request.inputs["k"].CopyFrom(tf.make_tensor_proto(k, dtype=tf.int32))
    return request


def refusal(method: Any, request: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=60)
    return caught.value.code().name, caught.value.details()


def test_predict_answers_a_stock_stub(prediction: Any) -> None:
    # Row 1: from a, b scores 3 and c 1; d and e tie at 0 and d comes first. Row 2: without a known item, by popularity.
    response = prediction.Predict(predict_request([["a", ""], ["?", ""]], [["x"], ["a"]], [3, 1]), timeout=60)
    outputs = {name: tf.make_ndarray(proto).tolist() for name, proto in response.outputs.items()}
    assert outputs == {
        "item_ids": [[b"b", b"c", b"d"], [b"b", b"", b""]],
        "scores": [[3.0, 1.0, 0.0], [4.0, 0.0, 0.0]],
        "count": [3, 1],
        "fallback": [False, True],
        "known_items": [1, 0],
    }
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("pnfrec", 1, "serving_default")
    # TensorFlow Serving fills the lists of values, not `tensor_content`; clients read them directly.
    assert list(response.outputs["scores"].float_val) == [3.0, 1.0, 0.0, 4.0, 0.0, 0.0]
    assert list(response.outputs["count"].int_val) == [3, 1]
    assert list(response.outputs["fallback"].bool_val) == [False, True]


def test_an_empty_answer_keeps_its_shape(prediction: Any) -> None:
    response = prediction.Predict(predict_request(k=[0]), timeout=60)
    assert tf.make_ndarray(response.outputs["item_ids"]).shape == (1, 0)
    assert tf.make_ndarray(response.outputs["count"]).tolist() == [0]


def test_output_filter_picks_outputs(prediction: Any) -> None:
    request = predict_request()
    request.output_filter.append("count")
    assert list(prediction.Predict(request, timeout=60).outputs) == ["count"]
    request.output_filter.append("count")
    assert refusal(prediction.Predict, request) == ("INVALID_ARGUMENT", "duplicate output tensor alias: count")
    request.output_filter[:] = ["rank"]
    assert refusal(prediction.Predict, request) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: rank Outputs expected to be in the set "
        "{count,fallback,item_ids,known_items,scores}.",
    )


def test_metadata_is_what_the_stock_parser_reads_from_the_file(prediction: Any, base: Path) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "pnfrec"
    response = prediction.GetModelMetadata(request, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    saved_model = saved_model_pb2.SavedModel.FromString((base / "1" / "saved_model.pb").read_bytes())
    (graph,) = saved_model.meta_graphs
    assert dict(signatures.signature_def) == dict(graph.signature_def)
    assert set(signatures.signature_def["serving_default"].inputs) == {"positive_item_ids", "exclude_item_ids", "k"}
    assert (response.model_spec.name, response.model_spec.version.value) == ("pnfrec", 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "GetModelMetadataRequest must specify at least one metadata_field"),
        (["signature_def", "author"], "Metadata field author is not supported"),
    ],
)
def test_metadata_refuses_other_fields(prediction: Any, fields: list[str], message: str) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "pnfrec"
    assert refusal(prediction.GetModelMetadata, request) == ("INVALID_ARGUMENT", message)


def test_status_lists_the_versions(models: Any) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "pnfrec"
    expected = get_model_status_pb2.GetModelStatusResponse()
    row = expected.model_version_status.add(version=1, state=30)
    row.status.SetInParent()
    assert models.GetModelStatus(request, timeout=60) == expected
    request.model_spec.version.value = 1
    assert models.GetModelStatus(request, timeout=60) == expected
    request.model_spec.version.value = 9
    assert refusal(models.GetModelStatus, request) == ("NOT_FOUND", "Could not find version 9 of model pnfrec")
    request.model_spec.name = "other"
    assert refusal(models.GetModelStatus, request) == ("NOT_FOUND", "Could not find any versions of model other")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "other"}, ("NOT_FOUND", "Servable not found for request: Latest(other)")),
        ({"name": "other", "version": 1}, ("NOT_FOUND", "Servable not found for request: Specific(other, 1)")),
        ({"version": 7}, ("NOT_FOUND", "Servable not found for request: Specific(pnfrec, 7)")),
        (
            {"signature_name": "nope"},
            (
                "FAILED_PRECONDITION",
                'Serving signature key "nope" not found. Known: serving_default, to_numbers, with_negatives.',
            ),
        ),
    ],
)
def test_predict_refuses_what_it_does_not_serve(prediction: Any, spec: Any, expected: tuple[str, str]) -> None:
    assert refusal(prediction.Predict, predict_request(**spec)) == expected


def test_an_explicit_version_that_is_loaded_answers(prediction: Any) -> None:
    assert prediction.Predict(predict_request(version=1), timeout=60).model_spec.version.value == 1


def test_a_request_needs_a_model_spec_and_knows_no_labels(prediction: Any, models: Any) -> None:
    assert refusal(prediction.Predict, predict_pb2.PredictRequest()) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    empty = get_model_status_pb2.GetModelStatusRequest()
    assert refusal(models.GetModelStatus, empty) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    request = predict_request()
    request.model_spec.version_label = "canary"
    message = "Unrecognized servable version label: canary"
    assert refusal(prediction.Predict, request) == ("INVALID_ARGUMENT", message)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("k", tf.make_tensor_proto([3], dtype=tf.int64), "Input `k` must be of type int32. Received: int64."),
        ("k", tf.make_tensor_proto(3, dtype=tf.int32), "Input `k` must have the shape [?]. Received: []."),
        (
            "positive_item_ids",
            tf.make_tensor_proto(["a"]),
            "Input `positive_item_ids` must have the shape [?, ?]. Received: [1].",
        ),
        (
            "k",
            tf.make_tensor_proto([3, 3], dtype=tf.int32),
            "Input `k` must have 1 rows, as `positive_item_ids` has 1. Received: 2.",
        ),
        (
            "exclude_item_ids",
            tf.make_tensor_proto([["a"], ["b"]]),
            "Input `exclude_item_ids` must have 1 rows, as `positive_item_ids` has 1. Received: 2.",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_named(prediction: Any, name: str, tensor: Any, message: str) -> None:
    request = predict_request()
    request.inputs[name].CopyFrom(tensor)
    assert refusal(prediction.Predict, request) == ("INVALID_ARGUMENT", message)


def test_a_tensor_that_contradicts_itself_is_named(prediction: Any) -> None:
    request = predict_request()
    request.inputs["k"].int_val[:] = [1, 2]
    message = "Input `k`: A tensor of shape [1] holds 1 values. Received: 2."
    assert refusal(prediction.Predict, request) == ("INVALID_ARGUMENT", message)


def test_another_signature_answers_and_its_graph_may_refuse_values(prediction: Any) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "pnfrec"
    request.model_spec.signature_name = "to_numbers"
    request.inputs["texts"].CopyFrom(tf.make_tensor_proto(["2.5", "-1"]))
    response = prediction.Predict(request, timeout=60)
    assert list(response.outputs["numbers"].float_val) == [2.5, -1.0]
    assert response.model_spec.signature_name == "to_numbers"
    request.inputs["texts"].string_val[1] = b"two"
    message = "StringToNumberOp could not correctly convert string: two"
    assert refusal(prediction.Predict, request) == ("INVALID_ARGUMENT", message)


def test_missing_and_unknown_inputs_are_named(prediction: Any) -> None:
    request = predict_request()
    del request.inputs["exclude_item_ids"]
    del request.inputs["k"]
    request.inputs["top"].CopyFrom(tf.make_tensor_proto([3]))
    assert refusal(prediction.Predict, request) == (
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=3. Sent extra: {top}. Missing but required: {exclude_item_ids,k}.",
    )


def test_other_methods_are_unimplemented(prediction: Any) -> None:
    code, _ = refusal(prediction.Classify, classification_pb2.ClassificationRequest())
    assert code == "UNIMPLEMENTED"


def test_eight_threads_at_once(prediction: Any) -> None:
    # From each item alone, its best neighbour and the score of that.
    best = {"a": (b"b", 3.0), "b": (b"a", 3.0), "c": (b"d", 4.0), "d": (b"e", 5.0), "e": (b"d", 5.0)}

    def ask(number: int) -> tuple[str, bytes, float]:
        item_id = "abcde"[number % 5]
        response = prediction.Predict(predict_request([[item_id]], k=[1]), timeout=60)
        return item_id, response.outputs["item_ids"].string_val[0], response.outputs["scores"].float_val[0]

    with futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(80)))
    assert answers == [(item_id, *best[item_id]) for item_id in "abcde" * 16]


def test_a_port_in_use_is_an_error(server: RecommenderServer, base: Path) -> None:
    second = RecommenderServer(base, port=server.port)
    with pytest.raises(errors.ServerStartError, match=rf"Cannot listen on 127\.0\.0\.1:{server.port}: the port is in"):
        second.start()
    assert second.versions.version is None
    second.stop(grace_seconds=0)


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[RecommenderServer]:
    running = RecommenderServer(tmp_path, port=0, poll_seconds=60)
    running.start()
    yield running
    running.stop(grace_seconds=0)


def test_a_server_without_a_version_is_there_but_unavailable(empty_server: RecommenderServer, tmp_path: Path) -> None:
    with grpc.insecure_channel(empty_server.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert refusal(stub.Predict, predict_request()) == (
            "UNAVAILABLE",
            f"No version of model pnfrec is loaded yet: waiting for one in {tmp_path}.",
        )
        assert refusal(stub.Predict, predict_request(version=3))[0] == "NOT_FOUND"
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "pnfrec"
        code, details = refusal(models.GetModelStatus, request)
        assert (code, details) == ("UNAVAILABLE", f"No version of model pnfrec has arrived yet in {tmp_path}.")
    assert describe(empty_server) == (
        f"{empty_server.address} is ready, but no version is loaded: waiting for one in {tmp_path}."
    )


def test_an_ipv6_address_is_put_in_brackets(tmp_path: Path) -> None:
    server = RecommenderServer(tmp_path, port=8500, host="::1")
    assert server.address == "[::1]:8500"
    server.stop(grace_seconds=0)
