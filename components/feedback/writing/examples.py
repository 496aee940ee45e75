"""The examples of a shard: one of each user for training, one of each target for validation and test."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.rules.filters import Known
from components.feedback.rules.table import UserTable
from components.feedback.rules.targets import Targets
from components.feedback.writing.features import (
    BytesFeature,
    bytes_entry,
    example,
    flags_feature,
    floats_feature,
    int64_feature,
)
from pnfrec_columns.arrays import Floats, Mask
from pnfrec_core import schema
from pnfrec_core.popularity import BUCKETS, bucket_bounds

_user = BytesFeature(schema.USER_ID)
_positive = BytesFeature(schema.POSITIVE_ITEM_IDS)
_negative = BytesFeature(schema.NEGATIVE_ITEM_IDS)
_seen = BytesFeature(schema.SEEN_ITEM_IDS)
_target = BytesFeature(schema.TARGET_ITEM_ID)
_IS_POSITIVE = [int64_feature(schema.TARGET_IS_POSITIVE, value) for value in (0, 1)]
_LENGTH_UPPER = [upper for _, upper in schema.HISTORY_LENGTH_BUCKETS]
_LENGTHS = [
    BytesFeature(schema.HISTORY_LENGTH_BUCKET)(bytes_entry(name.encode()))
    for name in (*(name for name, _ in schema.HISTORY_LENGTH_BUCKETS), schema.HISTORY_LENGTH_OVERFLOW)
]
_POPULARITIES = [BytesFeature(schema.TARGET_POPULARITY_BUCKET)(bytes_entry(name.encode())) for name in BUCKETS]


class Entries:
    """The list entries of the items of some rows, back to back, so that any run of rows is one slice."""

    def __init__(self, entry_of_item: pa.Array, item: npt.NDArray[np.int32]) -> None:
        entries = entry_of_item.take(pa.array(item))
        _, offsets, data = entries.buffers()
        self._offsets = np.frombuffer(offsets, np.int64)[: len(item) + 1].tolist() if len(item) else [0]
        self._data = data.to_pybytes() if data is not None else b""

    def __call__(self, start: int, end: int) -> bytes:
        return self._data[self._offsets[start] : self._offsets[end]]


def item_entries(items: pa.Array) -> pa.Array:
    """The list entry of each item."""
    texts = items.cast(pa.large_string()).cast(pa.large_binary())
    # What comes before the bytes says nothing but how many they are.
    sizes = pc.binary_length(texts).dictionary_encode()
    heads = [bytes_entry(b"-" * size)[:-size] if size else bytes_entry(b"") for size in sizes.dictionary.to_pylist()]
    return pc.binary_join_element_wise(
        pa.array(heads, pa.large_binary()).take(sizes.indices), texts, pa.scalar(b"", pa.large_binary())
    )


class ShardExamples:
    """Encodes the examples of one shard.

    Args:
        table: Its rows, after the filter.
        positive: Which of them are positive.
        day: Length of a day in the unit of its timestamps.
        margins: Distance of each from the boundary; None where the input has no values.
    """

    def __init__(self, table: UserTable, positive: Mask, day: int, margins: Floats | None = None) -> None:
        self._table, self._positive, self._day, self._margins = table, positive, day, margins
        self._entry_of_item = item_entries(table.items)
        self._users = table.users.to_pylist()

    def _user_feature(self, user: int) -> bytes:
        return _user(bytes_entry(self._users[user].encode()))

    def train(self, rows: Mask) -> Iterator[bytes]:
        """One example for each user with a row in `rows`, by user id."""
        item, user = self._table.item[rows], self._table.user[rows]
        positive = self._positive[rows]
        flags = positive.tobytes()
        margins = b"" if self._margins is None else self._margins[rows].astype("<f4").tobytes()
        days = (self._table.time[rows] / self._day).astype("<f4").tobytes()
        positive_entries = Entries(self._entry_of_item, item[positive])
        negative_entries = Entries(self._entry_of_item, item[~positive])
        ends = np.flatnonzero(np.append(user[1:] != user[:-1], True)) + 1 if len(user) else np.zeros(0, np.int64)
        positive_ends = np.append(0, np.cumsum(positive))[ends].tolist()
        start = positive_start = 0
        for end, positive_end, owner in zip(ends.tolist(), positive_ends, user[ends - 1].tolist(), strict=True):
            yield example(
                (
                    floats_feature(schema.HISTORY_DAYS, days[4 * start : 4 * end]),
                    flags_feature(schema.HISTORY_IS_POSITIVE, flags[start:end]),
                    floats_feature(schema.HISTORY_MARGINS, margins[4 * start : 4 * end]),
                    _negative(negative_entries(start - positive_start, end - positive_end)),
                    _positive(positive_entries(positive_start, positive_end)),
                    self._user_feature(owner),
                )
            )
            start, positive_start = end, positive_end

    def evaluation(self, targets: Targets, known: Known, catalogue_size: int, longest: int = 0) -> Iterator[bytes]:
        """One example for each target, by user id, then in the user's order.

        A history holds the newest `longest` rows, or with 0 all; its bucket of lengths counts all of them.
        """
        # Rows of the users with a target that may stand in a history, and the targets, which all are such rows.
        has_target = np.zeros(len(self._table.users), bool)
        has_target[self._table.user[targets.rows]] = True
        rows = np.flatnonzero(targets.history & has_target[self._table.user])
        item, user, positive = self._table.item[rows], self._table.user[rows], self._positive[rows]
        seen = Entries(self._entry_of_item, item)
        flags = positive.tobytes()
        positive_entries = Entries(self._entry_of_item, item[positive])
        negative_entries = Entries(self._entry_of_item, item[~positive])
        places = np.searchsorted(rows, targets.rows)
        starts = np.searchsorted(user, user[places])
        lengths = np.searchsorted(_LENGTH_UPPER, places - starts)
        starts = np.maximum(starts, places - longest) if longest else starts
        before = np.append(0, np.cumsum(positive))
        popularity = known.popularity[item[places]]
        buckets = np.searchsorted(bucket_bounds(catalogue_size), popularity, side="right")
        days = (self._table.time[targets.rows] / self._day).astype("<f4").view("V4")
        columns = (places, starts, before[places], before[starts], user[places], positive[places], lengths, buckets)
        for day, end, start, positive_end, positive_start, owner, is_positive, length, bucket in zip(
            days.tolist(), *(column.tolist() for column in columns), strict=True
        ):
            yield example(
                (
                    flags_feature(schema.HISTORY_IS_POSITIVE, flags[start:end]),
                    _LENGTHS[length],
                    _negative(negative_entries(start - positive_start, end - positive_end)),
                    _positive(positive_entries(positive_start, positive_end)),
                    _seen(seen(start, end)),
                    floats_feature(schema.TARGET_DAY, day),
                    _IS_POSITIVE[is_positive],
                    _target(seen(end, end + 1)),
                    _POPULARITIES[bucket],
                    self._user_feature(owner),
                )
            )
