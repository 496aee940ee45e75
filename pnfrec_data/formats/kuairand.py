"""KuaiRand-Pure: the logs `log_standard_*.csv` of what the service chose to show, and `log_random_*.csv`.

A row is one view of a video. It becomes a like (1), a dislike (0) or nothing: what was neither liked, watched for long
nor hated is no dislike. `is_hate` goes before everything else.

A like is `is_like` or `long_view`. Likes by hand are few, and with some 50 views of each user (1.4 million of 27,285
users) they would leave most users without a history, while `long_view` is the publisher's own mark of a view that did
not end early. `explicit.parquet` has the stricter reading, likes by hand alone.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.errors import DataError
from pnfrec_data.formats import checks, tables
from pnfrec_data.source import Source

EXPLICIT, RANDOM = "explicit.parquet", "random.parquet"
STANDARD_LOGS = ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv")
RANDOM_LOG = "log_random_4_22_to_5_08_pure.csv"
_FLAGS = ("is_like", "long_view", "is_hate", "is_rand")
_TYPES = {"user_id": pa.string(), "video_id": pa.string(), "time_ms": pa.int64(), **dict.fromkeys(_FLAGS, pa.int8())}


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, video, 1 or 0 and milliseconds of the standard logs, by time; a like is `is_like` or `long_view`."""
    table = _views(source, STANDARD_LOGS)
    hated, liked, long = (table[name] for name in ("is_hate", "is_like", "long_view"))
    say(
        f"{table.num_rows:,} views of the standard logs: {_sum(hated):,} hated, {_sum(liked):,} liked by hand, "
        f"{_sum(long):,} watched for long. Hated and also liked or watched for long, which counts as disliked: "
        f"{_sum(pc.and_(hated, pc.or_(liked, long))):,}."
    )
    yield _feedback(table, ("is_like", "long_view"))


def other(name: str, source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """The file `name`: the standard logs with likes by hand alone, or the log of what was shown at random."""
    if name == EXPLICIT:
        yield _feedback(_views(source, STANDARD_LOGS), ("is_like",))
        return
    table = _views(source, (RANDOM_LOG,))
    chosen = table.filter(table["is_rand"])
    say(
        f"{table.num_rows:,} views of the random log, of which {table.num_rows - chosen.num_rows:,} were not shown at "
        f"random (is_rand is 0) and are left out. Hated: {_sum(chosen['is_hate']):,}."
    )
    yield _feedback(chosen, ("is_like", "long_view"))


def titles(source: Source) -> None:
    """Videos are published without titles."""
    del source


def _views(source: Source, names: Sequence[str]) -> pa.Table:
    """The rows of some logs together, by time; of equal times the first in the order of the logs comes first."""
    parts: list[pa.Table] = []
    files = checks.Files()
    for name in names:
        entry, first_row, before = source.only(name), 1, len(parts)
        with source.open(entry) as stream:
            for batch in tables.read_csv(stream, _TYPES, entry):
                columns = dict(zip(_TYPES, batch.columns, strict=True))
                checks.check_milliseconds(columns["time_ms"], entry, "time_ms", first_row)
                columns |= checks.check_flags({flag: columns[flag] for flag in _FLAGS}, entry, first_row)
                parts.append(pa.table(columns))
                first_row += batch.num_rows
        of_log = pa.concat_tables(parts[before:]) if len(parts) > before else None
        if of_log is None:
            msg = f"{entry}: has no row. Get it anew."
            raise DataError(msg)
        files.add(entry, of_log["user_id"], of_log["video_id"], of_log)
    empty = pa.schema({**_TYPES, **dict.fromkeys(_FLAGS, pa.bool_())}).empty_table()
    table = pa.concat_tables([empty, *parts])
    # Arrow sorts stably, so what ties keeps its order.
    return table.take(pc.sort_indices(table, sort_keys=[("time_ms", "ascending")]))


def _feedback(views: pa.Table, likes: Sequence[str]) -> pa.Table:
    """The views that say something, as likes (1) where one of `likes` is set, unless they are hated (0)."""
    liked = views[likes[0]]
    for name in likes[1:]:
        liked = pc.or_(liked, views[name])
    chosen = pc.or_(liked, views["is_hate"])
    value = pc.invert(views["is_hate"]).cast(pa.int8())
    columns = (views["user_id"], views["video_id"], value, views["time_ms"])
    return pa.Table.from_arrays(list(columns), schema=tables.schema(pa.int8())).filter(chosen)


def _sum(flags: pa.ChunkedArray) -> int:
    return int(pc.sum(flags).as_py() or 0)
