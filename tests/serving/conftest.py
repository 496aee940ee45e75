import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from serving.client import RecommenderClient
from serving.server import RecommenderServer


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Version folders 1 and 2; the scores of 2 are higher by 100."""
    # Not above: not every test here needs TensorFlow.
    from tests.serving import tiny_model

    root = tmp_path_factory.mktemp("exported")
    return {1: tiny_model.export(root / "1"), 2: tiny_model.export(root / "2", offset=100.0)}


@pytest.fixture
def push(exported: dict[int, Path]) -> Callable[..., Path]:
    """Copies a version under a base folder, `saved_model.pb` last, as TFX's Pusher does."""

    def copy(base: Path, version: int, source: int | None = None) -> Path:
        target = base / str(version)
        origin = exported[version if source is None else source]
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("saved_model.pb"))
        shutil.copy(origin / "saved_model.pb", target)
        return target

    return copy


@pytest.fixture(scope="session")
def base(exported: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with version 1 only. Shared: do not change it."""
    folder = tmp_path_factory.mktemp("base")
    shutil.copytree(exported[1], folder / "1")
    return folder


@pytest.fixture(scope="session")
def server(base: Path) -> Iterator[RecommenderServer]:
    """A server of version 1."""
    running = RecommenderServer(base, port=0, poll_seconds=60.0)
    running.start()
    yield running
    running.stop(grace_seconds=0)


@pytest.fixture(scope="session")
def client(server: RecommenderServer) -> Iterator[RecommenderClient]:
    with RecommenderClient(server.address, timeout=60.0) as connected:
        yield connected


@pytest.fixture(scope="session")
def channel(server: RecommenderServer) -> Iterator[grpc.Channel]:
    """For stock stubs."""
    with grpc.insecure_channel(server.address, options=[("grpc.enable_http_proxy", 0)]) as connected:
        yield connected


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
