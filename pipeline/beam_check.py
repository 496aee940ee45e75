"""What can be known of the section `beam` before a run: what an engine needs of this machine, and names of options."""

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipeline.beam_config import DATAFLOW, DIRECT, BeamConfig
from pnfrec_core import launch

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig

# Beam starts a job server in Java for these, unless `job_endpoint` names one.
_JAVA: Final = ("FlinkRunner", "SparkRunner")
# With these values, which are the default, the engine runs on this machine, inside the job server.
_MASTER: Final = {
    "FlinkRunner": ("flink_master", ("[local]", "[auto]")),
    "SparkRunner": ("spark_master_url", ("local", "local[4]", "local[*]")),
}
# What brings this project to workers that a container is made for.
_CODE: Final = ("sdk_container_image", "setup_file", "extra_package", "extra_packages")
_PATIENCE_S: Final = 60.0


@dataclasses.dataclass(frozen=True)
class Beam:
    """What was found.

    Attributes:
        problems: A sentence for each thing that stops a run, with its remedy.
        notes: What is worth knowing.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_into(config: "PipelineConfig") -> Beam:
    """Looks at everything that the engine needs."""
    beam = config.beam
    problems = [*_check_java(beam), *_check_code(beam), *_check_places(config)]
    notes = [*_note_places(config)]
    if beam.options:
        found = _check_options(beam)
        problems += found.problems
        notes += found.notes
    return Beam(tuple(problems), tuple(notes))


def _check_java(beam: BeamConfig) -> Iterator[str]:
    if beam.runner in _JAVA and not beam.options.get("job_endpoint"):
        java = str(beam.options.get("job_server_java_launcher", "java"))
        if shutil.which(java) is None:
            yield (
                f"`beam.runner: {beam.runner}` starts a job server in Java, and there is no {java} here. Install one "
                "(apt install openjdk-17-jre-headless), or name a job server that runs by `beam.options.job_endpoint`."
            )


def _runs_here(beam: BeamConfig) -> bool:
    """Whether the workers are this machine's own."""
    if beam.runner == DIRECT:
        return True
    name, local = _MASTER.get(beam.runner, ("", ()))
    return bool(name) and not beam.options.get("job_endpoint") and str(beam.options.get(name, local[0])) in local


def _check_code(beam: BeamConfig) -> Iterator[str]:
    if _runs_here(beam) or beam.has_workers_of_their_own or any(beam.options.get(name) for name in _CODE):
        return
    yield (
        f"`beam.runner: {beam.runner}` has workers in containers, which need this project, and the image that Beam "
        "takes by default does not have it: name one by `beam.options.sdk_container_image`"
        + ("." if beam.runner == DATAFLOW else ", or pools of workers by `environment_type: EXTERNAL`.")
    )


def _check_places(config: "PipelineConfig") -> Iterator[str]:
    if config.beam.runner == DATAFLOW:
        yield (
            f"`beam.runner: DataflowRunner` has workers on Google Cloud, which cannot write to {config.output_path}: "
            "a run on this machine keeps its artifacts here. Set it as `kubeflow.beam` of a run on Kubeflow whose "
            "`kubeflow.root` is a gs:// URI."
        )


def _note_places(config: "PipelineConfig") -> Iterator[str]:
    if not _runs_here(config.beam) and config.beam.runner != DATAFLOW:
        yield (
            f"{config.beam.runner}: every worker has to see {config.output_path} and the feedback at the same paths as "
            "this machine, such as on a shared disk, and needs this project at the same version."
        )


def _check_options(beam: BeamConfig) -> Beam:
    """What Beam itself says of the options."""
    command = launch.command("pipeline.beam_options", *beam.arguments())
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError):
        return Beam(notes=("Beam could not be asked about `beam.options`: look at pnfrec doctor --deep.",))
    if found["error"]:
        return Beam((f"`beam.options`: Beam refuses a value: {found['error']}.",))
    problems, notes = [], []
    for name, near in found["unknown"].items():
        hint = f"Did you mean `{near}`?" if near else "`pnfrec config beam` says where they are listed."
        if beam.runner in (DIRECT, DATAFLOW):
            problems.append(f"`beam.options.{name}`: Beam has no such option. {hint}")
        else:
            notes.append(
                f"`beam.options.{name}`: Beam's Python part knows no such option. The job server may, and says nothing "
                f"where it does not either.{f' {hint}' if near else ''}"
            )
    return Beam(tuple(problems), tuple(notes))
