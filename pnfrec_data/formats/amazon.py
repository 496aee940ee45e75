"""Amazon product reviews of 2014: one JSON object a line, or the CSV of ratings alone."""

import json
from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa

from pnfrec_data.errors import DataError
from pnfrec_data.formats import tables
from pnfrec_data.source import Source

_KEYS = ("reviewerID", "asin", "overall", "unixReviewTime")


def rows(source: Source, say: Callable[[str], None]) -> Iterator[pa.Table]:
    """Reviewer, product (asin), stars (1 to 5) and seconds."""
    del say
    entry = source.main(*source.names)
    with source.open(entry) as stream:
        is_json = stream.read(1) == b"{"
        stream.seek(0)
        if is_json:
            yield from tables.from_records(_json(stream, entry), pa.float32(), entry, _KEYS)
        else:
            yield from tables.from_records(_csv(stream, entry), pa.float32(), entry)


def titles(source: Source) -> None:
    """The reviews name no titles: those are in a file of metadata that nothing here needs."""
    del source


def _json(stream: IO[bytes], where: str) -> Iterator[tables.Record]:
    for number, line in enumerate(stream, 1):
        try:
            review = json.loads(line)
            yield [str(review[key]) for key in _KEYS]
        except (ValueError, TypeError, KeyError) as error:
            msg = (
                f"{where}, line {number}: expected a JSON object with {', '.join(_KEYS)}. Received: {line[:80]!r}. "
                f"{tables.MEND}"
            )
            raise DataError(msg) from error


def _csv(stream: IO[bytes], where: str) -> Iterator[tables.Record]:
    """Without a header: user, item, rating, seconds (later editions begin with the item, which no `A` begins)."""
    for line, record in tables.csv_records(stream, where):
        if len(record) != len(_KEYS):
            msg = (
                f"{where}, line {line}: expected {len(_KEYS)} fields (user, item, rating, seconds), without a header. "
                f"Received {len(record)}: {', '.join(record)[:80]!r}. {tables.MEND}"
            )
            raise DataError(msg)
        first, second, *rest = record
        yield [first, second, *rest] if first.startswith("A") else [second, first, *rest]
