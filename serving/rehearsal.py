"""Loads a SavedModel as a server does, asks it, and prints how it answered as one line of JSON.

python -m serving.rehearsal FOLDER
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pnfrec_core import schema
from serving import errors, warmup

_TIMES = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """The program. Exit status: 0 it answers, 1 it does not; then `error` says why."""
    parser = argparse.ArgumentParser(prog="python -m serving.rehearsal", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of one SavedModel")
    folder = parser.parse_args(arguments).folder
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A GPU may be in use by a training beside this.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        found: dict[str, float | str] = _rehearse(folder)
    except (errors.RequestFault, OSError, ValueError) as error:
        fail(str(error))
    except Exception as error:  # of TensorFlow, which is imported by then
        fail(f"{type(error).__name__}: {error}")
    sys.stdout.write(json.dumps(found) + "\n")


def fail(reason: str) -> NoReturn:
    """Ends the program. The reason is its output: TensorFlow 2.21 logs to the standard error whatever it is told."""
    sys.stdout.write(json.dumps({"error": reason}) + "\n")
    sys.exit(1)


def _rehearse(folder: Path) -> dict[str, float | str]:
    from serving.model import LoadedModel

    began = time.monotonic()
    model = LoadedModel(folder, version=0)
    try:
        model.warm_up()
        loaded = time.monotonic() - began
        slowest, name = 0.0, schema.SERVING_SIGNATURE
        for request in warmup.read(folder):
            signature = request.model_spec.signature_name
            first = request.inputs.get(schema.POSITIVE_ITEM_IDS)
            if signature not in schema.QUERY_SIGNATURES or first is None or first.tensor_shape.dim[0].size != 1:
                continue
            took = statistics.median(_seconds(model, signature, request) for _ in range(_TIMES))
            if took > slowest:
                slowest, name = took, signature
    finally:
        model.close()
    return {"load_seconds": round(loaded, 3), "answer_ms": round(slowest * 1000, 3), "signature": name}


def _seconds(model: Any, signature: str, request: Any) -> float:
    began = time.perf_counter()
    model.predict(signature, request.inputs)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
