"""The catalogue: which items a model knows, in which order, with counts and titles."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pnfrec_core import schema

ITEM = "item"
# The one column of which the least counts, not the sum.
FIRST_TIME = "first_time"


def merge_counts(parts: Iterable[tuple[pa.Array, dict[str, Any]]]) -> pa.Table:
    """Sums counts of items over shards, and takes the least of first times.

    Args:
        parts: (ids, column name to counts), one of each shard.

    Returns:
        A table of `ITEM` and the summed columns, by id (code points). Each id once.
    """
    tables = [pa.table({ITEM: ids, **columns}) for ids, columns in parts]
    joined = pa.concat_tables(tables)
    hows = {name: "min" if name == FIRST_TIME else "sum" for name in joined.column_names if name != ITEM}
    summed = joined.group_by(ITEM).aggregate(list(hows.items()))
    table = pa.table(
        {ITEM: summed.column(ITEM), **{name: summed.column(f"{name}_{how}") for name, how in hows.items()}}
    )
    return table.take(pc.sort_indices(table, sort_keys=[(ITEM, "ascending")]))


def by_popularity(counts: pa.Table) -> pa.Table:
    """Most frequent first, equal counts by id."""
    keys = [(schema.VOCABULARY_COUNT, "descending"), (ITEM, "ascending")]
    return counts.take(pc.sort_indices(counts, sort_keys=keys))


def column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array."""
    chunked = table.column(name)
    return chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0)


def as_dict(table: pa.Table, name: str) -> dict[str, int]:
    """Item id to count."""
    return dict(zip(column(table, ITEM).to_pylist(), column(table, name).to_pylist(), strict=True))


def vocabulary_lines(
    ids: pa.Array,
    counts: pa.Array,
    likes: Mapping[str, Mapping[str, int]],
    titles: Mapping[str, str],
    groups: Mapping[str, str] | None = None,
) -> Iterable[str]:
    """The lines of the vocabulary file.

    Args:
        ids: The items in order.
        counts: Training interactions of each.
        likes: By the name of the field, positive training interactions of each item that has any.
        titles: Titles of the items that have one.
        groups: Groups of the items that have one; None for none.
    """
    for item, count in zip(ids.to_pylist(), counts.to_pylist(), strict=True):
        entry: dict[str, Any] = {
            schema.VOCABULARY_ID: item,
            schema.VOCABULARY_COUNT: count,
            **{name: of_item.get(item, 0) for name, of_item in likes.items()},
        }
        if title := titles.get(item):
            entry[schema.VOCABULARY_TITLE] = title
        if group := (groups or {}).get(item):
            entry[schema.VOCABULARY_GROUP] = group
        yield json.dumps(entry, ensure_ascii=False) + "\n"
