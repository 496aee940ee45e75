"""What is found wrong with the section `beam` before a run."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import beam_check
from pipeline.beam_check import Beam, look_into
from pipeline.beam_config import BeamConfig
from pipeline.beam_options import look_at
from pipeline.config import PipelineConfig, load_config
from pipeline.preflight import look
from pnfrec_core import launch
from tests.pipeline.world import OF_1970, write_config, write_feedback

POOLS = {"environment_type": "EXTERNAL"}
MASTER = {"flink_master": "cluster:8081"}


def config_of(folder: Path, runner: str, **options: Any) -> PipelineConfig:
    write_feedback(folder / "ratings.csv")
    return load_config(write_config(folder, feedback=OF_1970, beam={"runner": runner, "options": options}))


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beam takes all options: nobody asks it."""
    monkeypatch.setattr(beam_check, "_check_options", lambda _: Beam())


@pytest.fixture
def java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


def test_nothing_is_said_of_this_machine(tmp_path: Path) -> None:
    assert look_into(config_of(tmp_path, "DirectRunner")) == Beam()


@pytest.mark.usefixtures("knowing")
def test_a_job_server_of_beam_needs_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (problem,) = look_into(config_of(tmp_path, "FlinkRunner")).problems
    assert problem == (
        "`beam.runner: FlinkRunner` starts a job server in Java, and there is no java here. Install one (apt install "
        "openjdk-17-jre-headless), or name a job server that runs by `beam.options.job_endpoint`."
    )
    assert look_into(config_of(tmp_path, "FlinkRunner", job_endpoint="x:1", **POOLS)).problems == ()


@pytest.mark.usefixtures("knowing", "java")
@pytest.mark.parametrize("options", [{}, {"flink_master": "[local]"}, {**MASTER, **POOLS}])
def test_workers_that_have_this_project_are_in_order(tmp_path: Path, options: dict[str, str]) -> None:
    assert look_into(config_of(tmp_path, "FlinkRunner", **options)).problems == ()


@pytest.mark.usefixtures("knowing", "java")
def test_workers_in_containers_need_this_project(tmp_path: Path) -> None:
    (problem,) = look_into(config_of(tmp_path, "FlinkRunner", **MASTER)).problems
    assert problem == (
        "`beam.runner: FlinkRunner` has workers in containers, which need this project, and the image that Beam takes "
        "by default does not have it: name one by `beam.options.sdk_container_image`, or pools of workers by "
        "`environment_type: EXTERNAL`."
    )
    assert look_into(config_of(tmp_path, "FlinkRunner", sdk_container_image="mine:1", **MASTER)).problems == ()


@pytest.mark.usefixtures("knowing", "java")
def test_workers_elsewhere_have_to_see_the_same_files(tmp_path: Path) -> None:
    (note,) = look_into(config_of(tmp_path, "FlinkRunner", **MASTER, **POOLS)).notes
    assert note == (
        f"FlinkRunner: every worker has to see {tmp_path / 'out'} and the feedback at the same paths as this machine, "
        "such as on a shared disk, and needs this project at the same version."
    )
    assert look_into(config_of(tmp_path, "FlinkRunner")).notes == ()


@pytest.mark.usefixtures("knowing")
def test_dataflow_cannot_write_to_this_machine(tmp_path: Path) -> None:
    (problem,) = look_into(config_of(tmp_path, "DataflowRunner", sdk_container_image="mine:1")).problems
    assert problem.startswith(
        f"`beam.runner: DataflowRunner` has workers on Google Cloud, which cannot write to {tmp_path}"
    )
    assert "`kubeflow.beam`" in problem


def test_a_name_that_beam_does_not_know_stops_a_run_with_the_nearest(tmp_path: Path) -> None:
    found = look(config_of(tmp_path, "DirectRunner", job_nmae="x"), pytest.fail)
    assert found.problems == ("`beam.options.job_nmae`: Beam has no such option. Did you mean `job_name`?",)


def test_a_name_that_only_a_job_server_may_know_is_told(tmp_path: Path) -> None:
    found = look(config_of(tmp_path, "PortableRunner", job_endpoint="x:1", paralelism=2, **POOLS), pytest.fail)
    assert found.problems == ()
    assert found.notes[1:] == (
        "`beam.options.paralelism`: Beam's Python part knows no such option. The job server may, and says nothing "
        "where it does not either. Did you mean `parallelism`?",
    )


def test_a_value_that_beam_refuses_stops_a_run(tmp_path: Path) -> None:
    found = look(config_of(tmp_path, "DirectRunner", num_workers="many"), pytest.fail)
    assert found.problems == (
        "`beam.options`: Beam refuses a value: argument --num_workers: invalid int value: 'many'.",
    )


def test_all_of_beams_own_options_are_known() -> None:
    flags = BeamConfig("FlinkRunner", options={**MASTER, **POOLS, "parallelism": 2, "experiments": ["a"]}).arguments()
    assert look_at(flags) == {"unknown": {}, "error": ""}


def test_where_beam_cannot_be_asked_a_run_is_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "command", lambda *_: ["false"])
    found = look_into(config_of(tmp_path, "DirectRunner", x=1))
    assert found == Beam(notes=("Beam could not be asked about `beam.options`: look at pnfrec doctor --deep.",))
