"""The program that a container runs, with all its imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_what_stops_a_node_is_the_last_line(tmp_path: Path) -> None:
    """AnomalyGate, of whose input there is nothing."""
    schema = {
        "instanceSchema": "title: tfx.ExampleAnomalies\ntype: object\nproperties:\n  split_names:\n    type: string\n"
    }
    anomalies = {"uri": "minio://bucket/x", "type": schema, "metadata": {"split_names": '["train"]'}}
    given = {
        "inputs": {"artifacts": {"anomalies": {"artifacts": [anomalies]}}},
        "outputs": {"outputFile": str(tmp_path / "outputs" / "output.json")},
    }
    words = ["--executor_class_path", "components.data_gate.executor.Executor"]
    words += ["--json_serialized_invocation_args", json.dumps(given)]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.kubeflow.entry", *words],
        env={**os.environ, "PNFREC_KUBEFLOW_ROOT": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    path = tmp_path / "minio" / "bucket" / "x" / "Split-train" / "SchemaDiff.pb"
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith(f"No anomalies at {path}: ExampleValidator did not validate this split.")
    )
