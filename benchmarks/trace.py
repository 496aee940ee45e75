"""Where an epoch goes, by a TensorFlow trace: whether a step ever waits for its data, and which ops take the time.

python -m benchmarks.trace
"""

import argparse
import glob
import os
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import measure
from benchmarks.measure import Side
from benchmarks.training import SHAPES

_STEP = "multi_step_on_iterator"
# What a step does until its batch is there.
_INPUT = "IteratorGetNextOp::DoCompute"
_WORKERS = "tf_Compute"
# These hold other ops.
_CONTAINERS = {"StatefulPartitionedCall", "PartitionedCall", "While", "If"}


def read_trace(folder: str) -> Any:
    """The planes of the newest trace below a folder."""
    warnings.simplefilter("ignore", FutureWarning)  # Google's API client, about the Python
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # 3 s

    newest = max(glob.glob(f"{folder}/**/*.xplane.pb", recursive=True), key=os.path.getmtime)
    space = xplane_pb2.XSpace()
    space.ParseFromString(Path(newest).read_bytes())
    return space.planes


def summarise(planes: Any) -> dict[str, Any]:
    """Seconds of the steps, of waiting for input in them, and by part of the network and op over all threads."""
    steps = waiting = 0.0
    ops: Counter[str] = Counter()
    for plane in planes:
        for line in plane.lines:
            for event in line.events:
                name, seconds = plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e12
                steps += seconds if name == _STEP else 0.0
                waiting += seconds if name == _INPUT else 0.0
                if line.name.startswith(_WORKERS) and (kind := _kind(name)):
                    ops[kind] += seconds
    return {"steps": steps, "waiting": waiting, "ops": dict(ops.most_common())}


def _kind(name: str) -> str:
    """Part of the network and type of an op; "" for what is no op."""
    path, separator, op = name.rpartition(":")
    if not separator or path.endswith(":") or op in _CONTAINERS:
        return ""
    path = path.replace("StatefulPartitionedCall/", "")
    if path.startswith("while"):
        return f"cross-entropy {op}"
    direction = "backward" if "gradient" in path else "forward"
    part = next((part for part in ("norm", "dropout", "attention", "inner", "outer") if part in path), "other")
    return f"{part} {direction}" if part in ("norm", "dropout") else f"{part} {direction} {op}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    found = {}
    for shape, workload in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            data = str(Path(folder) / "workload.npz")
            Side(shape, "benchmarks.workloads", (workload, data)).run()
            options = ("--epochs", "2", "--threads", str(arguments.threads), "--profile", folder)
            run = Side("pnfrec", "benchmarks.train_pnfrec", (data, *options)).run()
            found[shape] = {**summarise(read_trace(folder)), "epoch": run["seconds"][-1]}
        measure.say(_report(shape, found[shape]))
    path = measure.store("trace", {"shapes": found})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


def _report(shape: str, summary: dict[str, Any]) -> str:
    waiting, total = summary["waiting"], sum(summary["ops"].values())
    title = (
        f"{shape}: an epoch of {summary['epoch']:.2f} s under trace, {summary['steps']:.2f} s in steps, of which "
        f"{waiting:.3f} s ({waiting / summary['steps']:.2%}) waiting for data.\n"
    )
    rows = [[kind, f"{seconds:.2f} s", f"{seconds / total:.1%}"] for kind, seconds in list(summary["ops"].items())[:16]]
    return title + measure.table(["ops, over all threads", "", ""], rows)


if __name__ == "__main__":
    main()
