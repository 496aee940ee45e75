"""Our side of `benchmarks/transform.py`: FeedbackGen's Beam step on a Parquet file, without TFX around it."""

import argparse
import gzip
import hashlib
import json
import logging
import resource
import sys
import time
from pathlib import Path

import apache_beam as beam

from components.feedback.config import FeedbackConfig
from components.feedback.run import generate


def digest(output: Path) -> str:
    """SHA-256 of all records in canonical order, that of their bytes: equal for any number of workers and shards."""
    records = sorted(record for file in output.glob("Split-*/*.gz") for record in _records(file))
    return hashlib.sha256(b"".join(records)).hexdigest()


def _records(file: Path) -> list[bytes]:
    data = gzip.decompress(file.read_bytes())
    records, place = [], 0
    while place < len(data):
        # TFRecord: length (8 bytes), its checksum (4), the record, its checksum (4).
        length = int.from_bytes(data[place : place + 8], "little")
        records.append(data[place + 12 : place + 12 + length])
        place += 16 + length
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows")
    parser.add_argument("output", type=Path)
    parser.add_argument("--workers", type=int, default=1, help="above 1: as many processes")
    parser.add_argument("--positive", type=float, default=4)
    parser.add_argument("--split", default="global_time")
    parser.add_argument("--targets", default="last")
    parser.add_argument("--duplicates", default=FeedbackConfig.duplicates)
    parser.add_argument("--digest", action="store_true", help="also hash the records")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    mode = "in_memory" if arguments.workers == 1 else "multi_processing"
    beam_args = ["--runner=DirectRunner", f"--direct_running_mode={mode}", f"--direct_num_workers={arguments.workers}"]
    config = FeedbackConfig(
        files=[arguments.rows],
        positive=arguments.positive,
        **{name: getattr(arguments, name) for name in ("split", "targets", "duplicates")},
    )
    begin, cpu = time.perf_counter(), time.process_time()
    statistics = generate(config, arguments.output, beam_args)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if arguments.workers > 1 else 0
    result = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_gib": max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children) / 2**20,
        "version": f"apache-beam {beam.__version__}",
        "training_users": statistics["examples"]["train"]["all"],
        "training_items": sum(statistics["rows"]["kept"]["train"].values()),
        "items": statistics["items"]["catalogue"],
        "held_out_users": statistics["users"]["heldout"],
        "digest": digest(arguments.output) if arguments.digest else "",
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
