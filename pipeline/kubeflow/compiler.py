"""Compiles the pipeline to a spec of Kubeflow Pipelines: `create_pipeline` through TFX's compiler, then `spec`."""

import json
import posixpath
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from pipeline.config import PipelineConfig
from pipeline.kubeflow import spec as specs
from pipeline.kubeflow.missing import kfp_is_needed
from pipeline.kubeflow.place import at_the_cluster
from pnfrec_core.settings.errors import ConfigError

COMMAND: Final = ("python", "-m", "pipeline.kubeflow.entry")
# On Vertex AI every container sees the buckets here.
_VERTEX_MOUNT: Final = "/gcs"


class Compiled(NamedTuple):
    """A pipeline for Kubeflow.

    Attributes:
        job: A PipelineJob as JSON values, whose `pipelineSpec` is the spec.
        platform: What only Kubernetes knows of it; {} for nothing.
    """

    job: dict[str, Any]
    platform: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.job["pipelineSpec"]
        return found


def compile_pipeline(config: PipelineConfig, vertex: bool = False) -> Compiled:
    """Compiles for a cluster. Nothing of it depends on this machine, nor on the day.

    Args:
        config: As it is read on this machine.
        vertex: For Vertex AI, which mounts no volumes but its buckets below /gcs.

    Raises:
        ConfigError: The section `kubeflow` lacks something, or a path lies where no node would find it.
        MissingKfpError: The extra `kfp` is not installed.
    """
    if vertex and config.kubeflow.volumes:
        msg = (
            "`kubeflow.volumes`: a JSON file is for Vertex AI, which mounts none. Use paths below /gcs/ instead, or "
            "write a YAML file."
        )
        raise ConfigError(msg)
    if config.gate.baseline_history > 1:
        msg = (
            f"`gate.baseline_history: {config.gate.baseline_history}` cannot be had on Kubeflow: the reports that tell "
            "which model was the best lie out of a node's reach. Set it to 1: the last blessed model."
        )
        raise ConfigError(msg)
    if config.training.warm_start:
        msg = (
            "`training.warm_start: true` cannot be had on Kubeflow: its node asks ML Metadata for the models of "
            "earlier runs, and open-source Kubeflow runs no such node. Set it to false there."
        )
        raise ConfigError(msg)
    there = at_the_cluster(config, (_VERTEX_MOUNT,) if vertex else ())
    kfp_is_needed()
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from pipeline.pipeline import Elsewhere, create_pipeline

    settings = config.kubeflow
    pipeline = create_pipeline(
        there,
        Elsewhere(
            root=settings.root,
            baselines=posixpath.join(settings.folder, "baselines"),
            most_baselines=settings.baselines,
            refuse=settings.fail_on_not_blessed,
            beam=tuple(settings.beam) or tuple(config.beam.arguments()),
        ),
    )
    if resolvers := [node.id for node in pipeline.components if isinstance(node, Resolver)]:
        msg = (
            f"{', '.join(resolvers)} cannot run on Kubeflow: it asks ML Metadata for results of earlier runs, and "
            "open-source Kubeflow runs no such node. Turn off the setting that adds it."
        )
        raise ConfigError(msg)
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=settings.image,
            default_commands=list(COMMAND),
            use_pipeline_spec_2_1=settings.spec == "2.1",
        )
    )
    job = runner.run(pipeline, write_out=False)
    specs.finish(job["pipelineSpec"], settings)
    return Compiled(job, specs.platform(job["pipelineSpec"], settings))


def write(compiled: Compiled, path: Path) -> None:
    """Writes the spec, and what only Kubernetes knows as a second document; a `.json` gets the PipelineJob."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        text = json.dumps(compiled.job, indent=1, sort_keys=True) + "\n"
    else:
        documents = [compiled.spec, *([compiled.platform] if compiled.platform else [])]
        text = yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
