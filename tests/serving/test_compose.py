"""The compose file cannot be run here (no container engine); its text is checked against what it has to say."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import serving
from serving import settings

COMPOSE = Path(serving.__file__).parent / "docker-compose.yml"


@pytest.fixture
def service() -> dict[str, Any]:
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert list(document) == ["services"]
    ((_, found),) = document["services"].items()
    assert isinstance(found, dict)
    return found


def test_the_image_serves_the_same_model_under_the_same_name_and_port(service: dict[str, Any]) -> None:
    assert service["image"].startswith("tensorflow/serving:")
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    assert flags == {
        "port": str(settings.DEFAULT_PORT),
        "rest_api_port": "8501",
        "model_name": settings.DEFAULT_MODEL_NAME,
        "model_base_path": f"/models/{settings.DEFAULT_MODEL_NAME}",
        "file_system_poll_wait_seconds": "2",
    }
    assert service["ports"] == [
        "127.0.0.1:${PNFREC_GRPC_PORT:-8500}:8500",
        "127.0.0.1:${PNFREC_REST_PORT:-8501}:8501",
    ]


def test_the_pushed_folder_is_mounted_read_only(service: dict[str, Any]) -> None:
    (volume,) = service["volumes"]
    assert (volume["type"], volume["target"], volume["read_only"]) == ("bind", "/models/pnfrec", True)
    assert volume["source"].startswith("${PNFREC_SERVING_BASE:?")
    assert volume["bind"] == {"create_host_path": False}
