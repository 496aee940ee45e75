"""`pnfrec recommend` for a source of many users: reading it by Beam, ranking all, writing Parquet.

    python -m benchmarks.bulk [--users 100000] [--items 27000]

The model has random weights, which cost as much as trained ones. Seconds of the whole command, in a process of its own,
and of the ranking alone as the command tells it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import measure

_ROWS_A_USER = 30


def _write_feedback(path: Path, users: int, items: int) -> None:
    """Rows of a popularity that falls as 1 / rank, half of them liked."""
    generator = np.random.default_rng(0)
    rows = users * _ROWS_A_USER
    shares = 1 / np.arange(1, items + 1)
    chosen = generator.choice(items, rows, p=shares / shares.sum())
    table = {
        "user": pa.array(np.repeat(np.arange(users), _ROWS_A_USER)).cast(pa.string()),
        "item": pa.array(chosen).cast(pa.string()),
        "value": pa.array(generator.integers(1, 11, rows), pa.int32()),
        "timestamp": pa.array(generator.integers(1_500_000_000, 1_600_000_000, rows)),
    }
    pq.write_table(pa.table(table), path)


def _write_model(base: Path, items: int) -> None:
    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    counts = np.arange(items, 0, -1)
    vocabulary = Vocabulary([str(item) for item in range(items)], counts, counts // 2 + 1)
    export_saved_model(PNFRec(items), vocabulary, base / "1", rule="like_odds", gamma=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=27_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_feedback(folder / "rows.parquet", options.users, options.items)
        _write_model(folder / "serving", options.items)
        config = folder / "config.yaml"
        config.write_text(
            f"name: bulk\noutput: {folder}/run\nserving: {folder}/serving\n"
            "feedback: {files: [rows.parquet], positive: 6}\ngate: {bounds: {ndcg_p: {min: 0}}}\n"
        )
        command = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "recommend",
            "--config",
            str(config),
            "--output",
            str(folder / "lists"),
        ]
        began = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        summary = json.loads((folder / "lists" / "_summary.json").read_text())
        measure.say(
            f"{summary['users']:,} users x {options.items:,} items: {seconds:.0f} s, "
            f"{used.ru_utime + used.ru_stime:.0f} s of CPU, {used.ru_maxrss / 2**20:.1f} GiB at most"
        )


if __name__ == "__main__":
    main()
