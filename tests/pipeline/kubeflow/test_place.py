"""The configuration as a cluster reads it."""

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.kubeflow.place import at_the_cluster
from pnfrec_core.settings.errors import ConfigError
from tests.pipeline.kubeflow.settings import OVERRIDES, settings
from tests.pipeline.world import write_config


def test_folders_are_those_of_the_cluster(tmp_path: Path) -> None:
    found = at_the_cluster(settings(tmp_path, "name=My_Data"))
    assert found.name == "my-data"
    assert found.feedback.base == "/data/feedback"
    assert found.feedback.files == ["ratings.csv"]
    assert (found.output_path, found.serving_path) == (Path("/pnfrec"), Path("/pnfrec/serving"))
    assert str(tmp_path) not in found.to_yaml()


def test_a_path_below_the_base_follows_it(tmp_path: Path) -> None:
    found = at_the_cluster(settings(tmp_path, f"feedback.files=[{tmp_path}/days/*.csv]"))
    assert found.feedback.files == ["days/*.csv"]


def test_rows_are_kept_in_a_volume_or_not_at_all(tmp_path: Path) -> None:
    kept = at_the_cluster(settings(tmp_path, "feedback.keep_read.folder=/pnfrec/kept")).feedback.keep_read
    assert (kept.mode, kept.folder) == ("auto", "/pnfrec/kept")
    for overrides in ((), ("feedback.keep_read.folder=kept",)):
        kept = at_the_cluster(settings(tmp_path, *overrides)).feedback.keep_read
        assert (kept.mode, kept.folder) == ("never", "")


def test_a_uri_stays(tmp_path: Path) -> None:
    path = write_config(tmp_path, feedback={"files": ["x.csv"], "base": "gs://bucket/feedback", "positive": 8})
    found = at_the_cluster(load_config(path, [OVERRIDES[0], OVERRIDES[2]]))
    assert found.feedback.base == "gs://bucket/feedback"


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        at_the_cluster(load_config(write_config(tmp_path), ["feedback.files=[/elsewhere/x.csv]"]))
    text = str(caught.value)
    for said in (
        "`kubeflow.image` is empty",
        "`kubeflow.feedback` is empty",
        "/elsewhere/x.csv is a path of this machine",
    ):
        assert said in text
    assert "`kubeflow.folder` (/pnfrec) lies in none" in text
    assert "volumes: {my-claim: /pnfrec}" in text


@pytest.mark.parametrize("path", ["/other", "/datalake", "/data/../x"])
def test_a_folder_outside_of_the_volumes_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"kubeflow.serving"):
        at_the_cluster(settings(tmp_path, f"kubeflow.serving={path}"))


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("kubeflow.retries=-1", "`kubeflow.retries` must be at least 0"),
        ("kubeflow.baselines=0", "`kubeflow.baselines` must be at least 1"),
        ("kubeflow.folder=pnfrec", "`kubeflow.folder` must be a path from the root"),
        ("kubeflow.volumes={claim: data/}", "`kubeflow.volumes.claim` must be a path from the root"),
        ("kubeflow.resources={all: {cpu: -1.0}}", "`cpu` of `kubeflow.resources` must be 0"),
    ],
)
def test_values_that_cannot_be_meant(tmp_path: Path, override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace(".", r"\.")):
        settings(tmp_path, override)


def test_a_name_that_kubeflow_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Kubeflow's names begin with a letter or digit"):
        at_the_cluster(settings(tmp_path, "name=-x"))
