"""MTS KION: `interactions.csv` (watched share of films and series, by day) and `items.csv`."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from pnfrec_data.formats import tables
from pnfrec_data.source import Source

_TYPES = {
    "user_id": pa.string(),
    "item_id": pa.string(),
    "watched_pct": pa.float32(),
    "last_watch_dt": pa.date32(),
}


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, item, watched percent (0 to 100; null in some hundred rows) and midnight (UTC) of the day."""
    del say
    entry = source.main("interactions.csv")
    columns = tables.schema(pa.float32())
    with source.open(entry) as stream:
        for batch in tables.read_csv(stream, _TYPES, entry):
            users, items, values, days = batch.columns
            arrays = [users, items, values, days.cast(pa.timestamp("s")).cast(pa.int64())]
            yield pa.Table.from_arrays(arrays, schema=columns)


def titles(source: Source) -> Iterator[tuple[str, str]] | None:
    """The columns item_id and title (Russian in `data_original`)."""
    entry = source.find("items.csv", "items_en.csv")
    return None if entry is None else _titles(source, entry)


def _titles(source: Source, entry: str) -> Iterator[tuple[str, str]]:
    with source.open(entry) as stream:
        yield from tables.read_titles(stream, entry, "item_id", "title")
