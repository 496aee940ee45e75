"""VK-LSVD: `week_00.parquet` to `week_26.parquet` of the data set or of one of its subsamples; 25 validates, 26 tests.

A like is 1 and a dislike 0, and both at once are a dislike. Rows with neither are left out: no like is no dislike.
There is no clock. Rows are in the order of the weeks and, in a week, of the file, so the timestamp that is written is
`WEEK` times the week plus the row: it orders, and tells the week.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.formats import checks, tables
from pnfrec_data.formats.parquet import open_parquet
from pnfrec_data.source import Source

WEEKS = tuple(f"week_{week:02d}.parquet" for week in range(27))
# More than a week has rows: all 27 have 40.8 thousand million.
WEEK = 10**10
_COLUMNS = ["user_id", "item_id", "like", "dislike"]
_BATCH = 1 << 20


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, video, 1 or 0 and the place in the order of all."""
    entries = [source.only(name) for name in WEEKS]
    views = likes = dislikes = both = 0
    files, empty = checks.Files(), list[str]()
    for week, entry in enumerate(entries):
        first_row = 0
        with open_parquet(source, entry, _COLUMNS) as file:
            checks.check_whole_numbers(file.schema_arrow, _COLUMNS[:2], entry)
            for batch in file.iter_batches(_BATCH, columns=_COLUMNS):
                columns = {name: batch.column(name) for name in _COLUMNS}
                for name in _COLUMNS[:2]:
                    good = pc.greater_equal(columns[name], 0)
                    checks.check(columns[name], good, entry, name, "an id", first_row + 1)
                if not first_row:
                    files.add(entry, columns["user_id"], columns["item_id"], batch)
                columns |= checks.check_flags({name: columns[name] for name in _COLUMNS[2:]}, entry, first_row + 1)
                table = _feedback(columns, week * WEEK + first_row)
                yield table
                first_row += batch.num_rows
                disliked = pc.sum(columns["dislike"]).as_py() or 0
                likes, dislikes = likes + table.num_rows - disliked, dislikes + disliked
                both += pc.sum(pc.and_(columns["like"], columns["dislike"])).as_py() or 0
        views += first_row
        if not first_row:
            empty.append(WEEKS[week])
    say(
        f"{views:,} views of {len(entries)} weeks: {likes:,} likes, {dislikes:,} dislikes ({both:,} of them also "
        "liked, which counts as disliked). The others say neither and are left out."
    )
    if empty:
        say(f"Without a row: {', '.join(empty)}. Get them anew.")


def titles(source: Source) -> None:
    """Videos are published without titles."""
    del source


def _feedback(columns: dict[str, pa.Array], first: int) -> pa.Table:
    """The rows with a like or a dislike, of rows whose first has the timestamp `first`."""
    users, items, liked, disliked = columns.values()
    times = pa.array(range(first, first + len(users)), pa.int64())
    value = pc.invert(disliked).cast(pa.int8())
    arrays = [users.cast(pa.string()), items.cast(pa.string()), value, times]
    return pa.Table.from_arrays(arrays, schema=tables.schema(pa.int8())).filter(pc.or_(liked, disliked))
