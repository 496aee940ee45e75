"""What a new day costs FeedbackGen's Beam step, beside everything anew.

    python -m benchmarks.spans                      # 2,000,000 rows in days of 50,000, and one more day
    python -m benchmarks.spans --rows 20000000
    python -m benchmarks.spans --gzip               # times as dates, and the files compressed, as logs often are

The rows are those of `benchmarks.transform`, in the order of their times, a CSV file a day. "Anew" keeps nothing.
"Added" has the rows of all days but the last kept by an earlier run, which is "first". Processor time counts, since it
does not depend on what else the machine does; wall time stands beside it.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks import measure
from benchmarks.measure import Measured, Side
from benchmarks.transform import shape_of, write_rows

_DAY = 50_000


def write_days(folder: Path, rows: int, seed: int, zipped: bool) -> list[Path]:
    """Writes a file of `_DAY` rows for each day. `zipped`: with dates, and compressed."""
    users, items = shape_of(rows)
    write_rows(folder / "rows.parquet", rows, users, items, seed)
    table = pq.read_table(folder / "rows.parquet")
    table = table.take(pa.array(np.argsort(table["timestamp"].to_numpy(), kind="stable")))
    (folder / "rows.parquet").unlink()
    if zipped:
        place = table.schema.get_field_index("timestamp")
        table = table.set_column(place, "timestamp", table["timestamp"].cast(pa.timestamp("s")))
    paths = []
    for day, first in enumerate(range(0, rows, _DAY)):
        paths.append(folder / f"day-{day:05d}.csv{'.gz' if zipped else ''}")
        with pa.output_stream(paths[-1]) as stream:  # compressed where the name says so
            pyarrow.csv.write_csv(table.slice(first, _DAY), stream)
    return paths


def compare(rows: int, arguments: argparse.Namespace, folder: Path) -> dict[str, list[Measured]]:
    """The sides in turn.

    Raises:
        RuntimeError: What came of kept rows is something else than what came of the files.
    """
    last = write_days(folder, rows + _DAY, arguments.seed, arguments.gzip)[-1]
    runs: dict[str, list[Measured]] = {}
    for number in range(arguments.rounds):
        kept = folder / f"kept-{number}"
        for name, options in (("first", ("--kept", str(kept))), ("anew", ()), ("added", ("--kept", str(kept)))):
            measure.say(f"  round {number + 1}/{arguments.rounds}: {name} ...")
            if name == "first":
                last.rename(folder / "later")
            side = Side(
                name,
                "benchmarks.spans_pnfrec",
                (str(folder / f"day-{{SPAN}}{_suffix(last)}"), str(folder / "out"), *options),
            )
            runs.setdefault(name, []).append(side.run())
            if name == "first":
                (folder / "later").rename(last)
        if runs["anew"][-1]["digest"] != runs["added"][-1]["digest"]:
            msg = "Kept rows led to another result than the files."
            raise RuntimeError(msg)
    return runs


def _suffix(path: Path) -> str:
    return "".join(path.suffixes)


def report(runs: dict[str, list[Measured]]) -> str:
    """A row a part of the work, and the sums."""
    parts = list(dict.fromkeys(name for found in runs.values() for name in found[0]["parts"]))
    table = []
    for part in parts:
        seconds = [float(np.median([run["parts"].get(part, 0.0) for run in runs[name]])) for name in runs]
        table.append(_row(part, seconds, list(runs)))
    for key, text in (("cpu", "all, processor time"), ("seconds", "all, wall time")):
        table.append(_row(text, [measure.median(runs[name], key) for name in runs], list(runs)))
    return measure.table(["seconds", *runs, "added / anew"], table)


def _row(name: str, seconds: list[float], names: list[str]) -> list[str]:
    of = dict(zip(names, seconds, strict=True))
    ratio = f"{of['added'] / of['anew']:.2f}" if of["anew"] > 0.005 else ""
    return [name, *(f"{value:.2f}" for value in seconds), ratio]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gzip", action="store_true", help="times as dates, in compressed files")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for rows in arguments.rows:
        measure.say(f"{rows:,} rows in days of {_DAY:,}, and one more day:")
        with tempfile.TemporaryDirectory() as folder:
            found[str(rows)] = compare(rows, arguments, Path(folder))
        measure.say("\n" + report(found[str(rows)]))
    measure.say("The output is the same, byte for byte.")
    path = measure.store("spans-gzip" if arguments.gzip else "spans", {"runs": found})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
