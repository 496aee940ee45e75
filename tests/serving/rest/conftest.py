import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from serving.limits import Limits
from serving.server import RecommenderServer
from serving.settings import LogSettings, RestSettings, ServerSettings


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    content: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str:
        document = self.json
        assert list(document) == ["error"]
        return str(document["error"])


class Web:
    """A server of version 1 with a port for HTTP, and requests to it."""

    def __init__(self, server: RecommenderServer) -> None:
        assert server.faces.http is not None
        self.server = server
        self.where = urllib.parse.urlsplit(server.faces.http.url)

    def connect(self) -> http.client.HTTPConnection:
        assert self.where.hostname is not None
        return http.client.HTTPConnection(self.where.hostname, self.where.port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = self.connect()
        try:
            connection.request(
                method, path, content, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            return Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def predict(self, body: Any, where: str = "") -> Answer:
        return self.post(f"/v1/models/pnfrec{where}:predict", body)


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the logs of `web`."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def web(base: Path, logs: Path) -> Iterator[Web]:
    settings = ServerSettings(
        str(base),
        port=0,
        poll_seconds=60,
        limits=Limits(max_rows=100),
        rest=RestSettings(port=0, max_body_bytes=10_000, page=True),
        log=LogSettings(str(logs / "access.jsonl"), str(logs / "exposure.jsonl")),
    )
    server = RecommenderServer.of(settings)
    server.start()
    yield Web(server)
    server.stop(grace_seconds=0)
