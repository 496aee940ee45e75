"""TFX's StatisticsGen on the training examples of generated rows: all of them beside a sample.

python -m benchmarks.statistics_gen                    # 20,000,000 rows of ML-20M's shape, a sample of a tenth
python -m benchmarks.statistics_gen --rows 5000000 --rate 0.02
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Side
from benchmarks.transform import shape_of, write_rows

_MODULE = "benchmarks.statistics_gen"


def generate_statistics(examples: Path, output: Path, rate: float) -> dict[str, Any]:
    """Seconds, and seconds of CPU, of the node's executor without its imports."""
    from tfx.components.statistics_gen.executor import Executor
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts

    from components.data_contract.config import StatisticsConfig
    from components.data_contract.statistics import statistics_gen
    from pipeline.config import BeamConfig

    found, told = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    found.uri, told.uri = str(examples), str(output)
    found.split_names = artifact_utils.encode_split_names(["train", "validation", "test"])
    from tfx import types

    node = statistics_gen(types.Channel(type=standard_artifacts.Examples), StatisticsConfig(sample_rate=rate))
    arguments = BeamConfig().arguments()
    context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=arguments, tmp_dir=str(output) + "-tmp")
    begin, cpu = time.perf_counter(), time.process_time()
    Executor(context).Do({"examples": [found]}, {"statistics": [told]}, node.exec_properties)
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--examples", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.examples:
        result = generate_statistics(arguments.examples, arguments.output, arguments.rate)
        sys.stdout.write(json.dumps(result) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        rows, examples = Path(folder) / "rows.parquet", Path(folder) / "examples"
        write_rows(rows, arguments.rows, *shape_of(arguments.rows), seed=0)
        Side("examples", "benchmarks.transform_pnfrec", (str(rows), str(examples))).run()
        sides = [
            Side(name, _MODULE, ("--examples", str(examples), "--output", f"{folder}/{name}", "--rate", str(rate)))
            for name, rate in (("all", 1.0), (f"sample of {arguments.rate:g}", arguments.rate))
        ]
        runs = measure.in_turn(sides, arguments.rounds)
    keys = ("seconds", "cpu", "peak_gib")
    medians = {name: {key: measure.median(found, key) for key in keys} for name, found in runs.items()}
    lines = [[name, *(f"{value:.2f}" for value in found.values())] for name, found in medians.items()]
    whole, sample = medians.values()
    measure.say("\n" + measure.table(["examples", "seconds", "CPU", "GiB"], lines))
    ratios = ", ".join(f"{key} {sample[key] / whole[key]:.2f}" for key in keys)
    measure.say(f"The sample beside all of them: {ratios}.")
    path = measure.store("statistics_gen", {"rows": arguments.rows, "rate": arguments.rate, "runs": runs})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
