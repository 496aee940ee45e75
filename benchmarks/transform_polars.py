"""The peer of `benchmarks/transform.py`: the same feedback protocol in polars, one process, Parquet out.

Filters (one pass), vocabulary with counts, global time split, at least two positive training rows a user, a positive
and a negative sequence a training user, history and target an evaluation user. It writes Parquet lists, where ours
writes gzip TFRecords with slices and accounts for every row: the peer has less to do.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl


def transform(source: str, target: Path, threshold: float) -> dict[str, int]:
    """Writes `train.parquet`, `evaluation.parquet` and `vocabulary.parquet`; returns what was counted."""
    rows = pl.scan_parquet(source).with_row_index("order").collect()
    per_item = rows.group_by("item").agg(pl.col("user").n_unique().alias("users")).filter(pl.col("users") >= 5)
    rows = rows.join(per_item.select("item"), on="item", how="semi")
    per_user = rows.group_by("user").agg(pl.col("item").n_unique().alias("items")).filter(pl.col("items") >= 5)
    rows = rows.join(per_user.select("user"), on="user", how="semi")
    boundary = rows["timestamp"].quantile(0.9, interpolation="nearest")
    rows = rows.with_columns(positive=pl.col("value") >= threshold).sort("user", "timestamp", "order")
    train, held_out = rows.filter(pl.col("timestamp") < boundary), rows.filter(pl.col("timestamp") >= boundary)
    users = train.group_by("user").agg(pl.col("positive").sum().alias("count")).filter(pl.col("count") >= 2)
    vocabulary = (
        train.group_by("item")
        .agg(pl.len().alias("count"), pl.col("positive").sum().alias("positive_count"))
        .sort(["count", "item"], descending=[True, False])
    )
    known = held_out.join(train.select("user").unique(), on="user", how="semi").join(
        vocabulary.select("item"), on="item", how="semi"
    )
    held_out = known.join(users.select("user"), on="user", how="semi")
    train_users = train.join(users.select("user"), on="user", how="semi")
    sequences = train_users.group_by("user", maintain_order=True).agg(
        pl.col("item").filter("positive").alias("positive"),
        pl.col("item").filter(~pl.col("positive")).alias("negative"),
    )
    # Both parts are sorted; every held-out row comes after every training row.
    history = pl.concat([train_users.join(held_out.select("user"), on="user", how="semi"), held_out])
    evaluation = history.group_by("user", maintain_order=True).agg(
        pl.col("item").slice(0, pl.len() - 1).filter(pl.col("positive").slice(0, pl.len() - 1)).alias("positive"),
        pl.col("item").slice(0, pl.len() - 1).alias("seen"),
        pl.col("item").last().alias("target"),
        pl.col("positive").last().alias("target_is_positive"),
    )
    is_test = evaluation["user"].hash(0) % 2 == 0
    evaluation = evaluation.with_columns(split=is_test).filter(pl.col("split") | pl.col("target_is_positive"))
    sequences.write_parquet(target / "train.parquet")
    evaluation.write_parquet(target / "evaluation.parquet")
    vocabulary.write_parquet(target / "vocabulary.parquet")
    return {
        "training_users": len(sequences),
        "training_items": int(sequences["positive"].list.len().sum() + sequences["negative"].list.len().sum()),
        "items": len(vocabulary),
        "held_out_users": known["user"].n_unique(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows")
    parser.add_argument("output", type=Path)
    parser.add_argument("--positive", type=float, default=4)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True)
    begin = time.perf_counter()
    counted: dict[str, Any] = transform(arguments.rows, arguments.output, arguments.positive)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    version = f"polars {pl.__version__}"
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_gib": peak, "version": version, **counted}) + "\n")


if __name__ == "__main__":
    main()
