"""Times FeedbackGen's Beam step on generated rows.

    python benchmarks/transform.py --rows 1000000

The rows look like MovieLens-1M: users with log-normal activity who rate in one sitting, one in five in two; items with
a Zipf popularity; ratings of 1 to 5.
"""

import argparse
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.config import FeedbackConfig
from components.feedback.run import generate
from components.feedback.summary import format_summary

_START, _END = 956_703_932, 1_046_454_590
_CHUNK = 1_000_000


def write_rows(path: Path, rows: int, users: int, items: int, seed: int) -> None:
    """Writes `rows` seeded rows to a Parquet file, in the order of their users."""
    generator = np.random.default_rng(seed)
    activity = generator.lognormal(0.0, 1.0, users)
    counts = generator.multinomial(rows, activity / activity.sum())
    begin = generator.integers(_START, _END, users)
    again = np.where(generator.random(users) < 0.2, generator.integers(0, _END - begin), 0)
    popularity = 1.0 / np.arange(1, items + 1) ** 0.8
    weights = np.cumsum(popularity / popularity.sum())
    names = np.array([f"{index * 7919 % 10**7:07d}" for index in range(items)])
    user = np.repeat(np.arange(users), counts)
    writer = None
    for first in range(0, rows, _CHUNK):
        part = user[first : first + _CHUNK]
        item = np.minimum(np.searchsorted(weights, generator.random(len(part))), items - 1)
        times = begin[part] + again[part] * generator.integers(0, 2, len(part)) + generator.integers(0, 3600, len(part))
        table = pa.table(
            {
                "user": pa.array(part.astype(str)),
                "item": pa.array(names[item]),
                "value": pa.array(generator.choice(np.arange(1, 6), len(part), p=[0.06, 0.11, 0.26, 0.35, 0.22])),
                "timestamp": pa.array(times),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table)
    if writer:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=6_000)
    parser.add_argument("--items", type=int, default=3_700)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="above 1: as many processes")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--split", default="global_time")
    parser.add_argument("--positive", default="4")
    parser.add_argument("--targets", default="last")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    mode = "in_memory" if arguments.workers == 1 else "multi_processing"
    beam_args = ["--runner=DirectRunner", f"--direct_running_mode={mode}", f"--direct_num_workers={arguments.workers}"]
    positive = float(arguments.positive) if arguments.positive.replace(".", "").isdigit() else arguments.positive
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, arguments.rows, arguments.users, arguments.items, arguments.seed)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        config = FeedbackConfig(files=[str(path)], positive=positive, split=arguments.split, targets=arguments.targets)
        for repeat in range(arguments.repeat):
            begin, begin_cpu = time.perf_counter(), time.process_time()
            statistics = generate(config, Path(folder) / f"output{repeat}", beam_args)
            seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
            rate = f"{arguments.rows / seconds:,.0f} rows/s"
            sys.stdout.write(f"{arguments.rows:,} rows in {seconds:.2f} s: {rate} (this process: {cpu:.2f} s of CPU)\n")
        usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        sys.stdout.write(format_summary(statistics))
        children = f", of the largest child process {usage[1] / 2**20:.2f} GiB" if arguments.workers > 1 else ""
        sys.stdout.write(f"peak memory {usage[0] / 2**20:.2f} GiB (before {before / 2**20:.2f} GiB){children}\n")


if __name__ == "__main__":
    main()
