"""Kubeflow's ExecutorInput and ExecutorOutput, translated to what TFX's container entry point reads, and back.

Both are JSON values here, with the names of their protobuf messages in camel case.
"""

import os
from collections.abc import Iterator
from typing import Any

from components.baseline.absent import is_absent
from pipeline.kubeflow.uris import local_path

Json = dict[str, Any]


def _artifacts(side: Json) -> Iterator[Json]:
    for each in side.get("artifacts", {}).values():
        yield from each.get("artifacts", [])


def enter(given: Json, inputs_spec: Json) -> tuple[Json, dict[str, str]]:
    """What TFX can read of an ExecutorInput.

    URIs become folders of this container; inputs that stand for none are left out; every artifact gets a name, by which
    TFX tells one from another; and its type, where the launcher does not say it.

    Args:
        given: ExecutorInput of Kubeflow's launcher; it is changed.
        inputs_spec: The node's `inputDefinitions`; {} where the spec has none.

    Returns:
        The ExecutorInput, and each folder with its URI.
    """
    uris: dict[str, str] = {}
    inputs, outputs = given.get("inputs", {}), given.get("outputs", {})
    for key, each in inputs.get("artifacts", {}).items():
        for artifact in each.get("artifacts", []):
            if not artifact.get("type") and key in inputs_spec.get("artifacts", {}):
                artifact["type"] = inputs_spec["artifacts"][key]["artifactType"]
    for artifact in (*_artifacts(inputs), *_artifacts(outputs)):
        uri = artifact["uri"]
        artifact["uri"] = local_path(uri)
        artifact["name"] = artifact.get("name") or uri
        uris[artifact["uri"]] = uri
    for artifact in _artifacts(outputs):
        os.makedirs(artifact["uri"], exist_ok=True)
    present: Json = {}
    for key, each in inputs.get("artifacts", {}).items():
        there = [artifact for artifact in each.get("artifacts", []) if not is_absent(artifact["uri"])]
        if there:
            present[key] = {**each, "artifacts": there}
    if inputs:
        inputs["artifacts"] = present
    return given, uris


def leave(written: Json, uris: dict[str, str]) -> Json:
    """An ExecutorOutput of TFX as Kubeflow's launcher reads it: with the URIs that it gave, and no names of ours."""
    for artifact in _artifacts(written):
        artifact["uri"] = uris.get(artifact["uri"], artifact["uri"])
        artifact.pop("name", None)
    return written
