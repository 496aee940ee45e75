"""Several versions at once, over gRPC and REST: by number, by label, and by user."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from pnfrec_core import marking
from serving import wire
from serving.aio import AsyncRecommenderClient
from serving.calls import Call
from serving.client import RecommenderClient, VersionStatus
from serving.errors import UNAVAILABLE, InvalidRequestError, ModelNotFoundError, RequestFault
from serving.policy import wants_canary
from serving.records import Watchers
from serving.rest.calls import Calls
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings, VersionSettings
from tests.serving.rest.conftest import Web
from tests.serving.rest.test_predict import COLUMNS

pytestmark = pytest.mark.tensorflow

SHARE = 0.5
# By the place of each: see `serving.policy.place_of`.
USERS = [f"user {number} ü%" for number in range(8)]
SCORES = {1: 3.0, 2: 103.0}


@pytest.fixture(scope="module")
def server(exported: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderServer]:
    """Version 1 is stable and version 2, the newest, is the canary."""
    base = tmp_path_factory.mktemp("labelled")
    for version, folder in exported.items():
        (base / str(version)).symlink_to(folder)
    marking.label(base, "stable", 1)
    marking.label(base, "canary", 2)
    settings = ServerSettings(
        str(base), port=0, versions=VersionSettings(canary_share=SHARE), rest=RestSettings(port=0)
    )
    running = RecommenderServer.of(settings)
    running.start()
    yield running
    running.stop(grace_seconds=0)


@pytest.fixture
def client(server: RecommenderServer) -> Iterator[RecommenderClient]:
    with RecommenderClient(server.address, timeout=60) as connected:
        yield connected


def get(server: RecommenderServer, **options: Any) -> tuple[int, float]:
    with RecommenderClient(server.address, timeout=60, **options) as client:
        answer = client.recommend(["a"], k=1)
        assert client.metadata().version == answer.version
        return answer.version, answer.items[0][1]


def test_a_version_is_asked_for_by_number_or_label(server: RecommenderServer) -> None:
    assert server.versions.version == 1
    assert [get(server, **options) for options in ({}, {"version": 2}, {"label": "stable"}, {"label": "canary"})] == [
        (version, SCORES[version]) for version in (1, 2, 1, 2)
    ]
    with pytest.raises(ModelNotFoundError, match=r"Specific\(pnfrec, 3\)"):
        get(server, version=3)
    with pytest.raises(InvalidRequestError, match="Unrecognized servable version label: old"):
        get(server, label="old")


def test_the_status_tells_all_versions_or_the_one_asked_for(server: RecommenderServer) -> None:
    with RecommenderClient(server.address, timeout=60) as client:
        assert client.status() == [VersionStatus(2, "AVAILABLE"), VersionStatus(1, "AVAILABLE")]
    with RecommenderClient(server.address, timeout=60, label="stable") as client:
        assert client.status() == [VersionStatus(1, "AVAILABLE")]
    with grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name, request.model_spec.version_label = "pnfrec", "canary"
        response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=60)
        assert [row.version for row in response.model_version_status] == [2]
    document = Web(server).get("/v1/models/pnfrec").json
    assert [row["version"] for row in document["model_version_status"]] == ["2", "1"]
    document = Web(server).get("/v1/models/pnfrec/labels/stable").json
    assert [row["version"] for row in document["model_version_status"]] == ["1"]


def expected(user: str) -> int:
    """By the share; the client has encoded what a header cannot carry."""
    import urllib.parse

    from serving.connection import Connection

    ((_, key),) = Connection("x").headers(user)
    assert urllib.parse.unquote(str(key)) == user
    return 2 if wants_canary(str(key), SHARE) else 1


def test_users_are_split_and_always_get_the_same_version(client: RecommenderClient, server: RecommenderServer) -> None:
    wanted = [expected(user) for user in USERS]
    assert set(wanted) == {1, 2}
    for _ in range(2):
        answers = [client.recommend(["a"], k=1, user_key=user) for user in USERS]
        assert [answer.version for answer in answers] == wanted
        assert [answer.items[0][1] for answer in answers] == [SCORES[version] for version in wanted]
    batch = client.recommend_batch([["a"], ["b"]], user_key=USERS[0])
    assert {answer.version for answer in batch} == {wanted[0]}

    async def ask() -> list[int]:
        async with AsyncRecommenderClient(server.address, timeout=60) as other:
            return [(await other.recommend(["a"], k=1, user_key=user)).version for user in USERS]

    assert asyncio.run(ask()) == wanted
    # Who asks for a version gets that one.
    with RecommenderClient(server.address, timeout=60, label="stable") as stable:
        assert {stable.recommend(["a"], k=1, user_key=user).version for user in USERS} == {1}


def test_rest_has_labels_and_users_too(server: RecommenderServer) -> None:
    web = Web(server)

    def first(where: str = "", **headers: str) -> float:
        answer = web.post(f"/v1/models/pnfrec{where}:predict", {"inputs": COLUMNS}, **headers)
        assert answer.status == 200, answer.content
        return float(answer.json["outputs"]["scores"][0][0])

    stable, canary = first("/labels/stable"), first("/labels/canary")
    assert canary - stable == pytest.approx(100, abs=0.01)
    assert (first("/versions/2"), first()) == (canary, stable)
    users = {"u1": 1, "u2": 1, "u3": 1, "u4": 1, "u5": 1}
    users = {user: 2 if wants_canary(user, SHARE) else 1 for user in users}
    assert set(users.values()) == {1, 2}
    for user, version in users.items():
        assert first(x_pnfrec_user=user) == {1: stable, 2: canary}[version]
    answer = web.post("/v1/models/pnfrec/labels/old:predict", {"inputs": COLUMNS})
    assert (answer.status, answer.error) == (400, "Unrecognized servable version label: old")


def test_a_rollback_reaches_the_clients(tmp_path: Path, push: Callable[..., Path]) -> None:
    from tests.serving.conftest import wait_until

    for version in (1, 2):
        push(tmp_path, version)
    server = RecommenderServer(tmp_path, port=0, poll_seconds=0.05)
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60) as client:
            assert client.recommend(["a"], k=1).version == 2
            marking.rollback(tmp_path, None, "bad")
            wait_until(lambda: client.recommend(["a"], k=1).version == 1)
            wait_until(lambda: client.status() == [VersionStatus(2, "END"), VersionStatus(1, "AVAILABLE")])
    finally:
        server.stop(grace_seconds=0)


def test_a_request_in_json_is_read_by_the_signature_of_the_version_that_the_user_gets() -> None:
    """The canary may have other inputs than the version that serves."""
    asked: list[str] = []

    class Services:
        def metadata(self, request: Any, call: Call) -> Any:
            del request
            asked.append(call.user_key)
            raise RequestFault(UNAVAILABLE, "enough")

    calls = Calls(Services(), Watchers([]))
    assert calls.predict(wire.model_spec("pnfrec"), b'{"inputs": {}}', "id", Call(user_key="u1"))[0] == 503
    assert asked == ["u1"]
