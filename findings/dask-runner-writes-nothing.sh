#!/usr/bin/env bash
# Beam's DaskRunner never ends a bundle: files of examples are not written, part of a batch is lost, and the pipeline says DONE.
#
# Versions: apache-beam 2.77.0, dask 2026.8.0, distributed 2026.8.0, pyarrow 25.0.1, Python 3.11.
# Behaviour: 1,000 rows of feedback. Elements that pass one by one, and groups by user, arrive in full. But `finish_bundle` is called for
#   no DoFn, which is where Beam's own sinks write and where rows that were held back for a batch go on: `WriteToText`,
#   `WriteToParquet` and `WriteToTFRecord` leave no file but an empty temporary folder, and `BatchElements` drops the rows of each last batch that is
#   not full. No error, no warning of it; `wait_until_finish` returns DONE. On the DirectRunner each of them has all 1,000.
#   So counts that a pipeline takes on its way are right and the examples that it writes, or scores in batches, are not there.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 to 3.13 (PYTHON names it), a package index, 1 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="apache-beam==2.77.0 dask==2026.8.0 distributed==2026.8.0 pyarrow==25.0.1 numpy==2.3.5 pandas==2.3.3 google-crc32c==1.7.1"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata
import pathlib
import tempfile
from collections.abc import Callable

import apache_beam as beam
import pyarrow
import pyarrow.parquet
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dask.dask_runner import DaskRunner

ROWS = [{"user": f"user {number % 50}", "item": f"item {number % 70}"} for number in range(1_000)]
SCHEMA = pyarrow.schema([("user", pyarrow.string()), ("item", pyarrow.string())])


class Note:
    """Writes a line for each element as it comes, without waiting for the end of a bundle."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, rows: int) -> None:
        with open(self.path, "a") as lines:
            lines.write(f"{rows}\n")


def lines(folder: pathlib.Path) -> int:
    return sum(int(line) for path in folder.glob("part*") for line in path.read_text().split())


def parquet_rows(folder: pathlib.Path) -> int:
    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in folder.glob("part*"))


def records(folder: pathlib.Path) -> int:
    """Of TFRecord: 8 bytes of length, 4 of its checksum, the content, 4 of the content's."""
    found = 0
    for path in folder.glob("part*"):
        content, place = path.read_bytes(), 0
        while place < len(content):
            place += 16 + int.from_bytes(content[place : place + 8], "little")
            found += 1
    return found


def steps(path: str) -> dict[str, tuple[Callable, Callable]]:
    """What is done with the rows, and what counts the rows that arrived."""
    return {
        "one by one": (lambda rows: rows | beam.Map(lambda _: 1) | beam.Map(Note(path)), lines),
        "grouped by user": (
            lambda rows: rows
            | beam.GroupBy(lambda row: row["user"])
            | beam.MapTuple(lambda _, group: len(list(group)))
            | beam.Map(Note(path)),
            lines,
        ),
        "BatchElements of 64": (
            lambda rows: rows | beam.BatchElements(64, 64) | beam.Map(len) | beam.Map(Note(path)),
            lines,
        ),
        "WriteToText": (lambda rows: rows | beam.Map(lambda _: "1") | beam.io.WriteToText(path), lines),
        "WriteToParquet": (lambda rows: rows | beam.io.WriteToParquet(path, SCHEMA), parquet_rows),
        "WriteToTFRecord": (
            lambda rows: rows | beam.Map(lambda row: row["user"].encode()) | beam.io.WriteToTFRecord(path),
            records,
        ),
    }


def run(name: str, runner: object) -> str:
    with tempfile.TemporaryDirectory() as folder:
        do, count = steps(f"{folder}/part")[name]
        pipeline = beam.Pipeline(runner=runner, options=PipelineOptions([]))
        do(pipeline | beam.Create(ROWS))
        state = pipeline.run().wait_until_finish()
        found = count(pathlib.Path(folder))
        return f"{state}, {'all' if found == len(ROWS) else 'none' if not found else 'some'} of {len(ROWS)} rows"


if __name__ == "__main__":
    for package in ("apache-beam", "dask", "distributed"):
        print(package, importlib.metadata.version(package))
    for name in steps(""):
        print(f"{name}: DirectRunner {run(name, 'DirectRunner')}; DaskRunner {run(name, DaskRunner())}", flush=True)
PYTHON

env/bin/python -W ignore measure.py 2>errors | tee found || { tail -30 errors >&2; exit 1; }

cat >seen <<'SEEN'
apache-beam 2.77.0
dask 2026.8.0
distributed 2026.8.0
one by one: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, all of 1000 rows
grouped by user: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, all of 1000 rows
BatchElements of 64: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, some of 1000 rows
WriteToText: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, none of 1000 rows
WriteToParquet: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, none of 1000 rows
WriteToTFRecord: DirectRunner DONE, all of 1000 rows; DaskRunner DONE, none of 1000 rows
SEEN
diff seen found && echo "As seen."
