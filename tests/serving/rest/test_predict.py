"""Predictions over HTTP: TensorFlow Serving's two forms of JSON, and the same answers as over gRPC."""

import base64
import json
from typing import Any

import pytest

from serving.client import RecommenderClient
from tests.serving.rest.conftest import Web

A_ROW = {"positive_item_ids": ["a"], "exclude_item_ids": [], "k": 3}
COLUMNS = {"positive_item_ids": [["a"]], "exclude_item_ids": [[]], "k": [3]}
WITH_DISLIKES = {"positive_item_ids": [["a"]], "negative_item_ids": [["b"]], "exclude_item_ids": [[]], "k": [2]}


def test_rows_are_answered_by_rows(web: Web) -> None:
    second = {"positive_item_ids": ["?"], "exclude_item_ids": [], "k": 1}
    answer = web.predict({"signature_name": "serving_default", "instances": [A_ROW, second]})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    # From a, b scores 3 and c 1. A row of no known item is answered by popularity.
    assert answer.json == {
        "predictions": [
            {"item_ids": ["b", "c", "d"], "scores": [3.0, 1.0, 0.0], "count": 3, "fallback": False, "known_items": 1},
            {"item_ids": ["a", "", ""], "scores": [5.0, 0.0, 0.0], "count": 1, "fallback": True, "known_items": 0},
        ]
    }


def test_columns_are_answered_by_columns(web: Web) -> None:
    assert web.predict({"inputs": COLUMNS}).json == {
        "outputs": {
            "item_ids": [["b", "c", "d"]],
            "scores": [[3.0, 1.0, 0.0]],
            "count": [3],
            "fallback": [False],
            "known_items": [1],
        }
    }


def test_the_answers_are_those_of_grpc(web: Web) -> None:
    histories = [["a"], ["b"], [], ["e"], ["?"]]
    with RecommenderClient(web.server.address, timeout=60) as client:
        for history in histories:
            expected = client.recommend(history, k=4)
            row = web.predict({"instances": [{**A_ROW, "positive_item_ids": history, "k": 4}]}).json["predictions"][0]
            found = [*zip(row["item_ids"], row["scores"], strict=True)][: row["count"]]
            assert (found, row["fallback"], row["known_items"]) == (
                expected.items,
                expected.fallback,
                expected.known_items,
            )


def test_a_weight_may_be_a_whole_number_and_nan_takes_that_of_the_model(web: Web) -> None:
    def score(gamma: str) -> float:
        body = json.dumps({"signature_name": "with_negatives", "inputs": {**WITH_DISLIKES, "gamma": ["?"]}})
        answer = web.predict(body.replace('"?"', gamma).encode())
        assert answer.status == 200, answer.content
        return float(answer.json["outputs"]["scores"][0][0])

    # c scores 1 from a; the model adds the weight, or 1000 for NaN.
    assert [score(gamma) for gamma in ("2", "0.5", "NaN")] == [3.0, 1.5, 1001.0]
    # What is not finite comes back as TensorFlow Serving writes it, which Python reads.
    assert score("Infinity") == float("inf")


def test_the_only_input_and_the_only_output_need_no_name(web: Web) -> None:
    body = {"signature_name": "to_numbers", "instances": ["1.5", "-2"]}
    assert web.predict(body).json == {"predictions": [1.5, -2.0]}
    assert web.predict({"signature_name": "to_numbers", "inputs": ["1.5", "-2"]}).json == {"outputs": [1.5, -2.0]}
    assert web.predict({"signature_name": "to_numbers", "instances": [{"texts": "7"}]}).json == {"predictions": [7.0]}


def test_text_may_come_as_bytes(web: Web) -> None:
    row = {**A_ROW, "positive_item_ids": [{"b64": base64.b64encode(b"a").decode()}]}
    assert web.predict({"instances": [row]}).json["predictions"][0]["item_ids"] == ["b", "c", "d"]
    body = {"signature_name": "to_numbers", "instances": [{"b64": "Nw=="}]}
    assert web.predict(body).json == {"predictions": [7.0]}


@pytest.mark.parametrize("where", ["", "/versions/1"])
def test_a_version_may_be_named(web: Web, where: str) -> None:
    assert web.predict({"inputs": COLUMNS}, where).status == 200


