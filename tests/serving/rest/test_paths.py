"""All paths but predictions: status, metadata, probes, metrics, the description, and what there is not."""

import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from serving.client import RecommenderClient
from serving.rest import openapi
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

COLUMNS = {"positive_item_ids": [["a"]], "exclude_item_ids": [[]], "k": [3]}


@pytest.mark.parametrize("where", ["", "/versions/1"])
def test_the_status_is_that_of_grpc(web: Web, where: str) -> None:
    assert web.get(f"/v1/models/pnfrec{where}").json == {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }


def test_metadata_names_inputs_and_outputs(web: Web) -> None:
    document = web.get("/v1/models/pnfrec/metadata").json
    assert document["model_spec"] == {"name": "pnfrec", "signature_name": "", "version": "1"}
    default = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    unknown, any_size = {"unknown_rank": False}, {"size": "-1", "name": ""}
    assert default["inputs"]["k"]["dtype"] == "DT_INT32"
    assert default["inputs"]["k"]["tensor_shape"] == {"dim": [any_size], **unknown}
    assert default["outputs"]["scores"]["tensor_shape"] == {"dim": [any_size, any_size], **unknown}
    assert web.get("/v1/models/pnfrec/versions/1/metadata").json == document


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/models/films", 404, "Could not find any versions of model films"),
        ("/v1/models/films/metadata", 404, "Servable not found for request: Latest(films)"),
        ("/v1/models/pnfrec/versions/2", 404, "Could not find version 2 of model pnfrec"),
        ("/v1/models/pnfrec/versions/2/metadata", 404, "Servable not found for request: Specific(pnfrec, 2)"),
        ("/v1/models/pnfrec/versions/two", 400, "A version is a number in the digits 0 to 9. Received: 'two'."),
        ("/v1/models/pnfrec/labels/stable", 400, "Unrecognized servable version label: stable"),
        ("/v2/models/pnfrec", 404, "There is no /v2/models/pnfrec here. See /openapi.json."),
        ("/v1/models/pnfrec:classify", 404, "There is no /v1/models/pnfrec:classify here. See /openapi.json."),
        ("/v1/models/pnfrec:predict", 405, "GET is not for this path."),
        ("/v1/models/pnfrec/versions/1:predict", 405, "GET is not for this path."),
        ("/v1/models/pnfrec/labels/stable:predict", 405, "GET is not for this path."),
    ],
)
def test_what_there_is_not(web: Web, path: str, status: int, error: str) -> None:
    answer = web.get(path)
    assert (answer.status, answer.error) == (status, error)


def test_probes_tell_the_process_from_the_model(web: Web, tmp_path: Path) -> None:
    assert (web.get("/healthz").status, web.get("/readyz").json) == (200, {"status": "SERVING"})
    empty = RecommenderServer.of(ServerSettings(str(tmp_path), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    empty.start()
    try:
        other = Web(empty)
        assert (other.get("/healthz").status, other.get("/healthz").json) == (200, {"status": "ok"})
        ready = other.get("/readyz")
        assert (ready.status, ready.json) == (503, {"status": "NOT_SERVING"})
        answer = other.predict({"inputs": COLUMNS})
        assert (answer.status, answer.error[:46]) == (503, "No version of model pnfrec is loaded yet: wait")
    finally:
        empty.stop(grace_seconds=0)


def test_a_server_that_stops_says_so_to_probes_while_calls_end(base: Path) -> None:
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    server.start()
    try:
        web = Web(server)
        assert web.get("/readyz").status == 200
        server.faces.stop_soon()
        assert [web.get(path).status for path in ("/readyz", "/healthz")] == [503, 200]
        assert web.predict({"inputs": COLUMNS}).status == 200
    finally:
        server.stop(grace_seconds=0)


def test_metrics_are_text_for_a_scrape(web: Web) -> None:
    answer = web.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"\npnfrec_ready 1.0\n" in answer.content
    assert b'\npnfrec_model_version{model="pnfrec"} 1.0\n' in answer.content


def test_a_request_id_comes_back(web: Web) -> None:
    path = "/v1/models/pnfrec"
    assert web.get(path, x_request_id="42").headers["x-request-id"] == "42"
    made = web.get(path).headers["x-request-id"]
    assert len(made) == 32
    assert web.get(path).headers["x-request-id"] != made
    # What may not go into a file is replaced.
    assert len(web.get(path, x_request_id="a b").headers["x-request-id"]) == 32
    assert len(web.get(path, x_request_id="a" * 129).headers["x-request-id"]) == 32


def test_the_description_names_each_route_and_no_other(web: Web) -> None:
    document = web.get("/openapi.json").json
    assert document == openapi.description()
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item if method in METHODS
    }
    assert web.server.faces.app is not None
    routes = {
        (route.path.replace(":plain}", "}"), method)
        for route in web.server.faces.app.routes
        for method in route.methods or ()
        if method != "HEAD" and not route.path.startswith("/page") and route.path != "/"
    }
    assert described == routes
    operations = [
        item[method]["operationId"] for item in document["paths"].values() for method in METHODS if method in item
    ]
    assert len(set(operations)) == len(operations)


METHODS = ("get", "post")


def test_every_reference_of_the_description_leads_somewhere() -> None:
    document = openapi.description()
    schemas = document["components"]["schemas"]

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    assert references(document) == {f"#/components/schemas/{name}" for name in schemas}


def test_curl_gets_an_answer(web: Web) -> None:
    curl = shutil.which("curl")
    if curl is None:
        # The same bytes as curl sends.
        answer = web.post(
            "/v1/models/pnfrec:predict", {"inputs": COLUMNS}, content_type="application/x-www-form-urlencoded"
        )
        assert answer.json["outputs"]["item_ids"] == [["b", "c", "d"]]
        return
    assert web.server.faces.http is not None
    url = f"{web.server.faces.http.url}/v1/models/pnfrec:predict"
    command = [curl, "-sS", "--fail", "--noproxy", "*", url, "-d", json.dumps({"inputs": COLUMNS})]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(run.stdout)["outputs"]["item_ids"] == [["b", "c", "d"]]


def test_one_connection_takes_many_requests(web: Web) -> None:
    connection = web.connect()
    for _ in range(3):
        connection.request("POST", "/v1/models/pnfrec:predict", json.dumps({"inputs": COLUMNS}))
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["outputs"]["count"]) == (200, [3])
    connection.close()


def test_http_and_grpc_answer_at_the_same_time(web: Web) -> None:
    found: list[Any] = []

    def over_http() -> None:
        found.extend(web.predict({"inputs": COLUMNS}).json["outputs"]["item_ids"][0] for _ in range(10))

    threads = [threading.Thread(target=over_http) for _ in range(8)]
    for thread in threads:
        thread.start()
    with RecommenderClient(web.server.address, timeout=60) as client:
        lists = [[item for item, _ in client.recommend(["a"], k=3).items] for _ in range(20)]
    for thread in threads:
        thread.join()
    assert found == [["b", "c", "d"]] * 80
    assert lists == [["b", "c", "d"]] * 20


def test_an_error_quotes_no_more_than_a_part_of_what_was_asked(web: Web) -> None:
    answer = web.get(f"/v1/models/{'x' * 9000}/metadata")
    assert (answer.status, len(answer.error)) == (404, 2000)
