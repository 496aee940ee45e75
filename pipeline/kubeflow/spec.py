"""What TFX's compiler leaves to be said in a pipeline spec: retries, caches, resources, volumes.

A spec is the `pipelineSpec` of Kubeflow Pipelines as JSON values, with the names of its protobuf in camel case.
"""

from typing import Any, Final

from pipeline.kubeflow.config import KubeflowConfig, ResourcesConfig
from pnfrec_core.settings.errors import ConfigError

ALL: Final = "all"
# Their results depend on nothing but inputs and settings. Those of the others depend on files of feedback, on what
# earlier runs left, on the serving folder.
CACHEABLE: Final = (
    *("ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate", "SequenceTuner", "SequenceTrainer"),
    *("Evaluator", "GateReporter"),
)
# They fail where data or a model are refused, which a second try would not change.
NEVER_RETRIED: Final = ("AnomalyGate", "BaselineKeeper")


def tasks_of(spec: dict[str, Any]) -> dict[str, Any]:
    """The nodes of a spec by their name."""
    tasks: dict[str, Any] = spec["root"]["dag"]["tasks"]
    return tasks


def container_of(spec: dict[str, Any], node: str) -> dict[str, Any]:
    """How a node is started: image, command, args, resources."""
    label = spec["components"][tasks_of(spec)[node]["componentRef"]["name"]]["executorLabel"]
    container: dict[str, Any] = spec["deploymentSpec"]["executors"][label]["container"]
    return container


def finish(spec: dict[str, Any], config: KubeflowConfig) -> None:
    """Writes into a compiled spec what the section `kubeflow` says of its nodes.

    Args:
        spec: Of TFX's compiler; it is changed.
        config: The section.

    Raises:
        ConfigError: `resources` names a node that there is not.
    """
    tasks = tasks_of(spec)
    if unknown := sorted(set(config.resources) - set(tasks) - {ALL}):
        msg = f"`kubeflow.resources` names {', '.join(unknown)}. Known: {ALL}, {', '.join(sorted(tasks))}."
        raise ConfigError(msg)
    for name, task in tasks.items():
        task["cachingOptions"] = {"enableCache": True} if config.cache and name in CACHEABLE else {}
        if config.retries and name not in NEVER_RETRIED:
            task["retryPolicy"] = {
                "maxRetryCount": config.retries,
                "backoffDuration": f"{config.retry_seconds}s",
                "backoffFactor": 2.0,
            }
        container = container_of(spec, name)
        # TFX's driver for input files, which Vertex would run before: it looks for spans that we do not have.
        container.pop("lifecycle", None)
        resources = config.resources.get(name) or config.resources.get(ALL) or ResourcesConfig()
        container["image"] = resources.image or config.image
        if wanted := _resources(resources):
            container["resources"] = wanted


def _resources(config: ResourcesConfig) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if config.cpu:
        found |= {"cpuRequest": config.cpu, "cpuLimit": config.cpu}
    if config.memory:
        found |= {"memoryRequest": config.memory, "memoryLimit": config.memory}
    if config.gpus:
        # Protobuf writes 64-bit integers as text.
        found["accelerator"] = {"type": config.gpu_type, "count": str(config.gpus)}
    return found


def platform(spec: dict[str, Any], config: KubeflowConfig) -> dict[str, Any]:
    """What only Kubernetes knows of a spec, a YAML document of its own: the volumes of each node. {} without any."""
    if not config.volumes:
        return {}
    executors = {
        # Anew for each, so that the YAML needs no anchors.
        label: {"pvcMount": [{"constant": claim, "mountPath": path} for claim, path in config.volumes.items()]}
        for label in spec["deploymentSpec"]["executors"]
    }
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
