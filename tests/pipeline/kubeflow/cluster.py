"""Runs a compiled spec node by node as open-source Kubeflow Pipelines does, on this machine and without containers.

What its driver, launcher and object store do, as far as a node can notice it: each node is started by its own command
with an ExecutorInput in the place of `{{$}}`; it sees only its inputs, mirrored in folders of its own, by `minio://`
URIs and without names; of its outputs only files stay, since a store knows no empty folders; what it writes into
`outputFile` goes with the artifacts. A node waits for its `dependentTasks` and for nothing else.
"""

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STORE = "minio://mlpipeline/v2/artifacts"
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Done:
    """How a node ended.

    Attributes:
        state: "SUCCEEDED", "FAILED", or "SKIPPED" where a node that it waits for did not succeed.
        outputs: RuntimeArtifact of each output.
        log: What the node printed.
    """

    state: str
    outputs: dict[str, Json] = dataclasses.field(default_factory=dict)
    log: str = ""


class Cluster:
    """An object store and a place for containers.

    Args:
        folder: Where both are.
        python: What is called in the place of `python`.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self._python = python

    def stored(self, uri: str) -> Path:
        """Where the store keeps what lies at a URI."""
        assert uri.startswith("minio://"), uri
        return self.folder / "store" / uri.removeprefix("minio://")

    def run(self, spec: Json, run: str, before: Mapping[str, Done] | None = None) -> dict[str, Done]:
        """Runs the nodes of a spec, each after those that it waits for.

        Args:
            spec: The `pipelineSpec`.
            run: Its id.
            before: Nodes that are not run again, as where Kubeflow retries a run.
        """
        tasks: Json = spec["root"]["dag"]["tasks"]
        done: dict[str, Done] = dict(before or {})
        while len(done) < len(tasks):
            waiting = {
                name: task.get("dependentTasks", [])
                for name, task in tasks.items()
                if name not in done and set(task.get("dependentTasks", [])) <= set(done)
            }
            assert waiting, f"the nodes {sorted(set(tasks) - set(done))} wait for one another"
            for name, upstream in waiting.items():
                ready = all(done[each].state == "SUCCEEDED" for each in upstream)
                done[name] = self._node(spec, run, name, done) if ready else Done("SKIPPED")
        return done

    def _node(self, spec: Json, run: str, name: str, done: dict[str, Done]) -> Done:
        task = spec["root"]["dag"]["tasks"][name]
        component = spec["components"][task["componentRef"]["name"]]
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        pod = self.folder / "pods" / run / name
        pod.mkdir(parents=True)
        place = f"{STORE}/{spec['pipelineInfo']['name']}/{run}/{name}/1"
        given = _executor_input(task, component, done, place, str(pod / "kfp_outputs" / "output_metadata.json"))
        for each in given["inputs"]["artifacts"].values():
            self._mirror(each["artifacts"][0]["uri"], pod, to_store=False)
        for each in given["outputs"]["artifacts"].values():
            _mirrored(pod, each["artifacts"][0]["uri"]).parent.mkdir(parents=True, exist_ok=True)
        words = [self._python if word == "python" else word for word in container["command"]]
        words += [word.replace("{{$}}", json.dumps(given)) for word in container["args"]]
        (pod / "work").mkdir()
        process = subprocess.run(
            words,
            cwd=pod / "work",
            env={**os.environ, "PNFREC_KUBEFLOW_ROOT": str(pod)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        if process.returncode:
            return Done("FAILED", log=process.stdout)
        outputs = self._outputs(given["outputs"], pod)
        shutil.rmtree(pod)
        return Done("SUCCEEDED", outputs, process.stdout)

    def _outputs(self, outputs: Json, pod: Path) -> dict[str, Json]:
        """What the launcher records of the outputs: what it gave, and what the node wrote; their files are stored."""
        path = Path(outputs["outputFile"])
        written = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        found = {}
        for key, each in outputs["artifacts"].items():
            artifact = dict(each["artifacts"][0])
            for told in written.get("artifacts", {}).get(key, {}).get("artifacts", [])[:1]:
                assert "name" not in told
                # Kubeflow refuses what does not lie where it told the node to put it, here or at the next node.
                assert told["uri"] == artifact["uri"]
                artifact["metadata"] = {**artifact.get("metadata", {}), **told.get("metadata", {})}
            self._mirror(artifact["uri"], pod, to_store=True)
            # What its own record adds, and the next node sees.
            artifact["metadata"] |= {"display_name": key, "store_session_info": "{}"}
            found[key] = artifact
        return found

    def _mirror(self, uri: str, pod: Path, to_store: bool) -> None:
        """Copies files, and no empty folders, between the store and a container."""
        ends = [_mirrored(pod, uri), self.stored(uri)]
        source, target = ends if to_store else ends[::-1]
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _mirrored(pod: Path, uri: str) -> Path:
    return pod / uri.replace("://", "/")


def _executor_input(task: Json, component: Json, done: dict[str, Done], place: str, output_file: str) -> Json:
    """What the driver hands to a node."""
    wanted = task.get("inputs", {})
    artifacts = {}
    for key, each in wanted.get("artifacts", {}).items():
        source = each["taskOutputArtifact"]
        assert source["producerTask"] in task["dependentTasks"], f"{key}: nothing makes the node wait for its input"
        artifacts[key] = {"artifacts": [done[source["producerTask"]].outputs[source["outputArtifactKey"]]]}
    # Only `constant`: of `constantValue`, spec 2.0, Kubeflow's driver says that it is not implemented.
    parameters = {key: each["runtimeValue"]["constant"] for key, each in wanted.get("parameters", {}).items()}
    outputs = {
        key: {"artifacts": [{"uri": f"{place}/{key}", "type": each["artifactType"], "metadata": {}}]}
        for key, each in component.get("outputDefinitions", {}).get("artifacts", {}).items()
    }
    return {
        "inputs": {"artifacts": artifacts, "parameterValues": parameters},
        "outputs": {"artifacts": outputs, "outputFile": output_file},
    }
