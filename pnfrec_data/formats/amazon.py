"""Amazon product reviews of 2014: one JSON object a line, or the CSV of ratings alone."""

import csv
import io
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
        records = _json(stream, entry) if is_json else _csv(stream)
        yield from tables.from_records(records, pa.float32(), entry)


def titles(source: Source) -> None:
    """The reviews name no titles: those are in a file of metadata that nothing here needs."""
    del source


def _json(stream: IO[bytes], where: str) -> Iterator[tables.Record]:
    for number, line in enumerate(stream, 1):
        try:
            review = json.loads(line)
            yield [str(review[key]) for key in _KEYS]
        except (ValueError, TypeError, KeyError) as error:
            msg = f"{where}, line {number}: expected a JSON object with {', '.join(_KEYS)}. Received: {line[:80]!r}."
            raise DataError(msg) from error


def _csv(stream: IO[bytes]) -> Iterator[tables.Record]:
    """Without a header: user, item, rating, seconds (later editions begin with the item, which no `A` begins)."""
    with io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        for record in csv.reader(text):
            if record:
                user, item = record[:2] if record[0].startswith("A") else (record[1], record[0])
                yield [user, item, *record[2:4]]
