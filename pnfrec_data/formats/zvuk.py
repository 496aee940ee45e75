"""Zvuk: `zvuk-interactions.parquet`, a row a play of a track, a quarter of a billion of them.

As in the paper, the plays of a track in one session count as one interaction with the sum of the seconds, and only a
sample of 20,000 users with more than 5 plays is taken. Theirs was drawn without a seed; here a hash of the id draws, so
that everybody has the same users.
"""

import collections
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute as pc

from pnfrec_data.formats import checks, tables
from pnfrec_data.formats.parquet import open_parquet
from pnfrec_data.source import Source

USERS, MORE_THAN = 20_000, 5


def _is_id(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


_COLUMNS = ["user_id", "track_id", "session_id", "datetime", "play_duration"]
_TYPES = {
    **dict.fromkeys(_COLUMNS[:3], (_is_id, "whole numbers or text")),
    "datetime": (_is_moment, "timestamps"),
    "play_duration": (_is_number, "numbers"),
}
_BATCH = 1 << 20
_BUCKET = 1_000


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, track, seconds played in a session and its begin in milliseconds, by user and time."""
    entry = source.main("zvuk-interactions.parquet")
    with open_parquet(source, entry, _COLUMNS) as file:
        checks.check_types(file.schema_arrow, _TYPES, entry)
        users = _sample(file)
        plays = _plays(file, users, entry)
    interactions = 0
    # Some users after the other: what grouping and sorting take is small beside the plays.
    for start in range(0, len(users), _BUCKET):
        bucket = pa.array(users[start : start + _BUCKET], plays.schema.field("user_id").type)
        table = _interactions(plays.filter(pc.is_in(plays["user_id"], value_set=bucket)))
        interactions += table.num_rows
        yield table
    say(f"{len(users):,} users, drawn by a hash of their id: {plays.num_rows:,} plays, {interactions:,} interactions.")


def _interactions(plays: pa.Table) -> pa.Table:
    """The plays of a user, track and session together."""
    keys = ["user_id", "track_id", "session_id"]
    table = plays.group_by(keys).aggregate([("play_duration", "sum"), ("time", "min")]).combine_chunks()
    # With all keys, since the order of groups is left to the threads.
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ("user_id", "time_min", *keys[1:])])
    columns = tables.schema(pa.float32())
    names = ("user_id", "track_id", "play_duration_sum", "time_min")
    arrays = [table[name].take(order).cast(kind) for name, kind in zip(names, columns.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=columns)


def titles(source: Source) -> None:
    """Tracks are published without titles."""
    del source


def _sample(file: pq.ParquetFile) -> list[Any]:
    """The `USERS` ids with the least hash among the users with more than `MORE_THAN` plays, in order."""
    counts: collections.Counter[Any] = collections.Counter()
    for batch in file.iter_batches(_BATCH, columns=["user_id"]):
        found = pc.value_counts(batch.column(0))
        counts.update(dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)))
    able = [user for user, count in counts.items() if count > MORE_THAN and user is not None]
    return sorted(sorted(able, key=_hash)[:USERS])


def _hash(user: Any) -> bytes:
    return hashlib.blake2b(str(user).encode(), digest_size=8).digest()


def _plays(file: pq.ParquetFile, users: list[Any], entry: str) -> pa.Table:
    """The plays of `users`, with the time in milliseconds since 1970 in `time`."""
    chosen = pa.array(users, file.schema_arrow.field("user_id").type)
    found = []
    for batch in file.iter_batches(_BATCH, columns=_COLUMNS):
        batch = batch.filter(pc.is_in(batch.column("user_id"), value_set=chosen))
        for name in ("track_id", "session_id", "datetime"):
            checks.check(batch.column(name), pc.is_valid(batch.column(name)), entry, name, "something")
        seconds = batch.column("play_duration")
        checks.check(seconds, pc.greater_equal(seconds, 0), entry, "play_duration", "seconds")
        # Casting drops microseconds on purpose.
        time = pc.cast(pc.cast(batch.column("datetime"), pa.timestamp("ms"), safe=False), pa.int64())
        table = pa.Table.from_batches([batch]).drop(["datetime"]).append_column("time", time)
        found.append(table.set_column(3, "play_duration", table["play_duration"].cast(pa.float64())))
    return pa.concat_tables(found).combine_chunks()
