"""`ratings.dat` and `movies.dat`: fields between `::`, whole-numbered ratings (MovieLens 1M, MovieTweetings)."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from pnfrec_data.errors import DataError
from pnfrec_data.formats import tables
from pnfrec_data.source import Source

_SEPARATOR = "::"


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """The lines `user::item::rating::seconds`."""
    del say
    entry = source.main("ratings.dat")
    with source.open(entry) as stream:
        records = tables.split_lines(stream, _SEPARATOR, "utf-8", entry, 4, 4)
        yield from tables.from_records(records, pa.int8(), entry)


def titles(source: Source) -> Iterator[tuple[str, str]] | None:
    """The lines `item::title::genres`; MovieLens writes Latin-1, MovieTweetings UTF-8."""
    entry = source.find("movies.dat")
    return None if entry is None else _titles(source, entry, _encoding(source, entry))


def _titles(source: Source, entry: str, encoding: str) -> Iterator[tuple[str, str]]:
    with source.open(entry) as stream:
        for item, title, *_ in tables.split_lines(stream, _SEPARATOR, encoding, entry, 2):
            yield item, title


def _encoding(source: Source, entry: str) -> str:
    # Accented Latin-1 letters are no valid UTF-8, so what reads as UTF-8 is.
    try:
        for _ in _titles(source, entry, "utf-8"):
            pass
    except DataError:
        return "latin-1"
    return "utf-8"
