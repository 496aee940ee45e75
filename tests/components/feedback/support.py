"""Writes input files and reads back what FeedbackGen wrote."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from pnfrec_core import schema
from tests.components.feedback.reference import Row

COLUMNS = ("user", "item", "value", "timestamp", "polarity", "split")
MULTI_PROCESSING = ("--runner=DirectRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2")


def table(rows: Iterable[Row]) -> pa.Table:
    """Rows as a table; the polarity says whether the value is 0.5 or more."""
    rows = list(rows)
    return pa.table(
        {
            "user": pa.array([row.user for row in rows], pa.string()),
            "item": pa.array([row.item for row in rows], pa.string()),
            "value": pa.array([row.value for row in rows], pa.float64()),
            "timestamp": pa.array([row.time for row in rows], pa.int64()),
            "polarity": pa.array(["P" if row.value >= 0.5 else "n" for row in rows], pa.string()),
            "split": pa.array([row.split for row in rows], pa.string()),
        }
    )


def write_parquet(path: Path, rows: Iterable[Row], row_group: int | None = None) -> str:
    pq.write_table(table(rows), path, row_group_size=row_group)
    return str(path)


def write_csv(path: Path, rows: Iterable[Row]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(zip(*table(rows).to_pydict().values(), strict=True))
    return str(path)


def read_examples(folder: Path, split: str) -> list[dict[str, Any]]:
    """The examples of a split as dicts, shard by shard."""
    files = sorted(str(path) for path in (folder / f"Split-{split}").iterdir())
    return [parse(record) for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()]


def parse(record: bytes) -> dict[str, Any]:
    example: dict[str, Any] = {}
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        if name == schema.TARGET_IS_POSITIVE:
            (example[name],) = feature.int64_list.value
        elif name == schema.HISTORY_IS_POSITIVE:
            assert feature.WhichOneof("kind") == "int64_list"
            example[name] = list(feature.int64_list.value)
        elif name in (schema.HISTORY_MARGINS, schema.HISTORY_DAYS, schema.TARGET_DAY):
            assert feature.WhichOneof("kind") == "float_list"
            example[name] = list(feature.float_list.value)
        else:
            # An empty list is there, and says of which kind.
            assert feature.WhichOneof("kind") == "bytes_list"
            values = [value.decode() for value in feature.bytes_list.value]
            example[name] = values if name.endswith("_ids") else values[0]
            assert name.endswith("_ids") or len(values) == 1
    return example


def all_examples(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Examples by split, in canonical order over all shards (shards hold whole users, so a stable sort is enough)."""
    return {
        split: sorted(read_examples(folder, split), key=lambda example: str(example["user_id"]))
        for split in schema.SPLITS
    }


def vocabulary(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "vocabulary" / schema.VOCABULARY_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
