"""`ratings.csv` and `movies.csv` with headers, as of MovieLens since 20M."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from pnfrec_data.formats import tables
from pnfrec_data.source import Source

_TYPES = {"userId": pa.string(), "movieId": pa.string(), "rating": pa.float32(), "timestamp": pa.int64()}


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """The columns userId, movieId, rating and timestamp (seconds)."""
    del say
    entry = source.main("ratings.csv")
    columns = tables.schema(pa.float32())
    with source.open(entry) as stream:
        for batch in tables.read_csv(stream, _TYPES, entry):
            yield pa.Table.from_arrays(batch.columns, schema=columns)


def titles(source: Source) -> Iterator[tuple[str, str]] | None:
    """The columns movieId and title."""
    entry = source.find("movies.csv")
    return None if entry is None else _titles(source, entry)


def _titles(source: Source, entry: str) -> Iterator[tuple[str, str]]:
    with source.open(entry) as stream:
        yield from tables.read_titles(stream, entry, "movieId", "title")
