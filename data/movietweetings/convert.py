"""Makes `ratings.parquet` and `movies.csv` from the files of the MovieTweetings 100K snapshot.

    python data/movietweetings/convert.py SNAPSHOT_FOLDER [OUTPUT_FOLDER]

Ids stay strings (their leading zeros matter), and the rows keep the order of `ratings.dat`, which decides between equal
timestamps.
"""

import csv
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SEPARATOR = "::"


def read(path: Path) -> list[list[str]]:
    """The fields of each line of a `::`-separated UTF-8 file."""
    return [line.split(SEPARATOR) for line in path.read_text(encoding="utf-8").split("\n") if line]


def convert(snapshot: Path, output: Path) -> None:
    """Writes the two files of `snapshot` (`ratings.dat`, `movies.dat`) to `output`."""
    users, items, values, timestamps = zip(*read(snapshot / "ratings.dat"), strict=True)
    table = pa.table(
        {
            "user": pa.array(users, pa.string()),
            "item": pa.array(items, pa.string()),
            "value": pa.array(map(int, values), pa.int8()),
            "timestamp": pa.array(map(int, timestamps), pa.int64()),
        }
    )
    pq.write_table(table, output / "ratings.parquet", compression="zstd", compression_level=19)
    rated = set(items)
    with (output / "movies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["item", "title"])
        writer.writerows((item, title) for item, title, *_ in read(snapshot / "movies.dat") if item in rated)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
