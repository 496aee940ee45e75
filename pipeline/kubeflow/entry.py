"""What runs in a container of Kubeflow Pipelines: one node, by TFX's own entry point, with URIs and names translated.

It takes the arguments that TFX's compiler writes into a spec: `--executor_class_path`,
`--json_serialized_invocation_args`, `--json_serialized_inputs_spec_args`, and Beam's options.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from pipeline import run_log
from pipeline.failures import root_cause
from pipeline.kubeflow import executor_input

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """Runs a node; returns the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False, description=__doc__)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    arguments, beam = parser.parse_known_args(words)
    run_log.set_up()
    try:
        _run(arguments, beam)
    except Exception as error:
        log.exception("The node stopped.")
        log.error("%s", root_cause(error))  # last, where the UI of Kubeflow shows it
        return 1
    return 0


def _run(arguments: argparse.Namespace, beam: list[str]) -> None:
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    inputs_spec = json.loads(arguments.json_serialized_inputs_spec_args or "{}")
    given: dict[str, Any] = json.loads(arguments.json_serialized_invocation_args)
    translated, uris = executor_input.enter(given, inputs_spec)
    arguments.json_serialized_invocation_args = json.dumps(translated)
    kubeflow_v2_run_executor.main((arguments, beam))
    output = translated["outputs"]["outputFile"]
    with open(output, encoding="utf-8") as stream:
        written = executor_input.leave(json.load(stream), uris)
    partial = f"{output}.partial"
    with open(partial, "w", encoding="utf-8") as stream:
        json.dump(written, stream)
    os.replace(partial, output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
