"""Amazon product reviews of 2014: one JSON object a line, or the CSV of ratings alone."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa

from pnfrec_data.errors import DataError
from pnfrec_data.formats import tables
from pnfrec_data.source import Source

# How the ids of all reviewers begin, and those of few products.
_REVIEWER = "A"
_LOOKED_AT = 10_000
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
            yield from tables.from_records(_csv(stream, entry, _user_first(source, entry)), pa.float32(), entry)


def titles(source: Source) -> None:
    """The reviews name no titles: those are in a file of metadata that nothing here needs."""
    del source


def _json(stream: IO[bytes], where: str) -> Iterator[tables.Record]:
    for number, line in enumerate(stream, 1):
        try:
            review = json.loads(line)
            found = [review[key] for key in _KEYS]
            if not (all(isinstance(each, str) for each in found[:2]) and all(map(_is_number, found[2:]))):
                raise TypeError
            yield [str(each) for each in found]
        except (ValueError, TypeError, KeyError) as error:
            msg = (
                f"{where}, line {number}: expected a JSON object with {', '.join(_KEYS)}, texts and numbers. Received: "
                f"{line[:80]!r}. "
                f"{tables.MEND}"
            )
            raise DataError(msg) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _user_first(source: Source, entry: str) -> bool:
    """Whether the reviewer is the first field, and not the second, by how the ids in the first rows begin."""
    first = second = 0
    with source.open(entry) as stream:
        for _, record in itertools.islice(tables.csv_records(stream, entry), _LOOKED_AT):
            begins = [field.startswith(_REVIEWER) for field in record[:2]]
            first += begins == [True, False]
            second += begins == [False, True]
    return first >= second


def _csv(stream: IO[bytes], where: str, user_first: bool) -> Iterator[tables.Record]:
    """Without a header: user, item, rating, seconds (later editions begin with the item)."""
    for line, record in tables.csv_records(stream, where):
        if len(record) != len(_KEYS):
            msg = (
                f"{where}, line {line}: expected {len(_KEYS)} fields (user, item, rating, seconds), without a header. "
                f"Received {len(record)}: {', '.join(record)[:80]!r}. {tables.MEND}"
            )
            raise DataError(msg)
        first, second, *rest = record
        yield [first, second, *rest] if user_first else [second, first, *rest]
