"""StatisticsGen on the training examples of generated rows: all of them beside a sample, by files and by batches.

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


def generate_statistics(examples: Path, output: Path, rate: float, by_batches: bool = False) -> dict[str, Any]:
    """Seconds, and seconds of CPU, of the node's executor without its imports.

    Args:
        examples: Of FeedbackGen.
        output: Where the statistics go.
        rate: `statistics.sample_rate`.
        by_batches: Whether TFX's own executor draws the sample, among what it has read.
    """
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
    executor = Executor if by_batches else node.executor_spec.executor_class
    executor(context).Do({"examples": [found]}, {"statistics": [told]}, node.exec_properties)
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
    parser.add_argument("--by-batches", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.examples:
        result = generate_statistics(arguments.examples, arguments.output, arguments.rate, arguments.by_batches)
        sys.stdout.write(json.dumps(result) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        rows, examples = Path(folder) / "rows.parquet", Path(folder) / "examples"
        write_rows(rows, arguments.rows, *shape_of(arguments.rows), seed=0)
        Side("examples", "benchmarks.transform_pnfrec", (str(rows), str(examples))).run()
        common = ("--examples", str(examples), "--output", f"{folder}/statistics")
        rate = ("--rate", str(arguments.rate))
        sides = [
            Side("all", _MODULE, (*common, "--rate", "1.0")),
            Side(f"{arguments.rate:g} of the batches", _MODULE, (*common, *rate, "--by-batches")),
            Side(f"{arguments.rate:g} of the files", _MODULE, (*common, *rate)),
        ]
        runs = measure.in_turn(sides, arguments.rounds)
    keys = ("seconds", "cpu", "peak_gib")
    medians = {name: {key: measure.median(found, key) for key in keys} for name, found in runs.items()}
    lines = [[name, *(f"{value:.2f}" for value in found.values())] for name, found in medians.items()]
    measure.say("\n" + measure.table(["examples", "seconds", "CPU", "GiB"], lines))
    whole, *samples = medians.items()
    for name, sample in samples:
        ratios = ", ".join(f"{key} {sample[key] / whole[1][key]:.2f}" for key in keys)
        measure.say(f"{name} beside all of them: {ratios}.")
    path = measure.store("statistics_gen", {"rows": arguments.rows, "rate": arguments.rate, "runs": runs})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
