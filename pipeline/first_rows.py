"""How the first rows of the feedback are understood."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from components.feedback.config import FeedbackConfig
from pnfrec_columns.units import AUTO, time_text
from pnfrec_core.errors import FeedbackError

if TYPE_CHECKING:
    from components.feedback.reading.plan import Plan
    from components.feedback.reading.rows import RowBatch
    from components.feedback.reading.source import Piece

SHOWN: Final = 10
# Rows of a batch of a Parquet file that is looked into.
_BATCH_ROWS: Final = 4096
# So many more are read until one has a row of the event.
_MORE_BATCHES: Final = 16
# Of many files, as many are looked into as this time lets.
_LOOK_S: Final = 0.5
# Units that a whole number may be taken for though it is a date, such as 20130815.
_DOUBTFUL: Final = ("seconds", "milliseconds")


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of feedback as it is understood.

    Attributes:
        user, item: Ids, in the text form that they have everywhere.
        value: What the rule of polarity looks at.
        polarity: "positive" or "negative"; what decides it where that is known only when all rows are read.
        time: In UTC.
        event: The name of its event; "" without any.
    """

    user: str
    item: str
    value: str
    polarity: str
    time: str
    event: str = ""


@dataclasses.dataclass(frozen=True)
class FirstRows:
    """What the beginning of the files holds.

    Attributes:
        rows: The first ones.
        problems: A sentence for each file whose first rows cannot be used.
        notes: What is worth knowing.
    """

    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_at(plan: "Plan", seconds: float = _LOOK_S) -> FirstRows:
    """Reads the first rows of as many files of a plan as the time lets, and of one at least."""
    pieces = {(piece.source.path, piece.event): piece for piece in reversed(plan.pieces)}
    rows: list[Row] = []
    problems: list[str] = []
    notes: tuple[str, ...] = ()
    looked: list[tuple[Piece, RowBatch]] = []
    # Some rows of each event, else the first ones would be of one event alone.
    most = -(-SHOWN // max(len(plan.config.events), 1))
    end = time.monotonic() + seconds
    for piece in reversed(pieces.values()):
        try:
            batch = _first_rows(piece, plan.config)
        except FeedbackError as error:
            problems.append(str(error))
        else:
            notes = notes or tuple(_doubts(batch, plan.config))
            looked += [] if batch is None else [(piece, batch)]
            of_event = sum(row.event == _event_name(piece, plan.config) for row in rows)
            rows += _rows_of(batch, plan.config, min(most - of_event, SHOWN - len(rows)))
        if time.monotonic() > end:
            break
    if not problems:
        from components.feedback.first_look import look_over

        try:
            found = look_over(looked, plan)
        except FeedbackError as error:  # of a row of titles
            problems.append(str(error))
        else:
            problems, notes = list(found.problems), (*notes, *found.notes)
    return FirstRows(() if problems else tuple(rows), tuple(problems), notes)


def _first_rows(piece: "Piece", config: FeedbackConfig) -> "RowBatch | None":
    from components.feedback.reading.batches import read_rows

    batches = read_rows(piece, config, _BATCH_ROWS)
    try:
        batch = next(batches, None)
        # Of a file that several events share the first rows may all be of others.
        for _ in range(_MORE_BATCHES if piece.selection else 0):
            if batch is None or len(batch.columns):
                break
            batch = next(batches, batch)
        return batch
    finally:
        batches.close()  # type: ignore[attr-defined]


def _doubts(batch: "RowBatch | None", config: FeedbackConfig) -> Iterator[str]:
    """A note where timestamps read as dates that are written as numbers, which would stop a run at its end."""
    from pnfrec_columns.dates import date_form

    if batch is None or config.time_unit != AUTO or len(batch.units) != 1:
        return
    unit, times = next(iter(batch.units)), batch.columns.time
    if unit in _DOUBTFUL and (form := date_form(times)):
        first = int(times[0])
        yield (
            f"The timestamps of the first rows, such as {first}, read as dates written as numbers ({form}), not as "
            f"{unit} since 1970, which would be {time_text(first, unit)}. If all rows are like them, a run stops: set "
            f"`feedback.time_format: '{form}'`, or `feedback.time_unit: {unit}` if they are that."
        )


def _rows_of(batch: "RowBatch | None", config: FeedbackConfig, most: int) -> Iterator[Row]:
    """The first usable rows of a batch."""
    if batch is None or most < 1:
        return
    columns = batch.columns.take(slice(0, most))
    # Several units are an error, which the run names with the row.
    unit = next(iter(batch.units)) if len(batch.units) == 1 else None
    event = None if columns.event is None or not len(columns) else config.events[int(columns.event[0])]
    for user, item, value, when in zip(columns.user, columns.item, columns.value, columns.time, strict=True):
        yield Row(
            columns.users[int(user)].as_py(),
            columns.items[int(item)].as_py(),
            "" if event and event.cancels else f"{value:.12g}",
            (event.shown() if event else "") or _polarity(float(value), config.positive),
            time_text(int(when), unit) or str(int(when)),
            event.name if event else "",
        )


def _event_name(piece: "Piece", config: FeedbackConfig) -> str:
    return "" if piece.event is None else config.events[piece.event].name


def _polarity(value: float, positive: float | str) -> str:
    if positive == "median":
        return "by the median"
    if positive == "user_median":
        return "by the user's median"
    # A column of polarities is read as 1.0 and 0.0.
    threshold = 0.5 if positive == "column" else float(positive)
    return "positive" if value >= threshold else "negative"


def of_texts(rows: Sequence[Sequence[str]], problems: Sequence[str], notes: Sequence[str]) -> FirstRows:
    """Out of JSON, as `dataclasses.astuple` and `json.dumps` write it."""
    return FirstRows(tuple(Row(*row) for row in rows), tuple(problems), tuple(notes))