@pytest.mark.parametrize(
    ("where", "status", "error"),
    [
        ("/versions/7", 404, "Servable not found for request: Specific(pnfrec, 7)"),
        ("/labels/stable", 400, "Unrecognized servable version label: stable"),
        ("/versions/x", 400, "A version is a number in the digits 0 to 9. Received: 'x'."),
        ("/versions/9223372036854775808", 400, "A version is a number"),
    ],
)
def test_versions_and_labels_that_do_not_serve(web: Web, where: str, status: int, error: str) -> None:
    answer = web.predict({"inputs": COLUMNS}, where)
    assert (answer.status, answer.error[: len(error)]) == (status, error)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in COLUMNS.items() if key != name}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "The body is not JSON"),
        (b"{", "The body is not JSON"),
        (b"\xff{}", "The body is not UTF-8"),
        # Too deep for one Python and no object for another.
        (b"[" * 4900 + b"]" * 4900, "The body "),
        (b'{"inputs": 1' + b"0" * 5000 + b"}", "The body is not JSON: it holds a number of too many digits."),
        (b'{"inputs": {}, "inputs": {}}', "The body is not JSON: the key 'inputs' stands twice in an object"),
        (b'{"inputs": [1] x}', "The body is not JSON"),
        (b"[]", "The body must be a JSON object. Received: a list of 0."),
        ({}, "The body must hold either `instances` (a row a user) or `inputs` (a list a tensor), not neither."),
        ({"inputs": {}, "instances": []}, "The body must hold either"),
        ({"rows": []}, "The body has the unknown key 'rows'. Known: signature_name, instances, inputs."),
        ({"signature_name": 1, "inputs": {}}, "`signature_name` must be a text. Received: 1."),
        ({"instances": []}, "`instances` must be a list with a row or more. Received: a list of 0."),
        ({"instances": {}}, "`instances` must be a list with a row or more. Received: an object of 0."),
        ({"instances": ["a"]}, "`instances` must name its inputs, since the signature has 3: exclude_item_ids, k, "),
        ({"instances": [A_ROW, "a"]}, "`instances` must be all objects, or all plain values."),
        ({"instances": [A_ROW, {"k": 1}]}, "All rows of `instances` must have the same inputs. Rows 0 and 1 have: "),
        ({"inputs": [["a"]]}, "`inputs` must name its inputs, since the signature has 3"),
        ({"inputs": {**COLUMNS, "gamma": [1]}}, "There is no input `gamma`. The signature has: exclude_item_ids, k, "),
        ({"inputs": without("k")}, "input size does not match signature: 2!=3."),
        ({"inputs": {**COLUMNS, "k": [1.0]}}, "Input `k`: expected values of type int32. Received: 1.0."),
        ({"inputs": {**COLUMNS, "k": [True]}}, "Input `k`: expected values of type int32. Received: true."),
        ({"inputs": {**COLUMNS, "k": [2**31]}}, "Input `k`: "),
        ({"inputs": {**COLUMNS, "k": 3}}, "Input `k` must have the shape [?]. Received: []."),
        ({"inputs": {**COLUMNS, "k": [None]}}, "Input `k`: expected values of type int32. Received: null."),
        (
            {"inputs": {**COLUMNS, "positive_item_ids": [[1]]}},
            "Input `positive_item_ids`: expected values of type string",
        ),
        ({"inputs": {**COLUMNS, "positive_item_ids": [["a"], []]}}, "Input `positive_item_ids`: "),
        ({"inputs": {**COLUMNS, "positive_item_ids": [["\ud800"]]}}, "The body holds half a character: '\\ud800'."),
        ({"signature_name": "a\udfff", "inputs": {}}, "The body holds half a character: '\\udfff'."),
        ({"\udc00": 1}, "The body holds half a character: '\\udc00'."),
        ({"inputs": {**COLUMNS, "positive_item_ids": [{"b64": "?"}]}}, "Input `positive_item_ids`: `b64` must be text"),
        ({"inputs": {**COLUMNS, "k": [[[[[[[[[1]]]]]]]]]}}, "Input `k`: lists may be 8 deep."),
        ({"inputs": {**COLUMNS, "k": [3, 3]}}, "Input `k` "),
        ({"signature_name": "films", "inputs": {}}, 'Serving signature key "films" not found.'),
    ],
)
def test_what_cannot_be_understood_is_told(web: Web, body: Any, error: str) -> None:
    answer = web.predict(body)
    assert (answer.status, answer.error[: len(error)]) == (400, error)
    assert len(answer.error) < 1000


def test_limits_are_those_of_grpc_with_the_same_words(web: Web) -> None:
    most = 100
    answer = web.predict({"inputs": {**COLUMNS, "k": [1] * (most + 1)}})
    assert (answer.status, answer.error) == (
        400,
        f"Input `k` has {most + 1} rows; this server takes {most} (`--max-rows`). Send fewer at a time.",
    )


def test_a_body_that_is_too_long_is_refused_before_it_is_read(web: Web) -> None:
    connection = web.connect()
    # Only the length is sent: an answer cannot come from reading.
    connection.putrequest("POST", "/v1/models/pnfrec:predict")
    connection.putheader("content-length", "10001")
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["error"]) == (
        413,
        "The body is longer than 10000 bytes (`rest.max_body_bytes`). Send fewer rows at a time.",
    )
    connection.close()


def test_a_body_without_a_length_is_read_up_to_the_limit(web: Web) -> None:
    connection = web.connect()
    connection.request(
        "POST", "/v1/models/pnfrec:predict", iter([b"x" * 6000, b"x" * 6000]), {"transfer-encoding": "chunked"},
        encode_chunked=True,
    )  # fmt: skip
    assert connection.getresponse().status == 413
    connection.close()
    body = json.dumps({"inputs": COLUMNS}).encode()
    connection = web.connect()
    connection.request("POST", "/v1/models/pnfrec:predict", iter([body[:9], body[9:]]), encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_another_model_is_not_found(web: Web) -> None:
    answer = web.post("/v1/models/films:predict", {"inputs": COLUMNS})
    assert (answer.status, answer.error) == (404, "Servable not found for request: Latest(films)")
