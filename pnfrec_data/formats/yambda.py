"""Yambda: `likes.parquet`, `dislikes.parquet` and `undislikes.parquet` of one size, such as `flat/50m`.

A like is 1 and a dislike 0, each at its time. An undislike takes back the dislikes of the same user and track before
it: they are not written. It does so within training and within what comes after, and not from there back into training:
what happened later must not change what a model learns from. `unlikes.parquet` is not read. An unlike is no dislike,
and the like before it stays a like: the user did like the track then.

Times are seconds from a start that the publisher withholds, rounded to 5 seconds. Of a like, a dislike and an undislike
at one time the like counts as the first and the undislike as the last.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.formats import checks, tables
from pnfrec_data.formats.parquet import open_parquet
from pnfrec_data.source import Source

# Of the publisher's split, in seconds: 300.9 days in all, the last day for test, and half an hour before it unused.
END, TEST_START, GAP = 26_000_000, 25_913_600, 1_800
TRAINING_END = TEST_START - GAP
_COLUMNS = ["uid", "item_id", "timestamp"]


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, track, 1 or 0 and seconds from the start, by user and time."""
    files = checks.Files()
    likes, dislikes, undislikes = (
        _events(source, f"{name}.parquet", files) for name in ("likes", "dislikes", "undislikes")
    )
    stay = pa.array(_not_taken_back(dislikes, undislikes), pa.bool_())
    kept = dislikes.filter(stay)
    say(
        f"{likes.num_rows:,} likes, {dislikes.num_rows:,} dislikes, of which {dislikes.num_rows - kept.num_rows:,} "
        f"were taken back by {undislikes.num_rows:,} undislikes. Unlikes are not read."
    )
    parts = [
        part.append_column("value", pa.repeat(pa.scalar(value, pa.int8()), part.num_rows))
        for part, value in ((likes, 1), (kept, 0))
    ]
    table = pa.concat_tables(parts)
    # Arrow sorts stably, so what ties keeps its order.
    table = table.take(pc.sort_indices(table, sort_keys=[("uid", "ascending"), ("timestamp", "ascending")]))
    columns = tables.schema(pa.int8())
    names = ("uid", "item_id", "value", "timestamp")
    yield pa.Table.from_arrays(
        [table[name].cast(kind) for name, kind in zip(names, columns.types, strict=True)], schema=columns
    )


def titles(source: Source) -> None:
    """Tracks are published without titles."""
    del source


def _events(source: Source, name: str, files: checks.Files) -> pa.Table:
    """User, track and time of one file, in its order."""
    entry = source.only(name)
    with open_parquet(source, entry, _COLUMNS) as file:
        checks.check_whole_numbers(file.schema_arrow, _COLUMNS, entry)
        table = file.read(columns=_COLUMNS).select(_COLUMNS).cast(pa.schema(dict.fromkeys(_COLUMNS, pa.int64())))
    for column in _COLUMNS:
        values = table[column]
        most, expected = (
            (END, f"seconds from the start of the data, from 0 to {END:,}")
            if column == "timestamp"
            else (2**63 - 1, "a whole number of at least 0")
        )
        in_range = pc.and_(pc.greater_equal(values, 0), pc.less_equal(values, most))
        checks.check(values, in_range, entry, column, expected)
    files.add(entry, table["uid"], table["item_id"], table)
    return table


def _not_taken_back(dislikes: pa.Table, undislikes: pa.Table) -> list[bool]:
    """Of each dislike, whether no undislike at its time or later, on its side of the end of training, takes it back."""
    latest: dict[tuple[int, int, bool], int] = defaultdict(lambda: -1)
    for user, item, time in _tuples(undislikes):
        pair = user, item, time >= TRAINING_END
        latest[pair] = max(latest[pair], time)
    return [time > latest.get((user, item, time >= TRAINING_END), -1) for user, item, time in _tuples(dislikes)]


def _tuples(events: pa.Table) -> Iterator[tuple[int, int, int]]:
    return zip(*(events[name].to_pylist() for name in _COLUMNS), strict=True)
