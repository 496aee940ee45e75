"""The compose file cannot be run here (no container engine); its text is checked against what it has to say."""

import re
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
        "enable_batching": "true",
        "batching_parameters_file": "/etc/pnfrec/batching.config",
    }
    assert service["ports"] == [
        "127.0.0.1:${PNFREC_GRPC_PORT:-8500}:8500",
        "127.0.0.1:${PNFREC_REST_PORT:-8501}:8501",
    ]


def test_the_pushed_folder_is_mounted_read_only(service: dict[str, Any]) -> None:
    volume, batching = service["volumes"]
    assert (COMPOSE.parent / batching["source"]).is_file()
    assert (batching["target"], batching["read_only"]) == ("/etc/pnfrec/batching.config", True)
    assert (volume["type"], volume["target"], volume["read_only"]) == ("bind", "/models/pnfrec", True)
    assert volume["source"].startswith("${PNFREC_SERVING_BASE:?")
    assert volume["bind"] == {"create_host_path": False}


def test_the_image_is_no_older_than_the_tensorflow_of_the_lane(service: dict[str, Any]) -> None:
    """Tag, stubs and TensorFlow of each lane, held together: whoever moves a pin has to look for an image."""
    assert service["image"].startswith("tensorflow/serving:${TENSORFLOW_SERVING_TAG:?")
    root = COMPOSE.parents[1]
    told = (root / "docs" / "guides" / "serving.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (tfx\d+) \| (.*) \|$", told, flags=re.MULTILINE))
    lanes = {path.stem: path.read_text(encoding="utf-8") for path in (root / "requirements").glob("tfx*.txt")}
    assert set(rows) == set(lanes)
    for lane, pins in lanes.items():
        pinned = dict(re.findall(r"^(tensorflow|tensorflow-serving-api)==([\d.]+)", pins, flags=re.MULTILINE))
        exported, images = rows[lane].split(" | ")
        assert exported == pinned["tensorflow"], lane
        newest = max(map(version_of, re.findall(r"\d+\.\d+\.\d+", images)))
        assert version_of(pinned["tensorflow-serving-api"]) <= newest, lane
        # Where the newest image is older than the lane's TensorFlow, the table has to say that there is none.
        assert (newest < version_of(exported)) == images.startswith("none yet"), lane


def version_of(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
