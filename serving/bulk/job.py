"""Writes lists for all users, a part a shard, so that a job that was cut off goes on where it was."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pnfrec_core.files import replacing, write
from serving.bulk.histories import Histories, read_histories
from serving.bulk.ranking import Lists, rank
from serving.limits import Limits
from serving.model import LoadedModel

_EVERY_SECONDS: Final = 5.0


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be written.

    Attributes:
        shards: The files of training examples, in order.
        output: The folder of the parts; it exists.
        model: The folder of the SavedModel.
        version: Its number, for the column `version`.
        k: How many items a user.
        format: "parquet" or "csv".
        max_per_group: How many of one group, 0 for as many as there are.
    """

    shards: Sequence[Path]
    output: Path
    model: Path
    version: int
    k: int
    format: str = "parquet"
    max_per_group: int = 0

    def part(self, number: int) -> Path:
        """The file of a shard's lists."""
        return self.output / f"part-{number:05d}.{self.format}"


def write_lists(job: Job, tell: Callable[[str], None]) -> dict[str, Any]:
    """Writes the parts that are not there yet; each appears complete or not at all.

    Args:
        job: What to write.
        tell: Gets a line of progress every few seconds.

    Returns:
        Counts of the whole job: users, lists, fallback, empty, known and unknown items of histories, and rows.

    Raises:
        ValueError: A shard or the model cannot be read.
        serving.errors.RequestFault: The model refuses what is asked.
    """
    model = LoadedModel(job.model, job.version, limits=Limits(model_threads=1))
    try:
        return _write(job, model, tell)
    finally:
        model.close()


def _write(job: Job, model: LoadedModel, tell: Callable[[str], None]) -> dict[str, Any]:
    totals = dict.fromkeys(("users", "fallback", "empty", "known_items", "unknown_items", "rows"), 0)
    began = said = time.monotonic()
    kept = 0
    for number, shard in enumerate(job.shards):
        path, counts_path = job.part(number), job.output / f"_part-{number:05d}.json"
        counts = _read_counts(counts_path, totals, tell) if path.is_file() and counts_path.is_file() else None
        if counts is not None:
            kept += 1
        else:
            histories = read_histories(shard)
            lists = rank(model, histories, job.k, job.max_per_group)
            with replacing(path) as unfinished:
                _write_table(job, histories, lists, unfinished)
            counts = _counts(histories, lists)
            # Behind the part: where the counts are, the part is.
            write(counts_path, json.dumps(counts) + "\n")
        totals = {name: totals[name] + counts[name] for name in totals}
        now = time.monotonic()
        if now - said >= _EVERY_SECONDS or number + 1 == len(job.shards):
            said = now
            speed = f", {totals['users'] / max(now - began, 1e-9):,.0f} users a second" if not kept else ""
            tell(f"{number + 1:,} of {len(job.shards):,} parts, {totals['users']:,} users{speed}")
    return {**totals, "parts": len(job.shards), "parts_kept": kept}


def _counts(histories: Histories, lists: Lists) -> dict[str, int]:
    items = sum(map(len, histories.merged))
    known = int(lists.known.sum())
    return {
        "users": len(histories),
        "fallback": int(lists.fallback.sum()),
        "empty": int((lists.counts == 0).sum()),
        "known_items": known,
        "unknown_items": items - known,
        "rows": int(lists.counts.sum()),
    }


def _write_table(job: Job, histories: Histories, lists: Lists, path: Path) -> None:
    """A row an item of a list: user, rank from 1, item, score, fallback, version."""
    listed = np.arange(job.k)[np.newaxis, :] < lists.counts[:, np.newaxis]
    users, places = np.nonzero(listed)
    # By dictionaries: a user's id stands k times, and an item's with many users.
    table = pa.table(
        {
            "user": pa.array(histories.users, pa.binary()).cast(pa.string()).take(pa.array(users)),
            "rank": pa.array(places + 1, pa.int32()),
            "item": pa.array(lists.items[listed], pa.binary()).cast(pa.string()),
            "score": pa.array(lists.scores[listed], pa.float32()),
            "fallback": pa.array(lists.fallback[users], pa.bool_()),
            "version": pa.array(np.full(len(users), job.version), pa.int64()),
        }
    )
    if job.format == "csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path, compression="zstd")


def _read_counts(path: Path, names: Iterable[str], tell: Callable[[str], None]) -> dict[str, int] | None:
    """The counts of a part that a call which was cut off has written; None where they are damaged, which is told."""
    try:
        counts = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(counts[name]) for name in names}
    except (ValueError, TypeError, KeyError) as error:
        said = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        tell(f"{path} is damaged ({said}): that part is written anew.")
        return None
