"""The probe of the compose file, against our own REST server, which answers as the image does."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import serving
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

COMPOSE = Path(serving.__file__).parent / "docker-compose.yml"


def probe(web: Web) -> int:
    """Its exit status, asked of another port than in the container."""
    (service,) = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"].values()
    how, *command = service["healthcheck"]["test"]
    assert how == "CMD"
    changed = [part.replace("/127.0.0.1/8501", f"/127.0.0.1/{web.where.port}") for part in command]
    assert changed != command
    return subprocess.run(changed, timeout=120, check=False).returncode


def test_the_container_is_healthy_while_a_version_answers(web: Web) -> None:
    assert probe(web) == 0


@pytest.mark.parametrize("broken", [False, True])
def test_it_is_not_without_one(tmp_path: Path, push: Callable[..., Path], broken: bool) -> None:
    if broken:
        (push(tmp_path, 1) / "saved_model.pb").write_bytes(b"no model")
    server = RecommenderServer.of(ServerSettings(str(tmp_path), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    server.start()
    web = Web(server)
    try:
        assert probe(web) == 1
    finally:
        server.stop(grace_seconds=0)
    assert probe(web) == 1, "nobody listens"
