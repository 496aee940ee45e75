"""The spec that is compiled: that Kubeflow takes it, and that nothing of this machine or this day is in it."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.compiler import COMMAND, Compiled, compile_pipeline, write
from pipeline.kubeflow.missing import MissingKfpError
from pipeline.kubeflow.spec import CACHEABLE, container_of, tasks_of
from pipeline.pipeline import create_pipeline
from pnfrec_core.imports import ROOT
from pnfrec_core.settings.errors import ConfigError
from tests.pipeline.kubeflow.settings import settings

# Of a run on this machine, and what a cluster has beside.
KEEPER = "BaselineKeeper"


def nodes(folder: Path, *overrides: str) -> set[str]:
    here = {node.id for node in create_pipeline(settings(folder, *overrides)).components}
    assert {"FeedbackGen", "SequenceTrainer", "LastBlessedModel", "Evaluator", "Pusher"} <= here
    return here | {KEEPER}


@pytest.fixture(scope="module", params=["2.1", "2.0"])
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compile_pipeline(settings(tmp_path_factory.mktemp("here"), f'kubeflow.spec="{request.param}"'))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compile_pipeline(settings(tmp_path_factory.mktemp("here"))).spec


def test_every_node_is_a_container_with_our_entry_point(compiled: Compiled, tmp_path: Path) -> None:
    assert set(tasks_of(compiled.spec)) == nodes(tmp_path)
    for executor in compiled.spec["deploymentSpec"]["executors"].values():
        assert list(executor) == ["container"], "open-source Kubeflow runs no resolver"
        assert executor["container"]["command"] == list(COMMAND)
        assert executor["container"]["image"] == "registry/pnfrec:1"
        assert "lifecycle" not in executor["container"]


def test_the_entry_point_is_a_module(compiled: Compiled) -> None:
    assert compiled.spec["schemaVersion"] in ("2.0.0", "2.1.0")
    assert importlib.util.find_spec(COMMAND[-1]) is not None


def test_kubeflows_client_reads_what_is_written(compiled: Compiled, tmp_path: Path) -> None:
    from kfp.client import client

    write(compiled, tmp_path / "deep" / "tiny.yaml")
    found = client._extract_pipeline_yaml(str(tmp_path / "deep" / "tiny.yaml"))
    assert json_format.MessageToDict(found.pipeline_spec) == compiled.spec
    assert json_format.MessageToDict(found.platform_spec) == compiled.platform


def test_a_node_waits_for_all_that_its_inputs_come_from(compiled: Compiled) -> None:
    for name, task in tasks_of(compiled.spec).items():
        sources = {each["taskOutputArtifact"]["producerTask"] for each in task["inputs"].get("artifacts", {}).values()}
        assert sources <= set(task.get("dependentTasks", [])), name
    tasks = tasks_of(compiled.spec)
    assert "AnomalyGate" in tasks["SequenceTrainer"]["dependentTasks"]
    assert "BaselineKeeper" in tasks["Pusher"]["dependentTasks"]
    assert "LastBlessedModel" in tasks["GateReporter"]["dependentTasks"]


def test_what_was_shown_at_random_is_evaluated_there_too(spec: dict[str, Any], tmp_path: Path) -> None:
    at_random = compile_pipeline(settings(tmp_path, "feedback.random_files=[random.csv]")).spec
    plain, asked = (tasks_of(each)["Evaluator"]["inputs"]["parameters"] for each in (spec, at_random))
    assert set(asked) - set(plain) == {"at_random"}
    assert container_of(spec, "Evaluator") != container_of(at_random, "Evaluator"), "another executor"


def test_open_source_kubeflow_knows_the_parameters_of_2_1(spec: dict[str, Any]) -> None:
    """Its driver takes `constant` alone; TFX writes `constantValue` into 2.0."""
    values = [
        value["runtimeValue"]
        for task in tasks_of(spec).values()
        for value in task["inputs"].get("parameters", {}).values()
    ]
    assert {key for value in values for key in value} == {"constant"}


def test_nothing_of_this_machine_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,item,value,timestamp\nu,i,9,1\n", encoding="utf-8")
    found = compile_pipeline(settings(tmp_path))
    write(found, tmp_path / "spec.yaml")
    text = (tmp_path / "spec.yaml").read_text(encoding="utf-8").replace("\n", "").replace(" ", "").replace("\\", "")
    assert "/data/feedback" in text
    for path in (tmp_path, ROOT, Path(sys.prefix), Path.home(), Path.cwd()):
        assert str(path) not in text


def test_the_day_and_the_files_of_this_machine_change_nothing(tmp_path: Path) -> None:
    """Even where the folder of the cluster is one here too."""
    volumes = [f"kubeflow.volumes={{data: {tmp_path}, state: /pnfrec}}", f"kubeflow.feedback={tmp_path}"]
    (tmp_path / "ratings.csv").write_text("one day", encoding="utf-8")
    first = compile_pipeline(settings(tmp_path, *volumes))
    (tmp_path / "ratings.csv").write_text("another day", encoding="utf-8")
    assert compile_pipeline(settings(tmp_path, *volumes)) == first


def test_nothing_is_cached_unless_it_is_asked_for(tmp_path: Path, spec: dict[str, Any]) -> None:
    assert {name for name, task in tasks_of(spec).items() if task["cachingOptions"].get("enableCache")} == set()
    asked = compile_pipeline(settings(tmp_path, "kubeflow.cache=true")).spec
    cached = {name for name, task in tasks_of(asked).items() if task["cachingOptions"].get("enableCache")}
    assert cached == {each for each in CACHEABLE if each != "SequenceTuner"}
    # They read files, or look at what earlier runs left.
    assert cached.isdisjoint({"FeedbackGen", "EverythingGen", "LastBlessedModel", KEEPER, "Pusher"})


def test_a_refit_that_is_there_is_taken_without_kubeflows_cache(spec: dict[str, Any]) -> None:
    given = tasks_of(spec)["Refit"]["inputs"]["parameters"]["custom_config"]
    settings = json.loads(given["runtimeValue"]["constant"])
    assert settings["state_dir"].endswith("/refit_state")
    assert "anew" not in settings


def test_retries_resources_images_and_beam_are_settings(tmp_path: Path) -> None:
    found = compile_pipeline(
        settings(
            tmp_path,
            "kubeflow.retries=3",
            "kubeflow.retry_seconds=5",
            "kubeflow.resources={all: {memory: 4.0}, SequenceTrainer: {cpu: 8.0, gpus: 1, image: registry/pnfrec:gpu}}",
            "kubeflow.beam=[--runner=FlinkRunner]",
        )
    ).spec
    policy = {name: task.get("retryPolicy") for name, task in tasks_of(found).items()}
    assert policy["StatisticsGen"] == {"maxRetryCount": 3, "backoffDuration": "5s", "backoffFactor": 2.0}
    assert {name for name, each in policy.items() if each is None} == {"AnomalyGate", "BaselineKeeper"}
    trainer, pusher = container_of(found, "SequenceTrainer"), container_of(found, "Pusher")
    assert trainer["resources"] == {
        "cpuRequest": 8.0,
        "cpuLimit": 8.0,
        "accelerator": {"type": "nvidia.com/gpu", "count": "1"},
    }
    assert (trainer["image"], pusher["image"]) == ("registry/pnfrec:gpu", "registry/pnfrec:1")
    assert pusher["resources"] == {"memoryRequest": 4.0, "memoryLimit": 4.0}
    for name in ("FeedbackGen", "StatisticsGen", "Evaluator"):
        assert container_of(found, name)["args"][-1] == "--runner=FlinkRunner"
    json_format.ParseDict(found, pipeline_spec_pb2.PipelineSpec())


def test_resources_of_a_node_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`kubeflow.resources` names Trainer. Known: all, .*SequenceTrainer"):
        compile_pipeline(settings(tmp_path, "kubeflow.resources={Trainer: {gpus: 1}}"))


def test_volumes_are_a_document_of_their_own(tmp_path: Path, compiled: Compiled) -> None:
    write(compiled, tmp_path / "tiny.yml")
    first, second = yaml.safe_load_all((tmp_path / "tiny.yml").read_text(encoding="utf-8"))
    assert first == compiled.spec
    mounts = [{"constant": "data", "mountPath": "/data"}, {"constant": "state", "mountPath": "/pnfrec"}]
    executors = second["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {name: {"pvcMount": mounts} for name in first["deploymentSpec"]["executors"]}


def test_the_nodes_are_those_of_a_run_here(tmp_path: Path, spec: dict[str, Any]) -> None:
    """The form for Kubeflow follows the pipeline: a node that is added there is one here."""
    config = settings(tmp_path)
    here = {node.id: {each.id for each in node.upstream_nodes} for node in create_pipeline(config).components}
    there = {name: set(task.get("dependentTasks", [])) for name, task in tasks_of(spec).items()}
    assert set(there) - set(here) == {KEEPER}
    assert {name: there[name] - {KEEPER} for name in here} == here


def test_a_json_file_is_for_vertex(tmp_path: Path) -> None:
    config = settings(
        tmp_path, "kubeflow.volumes={}", "kubeflow.feedback=gs://bucket/feedback", "kubeflow.folder=/gcs/bucket/pnfrec"
    )
    job = compile_pipeline(config, vertex=True)
    assert job.platform == {}
    write(job, tmp_path / "job.json")
    json_format.Parse((tmp_path / "job.json").read_text(encoding="utf-8"), pipeline_spec_pb2.PipelineJob())
    with pytest.raises(ConfigError, match="Vertex AI, which mounts none"):
        compile_pipeline(settings(tmp_path), vertex=True)
    with pytest.raises(ConfigError, match=r"lies in none of `kubeflow.volumes`"):
        compile_pipeline(config)


def test_without_the_client_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingKfpError, match="Install the extra `kfp`"):
        compile_pipeline(settings(tmp_path))


def test_a_refused_model_may_end_as_a_success(tmp_path: Path, spec: dict[str, Any]) -> None:
    lenient = compile_pipeline(settings(tmp_path, "kubeflow.fail_on_not_blessed=false", "kubeflow.baselines=2")).spec
    refuse, most = (
        [
            tasks_of(each)["BaselineKeeper"]["inputs"]["parameters"][key]["runtimeValue"]["constant"]
            for each in (spec, lenient)
        ]
        for key in ("refuse", "most")
    )
    assert (refuse, most) == ([1.0, 0.0], [5.0, 2.0])


def test_a_node_that_asks_ml_metadata_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one would be that somebody adds to the pipeline."""
    monkeypatch.setattr("pipeline.pipeline.create_pipeline", lambda config, _: create_pipeline(config))
    with pytest.raises(ConfigError, match="LastBlessedModel cannot run on Kubeflow"):
        compile_pipeline(settings(tmp_path))


def test_the_best_of_several_baselines_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`gate.baseline_history: 3` cannot be had on Kubeflow"):
        compile_pipeline(settings(tmp_path, "gate.baseline_history=3"))


def test_a_warm_start_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`training.warm_start: true` cannot be had on Kubeflow"):
        compile_pipeline(settings(tmp_path, "training.warm_start=true"))


def test_a_search_is_a_node_too(tmp_path: Path) -> None:
    tuned = ("tuner.enabled=true", "feedback.validation_targets=both")
    found = compile_pipeline(settings(tmp_path, *tuned)).spec
    assert set(tasks_of(found)) == nodes(tmp_path, *tuned)
    assert "SequenceTuner" in tasks_of(found)
