"""Submitting and asking, against an API that takes only what Kubeflow's description allows."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.config import ConfigError, PipelineConfig, load_config
from pipeline.kubeflow import command
from pipeline.kubeflow.client import TOKEN, Api, ApiError
from pipeline.kubeflow.compiler import Compiled
from pipeline.kubeflow.missing import MissingKfpError
from tests.pipeline.kubeflow.fake_api import FakeApi
from tests.pipeline.world import write_config

SPEC = {
    "pipelineInfo": {"name": "tiny"},
    "root": {
        "dag": {"tasks": {name: {"taskInfo": {"name": name}} for name in ("FeedbackGen", "BaselineKeeper", "Pusher")}}
    },
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx",
}
PLATFORM = {
    "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"x": {"pvcMount": [{"constant": "claim"}]}}}}}
}
COMPILED = Compiled({"pipelineSpec": SPEC}, PLATFORM)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as fake:
        yield fake
        assert fake.wrong == []


def settings(folder: Path, host: str, *overrides: str) -> PipelineConfig:
    return load_config(write_config(folder), [f"kubeflow.host={host}", *overrides])


def test_a_run_is_submitted_with_its_volumes(tmp_path: Path, api: FakeApi) -> None:
    found = Api(settings(tmp_path, api.host, "kubeflow.root=minio://bucket/x"))
    assert found.submit(COMPILED, "monday") == "runs-1"
    run = api.held["runs"]["runs-1"]
    assert run["display_name"] == "monday"
    assert run["pipeline_spec"] == {"pipeline_spec": SPEC, "platform_spec": PLATFORM}
    assert run["runtime_config"] == {"parameters": {}, "pipeline_root": "minio://bucket/x"}
    assert api.held["experiments"][run["experiment_id"]]["display_name"] == "tiny"


def test_an_experiment_is_made_once(tmp_path: Path, api: FakeApi) -> None:
    found = Api(settings(tmp_path, api.host, "kubeflow.experiment=mornings"))
    assert [found.submit(COMPILED, name) for name in ("monday", "tuesday")] == ["runs-1", "runs-2"]
    assert [each["display_name"] for each in api.held["experiments"].values()] == ["mornings"]


def test_a_run_by_the_clock_does_not_catch_up(tmp_path: Path, api: FakeApi) -> None:
    assert Api(settings(tmp_path, api.host)).schedule(COMPILED, "daily", "0 0 5 * * *") == "recurringruns-1"
    made = api.held["recurringruns"]["recurringruns-1"]
    assert made["trigger"] == {"cron_schedule": {"cron": "0 0 5 * * *"}}
    assert made["no_catchup"] is True
    assert made["max_concurrency"] == 1


def test_a_token_is_sent(tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "let-me-in")
    Api(settings(tmp_path, api.host)).submit(COMPILED, "monday")
    assert api.headers["authorization"] == "Bearer let-me-in"


def hold(api: FakeApi, state: str, **states: str) -> None:
    """A run with the states of some of its nodes, and of pods that are no nodes."""
    details = [
        {"display_name": name, "state": each} for name, each in {"root": state, "executor": state, **states}.items()
    ]
    api.held["runs"]["r"] = {
        "run_id": "r",
        "display_name": "monday",
        "state": state,
        "pipeline_spec": {"pipeline_spec": SPEC, "platform_spec": PLATFORM},
        "run_details": {"task_details": details},
    }


@pytest.mark.parametrize(
    ("state", "states", "status", "says"),
    [
        ("RUNNING", {"FeedbackGen": "RUNNING"}, 0, "monday: RUNNING"),
        ("SUCCEEDED", dict.fromkeys(("FeedbackGen", "BaselineKeeper", "Pusher"), "SUCCEEDED"), 0, "monday: SUCCEEDED"),
        ("FAILED", {"FeedbackGen": "FAILED"}, 1, "monday: FAILED"),
        ("FAILED", {"FeedbackGen": "SUCCEEDED", "BaselineKeeper": "FAILED"}, 3, "the gate refused the model"),
    ],
)
def test_status_tells_nodes_and_verdict(
    tmp_path: Path, api: FakeApi, state: str, states: dict[str, str], status: int, says: str
) -> None:
    hold(api, state, **states)
    path = str(write_config(tmp_path))
    done = CliRunner().invoke(command.kubeflow, ["status", "--config", path, "--set", f"kubeflow.host={api.host}", "r"])
    assert done.exit_code == status, done.output
    lines = done.output.splitlines()
    assert says in lines[0]
    nodes = dict(line.split() for line in lines[1:])
    assert nodes == {"FeedbackGen": "-", "BaselineKeeper": "-", "Pusher": "-", **states}


def test_status_waits_until_the_run_has_ended(tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(api, "RUNNING")
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        hold(api, "SUCCEEDED")

    monkeypatch.setattr("pipeline.kubeflow.command.time.sleep", sleep)
    arguments = ["status", "--wait", "--config", str(write_config(tmp_path)), "--set", f"kubeflow.host={api.host}", "r"]
    done = CliRunner().invoke(command.kubeflow, arguments)
    assert done.output.splitlines()[0] == "monday: SUCCEEDED"
    assert len(waited) == 1


def test_an_unknown_run_is_one_sentence(tmp_path: Path, api: FakeApi) -> None:
    with pytest.raises(ApiError, match=r"refused \(404\): .*runs nothing not found"):
        Api(settings(tmp_path, api.host)).status("nothing")


def test_an_api_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with FakeApi() as fake:
        host = fake.host
    with pytest.raises(ApiError, match="does not answer"):
        Api(settings(tmp_path, host))


def test_without_an_address_the_message_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    with pytest.raises(ConfigError, match=r"`kubeflow.host` is empty.*kubectl port-forward"):
        Api(settings(tmp_path, "''"))


def test_without_the_client_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def found(name: str, *more: Any) -> Any:
        return None if name == "kfp" else find_spec(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", found)
    with pytest.raises(MissingKfpError, match="Install the extra `kfp`"):
        Api(settings(tmp_path, "http://127.0.0.1:1"))
