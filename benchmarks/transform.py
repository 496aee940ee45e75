"""The Beam step beside polars, on generated rows.

    python -m benchmarks.transform                       # 20,000,000 rows of ML-20M's shape, ours and polars in turn
    python -m benchmarks.transform --rows 1000000 5000000 20000000   # growth
    python -m benchmarks.transform --rows 1000000 --workers 2        # two processes: the same records?

Users have log-normal activity and rate in one sitting, one in five in two; items have a Zipf popularity, ratings 1 to
5.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import measure
from benchmarks.measure import Side

_START, _END = 956_703_932, 1_046_454_590
_CHUNK = 1_000_000
_SAME = ("training_users", "training_items", "items", "held_out_users")


def write_rows(path: Path, rows: int, users: int, items: int, seed: int, of_one: int = 0) -> None:
    """Writes `rows` seeded rows to a Parquet file, in the order of their users.

    Args:
        path: The file.
        rows: How many.
        users: Among how many they are spread.
        items: Size of the catalogue.
        seed: Of all that is drawn.
        of_one: So many of the rows are those of the first user, at any time, and the others are spread.
    """
    generator = np.random.default_rng(seed)
    activity = generator.lognormal(0.0, 1.0, users)
    counts = generator.multinomial(rows - of_one, activity / activity.sum())
    counts[0] += of_one
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
        if of_one:
            times = np.where(part == 0, generator.integers(_START, _END, len(part)), times)
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


def shape_of(rows: int) -> tuple[int, int]:
    """Users and items: ML-20M has 144 rows a user and 26,744 items."""
    return max(rows * 138_493 // 20_000_263, 100), 26_744


def compare(rows: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Ours, and the peer or ours with several workers, in turn on the same file.

    Raises:
        RuntimeError: The two sides did not compute the same.
    """
    users, items = shape_of(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, rows, users, items, arguments.seed)
        size = path.stat().st_size / 2**20
        measure.say(f"{rows:,} rows, {users:,} users, {items:,} items, {size:.0f} MiB:")
        runs: dict[str, list[measure.Measured]] = {}
        for number in range(arguments.rounds):
            for side in _sides(str(path), Path(folder) / str(number), arguments.workers):
                measure.say(f"  round {number + 1}/{arguments.rounds}: {side.name} ...")
                runs.setdefault(side.name, []).append(side.run())
    ours, other = (found[0] for found in runs.values())
    same = ["digest"] if arguments.workers > 1 else _SAME
    if differing := [key for key in same if ours[key] != other[key]]:
        msg = f"The two sides differ: {', '.join(f'{key} {ours[key]} and {other[key]}' for key in differing)}."
        raise RuntimeError(msg)
    return {"rows": rows, "users": users, "items": items, "runs": runs}


def _sides(path: str, folder: Path, workers: int) -> list[Side]:
    ours = "benchmarks.transform_pnfrec"
    if workers > 1:
        return [
            Side("1 worker", ours, (path, f"{folder}-one", "--digest")),
            Side(f"{workers} workers", ours, (path, f"{folder}-many", "--digest", "--workers", str(workers))),
        ]
    peer = Side("polars", "benchmarks.transform_polars", (path, f"{folder}-polars"), measure.PEERS)
    return [Side("pnfrec", ours, (path, f"{folder}-pnfrec")), peer]


def row(comparison: dict[str, Any]) -> list[str]:
    names = list(comparison["runs"])
    ours, other = comparison["runs"].values()
    seconds = [measure.median(side, "seconds") for side in (ours, other)]
    peaks = [measure.median(side, "peak_gib") for side in (ours, other)]
    return [
        f"{comparison['rows']:,}",
        f"{seconds[0]:.1f} s",
        f"{comparison['rows'] / seconds[0]:,.0f}",
        f"{peaks[0]:.2f} GiB",
        f"{seconds[1]:.1f} s {names[1]}",
        f"{peaks[1]:.2f} GiB",
        f"{seconds[0] / seconds[1]:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="above 1: one worker beside several, no peer")
    arguments = parser.parse_args()
    found = [compare(rows, arguments) for rows in arguments.rows]
    header = ["rows", "ours", "rows/s", "memory", "beside", "its memory", "ours / its"]
    measure.say("\n" + measure.table(header, [row(each) for each in found]))
    if arguments.workers > 1:
        measure.say(f"Records with 1 and {arguments.workers} workers are the same, byte for byte in canonical order.")
    else:
        measure.say("Users, items and rows kept are the same on both sides.")
    path = measure.store("transform" if arguments.workers == 1 else "transform-workers", {"comparisons": found})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
