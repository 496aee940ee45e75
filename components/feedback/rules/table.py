"""Rows on their way to the worker that holds their user, and the table they become there.

A chunk is what one batch holds of one shard; a `UserTable` is a shard: every row of its users, ordered.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.beam.chunks import narrow, pack, unpack, widen
from components.feedback.reading.batches import RowBatch
from components.feedback.reading.columns import Codes, Floats, Ints, Mask

# Key of the stable hash (SipHash of the UTF-8 bytes) that spreads users over shards. The split (`protocol`) has another
# key, so that neither tells anything about the other.
_SHARD_KEY = "pnfrec.feedback1"


def hash_ids(ids: pa.Array, key: str = _SHARD_KEY) -> npt.NDArray[np.uint64]:
    """A hash of each id that depends on nothing but the id and the 16 characters of `key`."""
    texts = ids.to_numpy(zero_copy_only=False)
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(texts, hash_key=key, categorize=False)
    return hashes


def compact(codes: Codes, ids: pa.Array) -> tuple[Codes, pa.Array]:
    """The same ids with a dictionary that holds no other."""
    used = np.zeros(len(ids), bool)
    used[codes] = True
    if used.all():
        return codes, ids
    places = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return places[codes], ids.take(pa.array(np.flatnonzero(used)))


def cut(batch: RowBatch, shards: int) -> Iterator[tuple[int, bytes]]:
    """The batch's chunks as (shard, packed chunk), rows in the order of the batch."""
    if not len(batch.user):
        return
    shard_of_user = (hash_ids(batch.users) % np.uint64(shards)).astype(np.uint16)
    shard = shard_of_user[batch.user]
    order = np.argsort(shard, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(shard, minlength=shards))])
    for index in np.flatnonzero(np.diff(bounds)):
        rows = order[bounds[index] : bounds[index + 1]]
        user, users = compact(batch.user[rows], batch.users)
        item, items = compact(batch.item[rows], batch.items)
        split = None if batch.split is None else batch.split[rows]
        columns = (user, item, batch.time[rows], batch.value[rows])
        yield int(index), pack((batch.file, batch.row, users, items, split, *(narrow(column) for column in columns)))


@dataclasses.dataclass(frozen=True)
class UserTable:
    """All rows of some users: by user (code points of the id), then timestamp, then order of the input.

    Attributes:
        users: The ids, sorted.
        user: Place in `users` of each row's user; rises.
        items: The distinct ids.
        item: Place in `items` of each row's item.
        time: Timestamps.
        value: Values.
        split: Place of the row's split in `schema.SPLITS`; None unless a column says it.
        first: True at the first row of each (user, item) pair.
    """

    users: pa.Array
    user: Codes
    items: pa.Array
    item: Codes
    time: Ints
    value: Floats
    split: npt.NDArray[np.int8] | None
    first: Mask

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Mask) -> "UserTable":
        """The rows where `rows` is True; users and items keep their places."""
        columns = {name: getattr(self, name)[rows] for name in ("user", "item", "time", "value", "first")}
        return dataclasses.replace(self, **columns, split=None if self.split is None else self.split[rows])


_NARROW = ("user", "item", "time", "value")


def pack_table(table: UserTable) -> bytes:
    columns: dict[str, Any] = {name: narrow(getattr(table, name)) for name in _NARROW}
    return pack(dataclasses.replace(table, **columns))


def unpack_table(data: bytes) -> UserTable:
    packed: UserTable = unpack(data)
    columns: dict[str, Any] = {name: widen(getattr(packed, name)) for name in _NARROW}
    return dataclasses.replace(packed, **columns)


def build_table(packed: Iterable[bytes], duplicates: str) -> tuple[UserTable, int]:
    """Puts the chunks of a shard together, in order, and applies the rule on duplicates.

    Args:
        packed: The chunks, in any order.
        duplicates: "all", "first" or "last" row of each (user, item) pair stays.

    Returns:
        The table, and how many rows the rule dropped.
    """
    # Rows of a chunk are in the order of the input and chunks do not overlap.
    chunks = sorted((unpack(chunk) for chunk in packed), key=lambda chunk: (chunk[0], chunk[1]))
    if not chunks:
        nothing, codes = pa.array([], pa.string()), np.zeros(0, np.int32)
        return UserTable(nothing, codes, nothing, codes, codes.astype(np.int64), np.zeros(0), None, codes > 0), 0
    _, _, users, items, splits, *columns = zip(*chunks, strict=True)
    user, item, times, values = ([widen(part) for part in column] for column in columns)
    all_users, user_codes = _unify(users, user)
    all_items, item_codes = _unify(items, item)
    by_id = np.asarray(pc.array_sort_indices(all_users))
    place = np.empty(len(by_id), np.int32)
    place[by_id] = np.arange(len(by_id), dtype=np.int32)
    user_codes = place[user_codes]
    time = np.concatenate(times)
    order = np.lexsort((time, user_codes))
    split = None if splits[0] is None else np.concatenate(splits)[order]
    user_codes, item_codes = user_codes[order], item_codes[order]
    pairs = pd.Series(user_codes.astype(np.int64) * len(all_items) + item_codes)
    first: Mask = ~pairs.duplicated().to_numpy()
    table = UserTable(
        all_users.take(pa.array(by_id)),
        user_codes,
        all_items,
        item_codes,
        time[order],
        np.concatenate(values)[order],
        split,
        first,
    )
    if duplicates == "all" or first.all():
        return table, 0
    stays: Mask = first if duplicates == "first" else ~pairs.duplicated(keep="last").to_numpy()
    table = dataclasses.replace(table.take(stays), first=np.ones(int(stays.sum()), bool))
    return table, int(np.count_nonzero(~stays))


def _unify(dictionaries: Iterable[pa.Array], codes: Iterable[Codes]) -> tuple[pa.Array, Codes]:
    """One dictionary for all chunks, and the codes of all rows in it."""
    parts = list(dictionaries)
    encoded = pa.concat_arrays(parts).dictionary_encode()
    places = encoded.indices.to_numpy().astype(np.int32)
    starts = np.cumsum([0, *map(len, parts)])
    return encoded.dictionary, np.concatenate(
        [places[start : start + len(part)][code] for start, part, code in zip(starts, parts, codes, strict=False)]
    )
