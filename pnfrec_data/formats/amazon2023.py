"""Amazon Reviews 2023: the CSV of ids and stars of a category, such as `Video_Games.csv.gz` of the 5-core."""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.formats import checks, tables
from pnfrec_data.source import Source

_TYPES = {"user_id": pa.string(), "parent_asin": pa.string(), "rating": pa.float32(), "timestamp": pa.int64()}


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """User, product (parent_asin, which stands for all its variants), stars (1 to 5) and milliseconds.

    A user may have rated several variants of a product, which are then rows of one pair.
    """
    del say
    entry = source.main(*source.names)
    columns, first_row = tables.schema(pa.float32()), 1
    with source.open(entry) as stream:
        for batch in tables.read_csv(stream, _TYPES, entry):
            _, _, stars, times = batch.columns
            in_range = pc.and_(pc.greater_equal(stars, 1), pc.less_equal(stars, 5))
            checks.check(stars, in_range, entry, "rating", "stars from 1 to 5", first_row)
            checks.check_milliseconds(times, entry, "timestamp", first_row)
            yield pa.Table.from_arrays(batch.columns, schema=columns)
            first_row += batch.num_rows


def titles(source: Source) -> None:
    """The ids come without titles: those are in a file of metadata that nothing here needs."""
    del source
