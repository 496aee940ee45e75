"""The configuration as a cluster reads it."""

import re
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.kubeflow.notes import notes
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
        ("kubeflow.volumes={My_Claim: /data}", "takes small letters, digits, '-' and '.' for the name"),
        ("kubeflow.volumes={a: /data, b: /data}", "b are both mounted at /data"),
        ("kubeflow.resources={all: {cpu: -1.0}}", "`cpu` of `kubeflow.resources` must be 0"),
        ("kubeflow.resources={all: {gpus: 1, gpu_type: ''}}", "`gpu_type` of `kubeflow.resources` is empty"),
        ("kubeflow.resources={all: {image: my image}}", "`image` of `kubeflow.resources` must be an image"),
        ("kubeflow.image=Registry/PNFRec:1", "`kubeflow.image` must be an image as a registry names it"),
        ("kubeflow.image=pnfrec@sha256:abc", "`kubeflow.image` must be an image as a registry names it"),
        ("kubeflow.root=artifacts", "`kubeflow.root` must be a URI that Kubeflow mirrors"),
        ("kubeflow.root=file:///artifacts", "`kubeflow.root` must be a URI that Kubeflow mirrors"),
        ("kubeflow.root=s3://", "`kubeflow.root` must be a URI that Kubeflow mirrors"),
        ("kubeflow.spec=2.0", """Received: 2.0. Put it in quotes: "2.0"."""),
        ("kubeflow.beam=[--runner=DaskRunner]", "`kubeflow.beam: DaskRunner` is refused"),
        ("kubeflow.beam=[--runner, dask]", "`kubeflow.beam: DaskRunner` is refused"),
        ("kubeflow.beam=[--runner=Nope]", "`kubeflow.beam`: there is no runner 'Nope'"),
        ("kubeflow.beam=[--parallelism=2]", "`kubeflow.beam` names no runner"),
        ("kubeflow.beam=[--runner=DirectRunner, workers]", "`kubeflow.beam`: 'workers' is no option"),
    ],
)
def test_values_that_cannot_be_meant(tmp_path: Path, override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        settings(tmp_path, override)


@pytest.mark.parametrize(
    "image",
    [
        "pnfrec",
        "my_org/pnf__rec",
        "registry:5000/a/b-c.d:1.0_x",
        f"r.example.com/p@sha256:{'a' * 64}",
        f"p:1@sha256:{'0' * 64}",
    ],
)
def test_images_as_registries_name_them(tmp_path: Path, image: str) -> None:
    assert settings(tmp_path, f"kubeflow.image={image}").kubeflow.image == image


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("feedback", "`kubeflow.feedback` must be a path from the root"),
        ("minio://bucket/feedback", "minio://bucket/feedback cannot be read on a node"),
        ("file:///data/feedback", "file:///data/feedback cannot be read on a node"),
    ],
)
def test_feedback_that_no_node_could_read(tmp_path: Path, base: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        at_the_cluster(settings(tmp_path, f"kubeflow.feedback={base}"))


@pytest.mark.parametrize("name", ["-x", "größe"])
def test_a_name_that_kubeflow_does_not_take(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="Kubeflow's names begin with a letter or digit"):
        at_the_cluster(settings(tmp_path, f"name={name}"))


def test_a_name_that_tfx_does_not_take(tmp_path: Path) -> None:
    assert settings(tmp_path, f"name={'a' * 63}").name == "a" * 63
    with pytest.raises(ConfigError, match=r"`name` may have 63 letters at most, as TFX has it. Received 64"):
        settings(tmp_path, f"name={'a' * 64}")


@pytest.mark.parametrize("path", ["../../x/*.csv", "a/../../../x.csv"])
def test_a_path_that_leads_out_of_the_volumes_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        at_the_cluster(settings(tmp_path, f"feedback.files=[{path}]"))
    assert (
        f"`feedback.files`: {path} leads out of `feedback.base`, which is `kubeflow.feedback` (/data/feedback) on the "
        "cluster, to where no node has a volume. Name files below the base, or a base above them."
    ) in str(caught.value)


@pytest.mark.parametrize("path", ["../x/*.csv", "a/../x.csv", "a..b/*.csv"])
def test_a_path_that_stays_in_a_volume_is_left(tmp_path: Path, path: str) -> None:
    assert at_the_cluster(settings(tmp_path, f"feedback.files=[{path}]")).feedback.files == [path]


def test_nothing_leads_out_of_a_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`feedback.files`: \.\./x.csv leads out of .*gs://bucket/a"):
        at_the_cluster(settings(tmp_path, "kubeflow.feedback=gs://bucket/a", "feedback.files=[../x.csv]"))


def test_a_home_folder_is_one_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`feedback.files`: .*/x.csv is a path of this machine"):
        at_the_cluster(settings(tmp_path, "feedback.files=[~/x.csv]"))


@pytest.mark.parametrize("path", ["~/x", "../x", "x", "/data/../x", "/data/./x"])
def test_the_place_of_the_feedback_is_a_plain_path(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"`kubeflow.feedback` must be a path from the root .* without `..`"):
        at_the_cluster(settings(tmp_path, f"kubeflow.feedback={path}"))


@pytest.mark.parametrize("path", ["/usr", "/opt", "/opt/pnfrec", "/etc/", "/minio"])
def test_a_volume_does_not_hide_the_image(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=rf"state at {path} would hide what the image, or Kubeflow, has there"):
        settings(tmp_path, f"kubeflow.volumes={{data: /data, state: {path}}}")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("registry:5000/pnfrec", "registry:5000/pnfrec:1"),
        ("registry:5000/pnfrec:latest", "registry:5000/pnfrec:1"),
        ("pnfrec", "pnfrec:1"),
        ("registry/pnfrec:1", ""),
        ("registry/pnfrec@sha256:" + 64 * "a", ""),
        ("registry/pnfrec:latest@sha256:" + 64 * "a", ""),
    ],
)
@pytest.mark.parametrize("key", ["kubeflow.image", "kubeflow.resources.SequenceTrainer.image"])
def test_an_image_that_may_change_is_told(tmp_path: Path, key: str, image: str, said: str) -> None:
    found = list(notes(settings(tmp_path, f"{key}={image}").kubeflow))
    assert len(found) == bool(said)
    if said:
        assert found[0].startswith(f"`{key}` ({image}) has no tag that stays")
        assert found[0].endswith(f"such as {said}, or a digest.")
