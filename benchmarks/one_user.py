"""FeedbackGen on one user with millions of events, beside as many rows that are spread over users.

    python -m benchmarks.one_user                                   # 10,000,000 rows of one user among 11,000,000
    python -m benchmarks.one_user --targets successive --heavy 1000000 --rows 2000000

Both files have the same number of rows, users and items (`benchmarks/transform.py`), and go through the same rules.
Seconds of processor time count where other work runs on the machine.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Side
from benchmarks.transform import shape_of, write_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=11_000_000)
    parser.add_argument("--heavy", type=int, default=10_000_000, help="so many of the rows are those of one user")
    parser.add_argument("--targets", default="last")
    parser.add_argument("--duplicates", default="all")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    users, items = shape_of(arguments.rows)
    rules = ("--targets", arguments.targets, "--duplicates", arguments.duplicates)
    with tempfile.TemporaryDirectory() as folder:
        sides = []
        for name, heavy in (("spread", 0), ("one user", arguments.heavy)):
            path = Path(folder) / f"{name}.parquet"
            write_rows(path, arguments.rows, users, items, arguments.seed, heavy)
            sides.append(Side(name, "benchmarks.transform_pnfrec", (str(path), f"{folder}/{name}-out", *rules)))
        runs = measure.in_turn(sides, arguments.rounds)
    units = ("seconds", "cpu_seconds", "peak_gib")
    found = {name: [measure.median(side, unit) for unit in units] for name, side in runs.items()}
    rows = [[name, *(f"{value:.2f}" for value in values)] for name, values in found.items()]
    ratios = [one / spread for one, spread in zip(found["one user"], found["spread"], strict=True)]
    rows.append(["one user / spread", *(f"{ratio:.2f}" for ratio in ratios)])
    measure.say(measure.table([f"{arguments.rows:,} rows", "seconds", "of CPU", "GiB"], rows))
    path = measure.store("one_user", {"settings": vars(arguments), "runs": runs})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
