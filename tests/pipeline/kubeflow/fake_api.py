"""An API server of Kubeflow Pipelines that knows experiments, runs and recurring runs, and takes no request that KFP's
own description of the API does not allow: the models that `kfp-server-api` is generated from it.
"""

import http.server
import json
import threading
import urllib.parse
from types import SimpleNamespace
from typing import Any

import kfp_server_api

Json = dict[str, Any]
_API = "/apis/v2beta1"
# Of each collection: the model of what is posted, and the key of its id.
_MODELS = {
    "experiments": ("V2beta1Experiment", "experiment_id"),
    "runs": ("V2beta1Run", "run_id"),
    "recurringruns": ("V2beta1RecurringRun", "recurring_run_id"),
}


class FakeApi:
    """The server, on a port of its own while the context lasts.

    Attributes:
        host: Its address.
        held: What was posted, by collection and id.
        headers: Of the last request.
        wrong: What is against the description, a line each.
    """

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Json]] = {name: {} for name in _MODELS}
        self.headers: dict[str, str] = {}
        self.wrong: list[str] = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Nothing: the output is the test's."""

            def do_GET(self) -> None:
                self._answer(*fake.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(*fake.post(self.path, json.loads(body)))

            def _answer(self, code: int, answer: Json) -> None:
                fake.headers = dict(self.headers)
                text = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeApi":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, address: str) -> tuple[int, Json]:
        path, _, query = address.partition("?")
        if path == f"{_API}/healthz":
            return 200, {"multi_user": False}
        collection, _, key = path.removeprefix(f"{_API}/").partition("/")
        if collection not in self.held:
            return 404, {"error": f"no {path}"}
        if key:
            found = self.held[collection].get(key)
            return (200, found) if found else (404, {"error": f"{collection} {key} not found"})
        every = list(self.held[collection].values())
        if asked := urllib.parse.parse_qs(query).get("filter"):
            self._check("V2beta1Filter", json.loads(asked[0]), by_attribute=False)
            [predicate] = json.loads(asked[0])["predicates"]
            every = [each for each in every if each[predicate["key"]] == predicate["stringValue"]]
        return 200, {collection: every, "total_size": len(every)}

    def post(self, path: str, body: Json) -> tuple[int, Json]:
        collection = path.removeprefix(f"{_API}/")
        if collection not in _MODELS:
            self.wrong.append(f"POST {path}: there is no such address.")
            return 404, {"error": f"no {path}"}
        model, key = _MODELS[collection]
        self._check(model, body)
        made = {**body, key: f"{collection}-{len(self.held[collection]) + 1}"}
        self.held[collection][made[key]] = made
        return 200, made

    def _check(self, model: str, body: Json, by_attribute: bool = True) -> None:
        """Reads a body as KFP's description has it, and writes it: whatever that does not know is lost."""
        client = kfp_server_api.ApiClient()
        try:
            read = client.deserialize(SimpleNamespace(data=json.dumps(body)), model)
        except (ValueError, TypeError) as error:
            self.wrong.append(f"{model}: {error}")
            return
        written = client.sanitize_for_serialization(read)
        if by_attribute and _plain(written) != _plain(body):
            self.wrong.append(f"{model}: {body} is read as {written}")


def _plain(value: Any) -> Any:
    """A JSON value whose integers are texts: 64-bit ones may be either in JSON of protobuf messages."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if type(value) is int else value
