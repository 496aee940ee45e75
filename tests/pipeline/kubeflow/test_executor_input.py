"""What Kubeflow hands to a node, as TFX reads it, and back."""

from pathlib import Path
from typing import Any

import pytest

from components.baseline.absent import mark_absent
from pipeline.kubeflow.executor_input import enter, leave

TYPE = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
STORE = "minio://mlpipeline/v2/artifacts/run"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PNFREC_KUBEFLOW_ROOT", str(tmp_path))
    return tmp_path


def given(**inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputs": {
            "artifacts": {key: {"artifacts": [each]} for key, each in inputs.items()},
            "parameterValues": {"k": 1},
        },
        "outputs": {"artifacts": {"model": {"artifacts": [{"uri": f"{STORE}/out", "type": TYPE}]}}, "outputFile": "/o"},
    }


@pytest.mark.parametrize(
    ("scheme", "folder"), [("minio", "minio"), ("s3", "s3"), ("gs", "gcs")], ids=["minio", "s3", "gs"]
)
def test_uris_become_the_folders_that_the_launcher_mirrors_them_in(root: Path, scheme: str, folder: str) -> None:
    found, uris = enter(given(model={"uri": f"{scheme}://bucket/x", "type": TYPE}), {})
    [artifact] = found["inputs"]["artifacts"]["model"]["artifacts"]
    assert artifact["uri"] == str(root / folder / "bucket" / "x")
    assert uris[artifact["uri"]] == f"{scheme}://bucket/x"
    assert found["inputs"]["parameterValues"] == {"k": 1}


def test_a_path_of_a_volume_stays(root: Path) -> None:
    found, _ = enter(given(gone={"uri": "/pnfrec/baselines/x", "type": TYPE}), {})
    assert found["inputs"]["artifacts"]["gone"]["artifacts"][0]["uri"] == "/pnfrec/baselines/x"
    assert root.exists()


def test_the_folder_of_an_output_is_there(root: Path) -> None:
    enter(given(), {})
    assert (root / "minio" / "mlpipeline" / "v2" / "artifacts" / "run" / "out").is_dir()


def test_every_artifact_has_a_name_of_its_own(root: Path) -> None:
    found, _ = enter(
        given(model={"uri": f"{STORE}/a", "type": TYPE}, other={"uri": f"{STORE}/b", "name": "7", "type": TYPE}), {}
    )
    names = [each["artifacts"][0]["name"] for each in found["inputs"]["artifacts"].values()]
    assert names == [f"{STORE}/a", "7"]
    assert found["outputs"]["artifacts"]["model"]["artifacts"][0]["name"] == f"{STORE}/out"
    assert root.exists()


def test_a_type_that_is_not_said_is_that_of_the_spec(root: Path) -> None:
    spec = {"artifacts": {"model": {"artifactType": TYPE}}}
    found, _ = enter(given(model={"uri": f"{STORE}/a"}), spec)
    assert found["inputs"]["artifacts"]["model"]["artifacts"][0]["type"] == TYPE
    assert root.exists()


def test_an_artifact_that_stands_for_none_is_left_out(root: Path) -> None:
    mark_absent(str(root / "minio" / "mlpipeline" / "v2" / "artifacts" / "run" / "a"), "none")
    found, _ = enter(
        given(baseline_model={"uri": f"{STORE}/a", "type": TYPE}, model={"uri": f"{STORE}/b", "type": TYPE}), {}
    )
    assert list(found["inputs"]["artifacts"]) == ["model"]


def test_what_is_written_gets_its_uris_back(root: Path) -> None:
    _, uris = enter(given(), {})
    here = str(root / "minio" / "mlpipeline" / "v2" / "artifacts" / "run" / "out")
    elsewhere = {"uri": "/pnfrec/x", "name": "x"}
    written = {
        "artifacts": {"model": {"artifacts": [{"uri": here, "name": "n", "metadata": {"blessed": 1.0}}, elsewhere]}}
    }
    assert leave(written, uris)["artifacts"]["model"]["artifacts"] == [
        {"uri": f"{STORE}/out", "metadata": {"blessed": 1.0}},
        {"uri": "/pnfrec/x"},
    ]
