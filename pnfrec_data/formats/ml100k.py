"""MovieLens 100K: GroupLens' `u.data` and `u.item`, or the `ml-100k.inter` and `.item` of the recbole wheel."""

from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.formats import checks, tables
from pnfrec_data.source import Source

# Of recbole's atomic files: names with types.
_INTER = ("user_id:token", "item_id:token", "rating:float", "timestamp:float")


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """Tab-separated user, item, rating (1 to 5) and seconds; with a header in recbole's form."""
    del say
    entry = source.main("u.data", "ml-100k.inter")
    with source.open(entry) as stream:
        has_header = stream.read(len(_INTER[0])) == _INTER[0].encode()
        stream.seek(0)
        if has_header:
            yield from _atomic(stream, entry)
        else:
            records = tables.split_lines(stream, "\t", "utf-8", entry, 4, 4)
            yield from tables.from_records(records, pa.int8(), entry)


def _atomic(stream: IO[bytes], where: str) -> Iterator[pa.Table]:
    types = dict(zip(_INTER, (pa.string(), pa.string(), pa.float32(), pa.float64()), strict=True))
    columns = tables.schema(pa.int8())
    first_row = 1
    for batch in tables.read_csv(stream, types, where, delimiter="\t"):
        for name, values in zip(_INTER[2:], batch.columns[2:], strict=True):
            checks.check(values, pc.equal(values, pc.floor(values)), where, name, "a whole number", first_row)
        first_row += batch.num_rows
        arrays = [column.cast(kind) for column, kind in zip(batch.columns, columns.types, strict=True)]
        yield pa.Table.from_arrays(arrays, schema=columns)


def titles(source: Source) -> Iterator[tuple[str, str]] | None:
    """`Title (year)`, as GroupLens writes it; recbole has the year in a column of its own."""
    entry = source.find("u.item")
    if entry is not None:
        return _grouplens_titles(source, entry)
    entry = source.find("ml-100k.item")
    return None if entry is None else _atomic_titles(source, entry)


def _grouplens_titles(source: Source, entry: str) -> Iterator[tuple[str, str]]:
    with source.open(entry) as stream:
        for item, title, *_ in tables.split_lines(stream, "|", "latin-1", entry, 2):
            yield item, title


def _atomic_titles(source: Source, entry: str) -> Iterator[tuple[str, str]]:
    with source.open(entry) as stream:
        stream.readline()
        for item, title, year, *_ in tables.split_lines(stream, "\t", "utf-8", entry, 3):
            yield item, f"{title} ({year})" if year else title
