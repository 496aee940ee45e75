"""Which rows of a file are of an event, where one column of it says what kind of event each row is (`where`).

A file of several events is read once for each of them, and each takes its own rows before anything else of a row is
looked at. One of these passes also counts the rows that no event takes, so that each row is in the account once.
"""

import dataclasses
from typing import Final

import numpy as np
import pyarrow as pa

from components.feedback.reading.selection import Selection
from components.feedback.reading.source import RawBatch
from pnfrec_columns.arrays import Codes
from pnfrec_columns.ids import decode_ids
from pnfrec_core.errors import FeedbackError

# What the account calls a row without a kind.
NO_KIND: Final = "no value"
# So many kinds of rows that no event takes are no kinds any more, but ids or times, say.
_MOST_KINDS: Final = 100


@dataclasses.dataclass(frozen=True)
class Others:
    """How many rows of a batch no event takes, by kind.

    Attributes:
        ignored: Of the kinds that an event names as ignored.
        unnamed: Of the kinds that no event names.
    """

    ignored: dict[str, int] = dataclasses.field(default_factory=dict)
    unnamed: dict[str, int] = dataclasses.field(default_factory=dict)


def select(raw: RawBatch, selection: Selection, path: str) -> tuple[RawBatch, Others]:
    """The rows of a batch that are of the event, and what is counted of the others.

    Args:
        raw: The batch.
        selection: Which rows.
        path: Of the file, for messages.

    Raises:
        FeedbackError: The column cannot hold kinds of events, or holds too many that no event names.
    """
    stored = raw.columns[selection.column]
    try:
        ids, codes = decode_ids(stored, path)
    except FeedbackError:
        msg = (
            f"{path}, column {selection.column!r}: `where` compares text, whole numbers, booleans or dates, and the "
            f"column holds {stored.type}. Name another column, or store it as text."
        )
        raise FeedbackError(msg) from None
    names: list[str] = ids.to_pylist()
    # What has no kind, at -1, is of no event.
    of_event = np.array([*(name in selection.kinds for name in names), False])[codes]
    rows = np.flatnonzero(of_event)
    columns = {name: column.filter(pa.array(of_event)) for name, column in raw.columns.items()}
    counts_rest = selection.taken is not None
    chosen = dataclasses.replace(
        raw,
        columns=columns,
        record=lambda row: raw.record(int(rows[row])),
        # A row of a wrong number of fields is of no event.
        wrong_fields=raw.wrong_fields if counts_rest else 0,
    )
    return chosen, _count(names, codes, selection, path) if counts_rest else Others()


def _count(names: list[str], codes: Codes, selection: Selection, path: str) -> Others:
    numbers = np.bincount(np.where(codes < 0, len(names), codes), minlength=len(names) + 1).tolist()
    counted = {name: number for name, number in zip([*names, NO_KIND], numbers, strict=True) if number}
    ignored = {name: number for name, number in counted.items() if name in selection.ignored}
    known = {*(selection.taken or ()), *ignored}
    unnamed = {name: number for name, number in counted.items() if name not in known}
    if len(unnamed) > _MOST_KINDS:
        some = ", ".join(map(repr, list(unnamed)[:3]))
        msg = (
            f"{path}, column {selection.column!r} holds more than {_MOST_KINDS} values that no event names, such as "
            f"{some}. `where` in `feedback.events` is for a column that says what kind of event a row is: name that."
        )
        raise FeedbackError(msg)
    return Others(ignored, unnamed)
