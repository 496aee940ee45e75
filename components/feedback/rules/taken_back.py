"""Events that take others back, such as an undislike: which rows they mean, and what training may know of it.

A row is taken back by the first later event, in the user's order, that names its kind (`cancels`), of the same item.
So one such event takes back every row of the kind before it: what was said twice is taken back once.

What happens after the end of training must not change what is trained on. So a training row is taken back by what
training knows, and a held-out one by whatever comes after it. Where the end of training is not known before the rows
are filtered and counted (a quantile of times, or each user's last rows), a row that is taken back at any time counts
for nothing there, and comes back to training afterwards if what takes it back lies beyond.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.feedback.config import FeedbackConfig
from components.feedback.events import EventConfig
from components.feedback.reading.columns import Columns
from components.feedback.rules.table import NEVER, UserTable, make_table
from pnfrec_columns.arrays import Ints, Mask

# Names of counts of an event, before its place: its rows, and of those that take back, how many rows they took, how
# many of these rows training keeps since it cannot know, and how many had nothing to take back.
ROWS, TOOK_BACK, TOO_LATE, IDLE = "event_rows_", "event_took_back_", "event_too_late_", "event_idle_"
# Of those, how many come before what they mean; the rows that are likes, and those that say neither.
EARLY, LIKES, SILENT = "event_early_", "event_likes_", "event_silent_"


@dataclasses.dataclass(frozen=True)
class Ordered:
    """The rows of some users in order, without those that take back.

    Attributes:
        rows: The interactions.
        until: When each is taken back; `NEVER` where it is not.
        by: The event that does it, by its place; -1.
        counts: Of events, by name.
    """

    rows: Columns
    until: Ints
    by: npt.NDArray[np.int16]
    counts: dict[str, int]


def take_back(rows: Columns, events: Sequence[EventConfig]) -> Ordered:
    """Finds what is taken back.

    Args:
        rows: By user, time and order of the input; each has an event.
        events: `feedback.events`.
    """
    of = rows.event if rows.event is not None else np.zeros(0, np.int16)
    count = len(rows)
    counts = {f"{ROWS}{place}": int(np.count_nonzero(of == place)) for place in range(len(events))}
    liked = rows.value > 0
    counts |= {f"{LIKES}{place}": int(np.count_nonzero(liked & (of == place))) for place in range(len(events))}
    pairs = rows.user.astype(np.int64) * max(len(rows.items), 1) + rows.item
    # A key a row that sorts by pair, then by order; pairs are numbered anew, so that it fits.
    codes = np.unique(pairs, return_inverse=True)[1].reshape(-1).astype(np.int64)
    keys = codes * max(count, 1) + np.arange(count)
    nearest = np.full(count, count, np.int64)
    by = np.full(count, -1, np.int16)
    names = [event.name for event in events]
    for place, event in enumerate(events):
        cancels = np.flatnonzero(of == place)
        if not event.cancels or not len(cancels):
            continue
        meant = np.flatnonzero(np.isin(of, [names.index(name) for name in event.cancels]))
        ordered = cancels[np.argsort(keys[cancels])]
        following = np.searchsorted(keys[ordered], keys[meant])
        candidate = np.append(ordered, -1)[following]
        found = (candidate >= 0) & (codes[candidate] == codes[meant]) & (candidate < nearest[meant])
        nearest[meant[found]], by[meant[found]] = candidate[found], place
    taken = by >= 0
    until = np.full(count, NEVER)
    until[taken] = rows.time[nearest[taken]]
    used = np.zeros(count, bool)
    used[nearest[taken]] = True
    takes = np.zeros(count, bool)
    for place, event in enumerate(events):
        if event.cancels:
            takes |= of == place
            idle = np.flatnonzero((of == place) & ~used)
            meant = np.flatnonzero(np.isin(of, [names.index(name) for name in event.cancels]))
            first = np.full(count, -1, np.int64)
            first[codes[meant[::-1]]] = meant[::-1]
            counts[f"{IDLE}{place}"] = len(idle)
            counts[f"{EARLY}{place}"] = int(np.count_nonzero(first[codes[idle]] > idle))
    return Ordered(rows.take(~takes), until[~takes], by[~takes], counts)


def judge_events(rows: Columns, config: FeedbackConfig, unit: str | None) -> tuple[UserTable, dict[str, int]]:
    """The table of a shard, where it is settled already which rows are taken back, or is left in doubt.

    Args:
        rows: By user, time and order of the input; each has an event.
        config: The events, and the rules.
        unit: Of the timestamps.

    Returns:
        The table, and what became of the rows that are not in it, by name.
    """
    ordered, rule = take_back(rows, config.events), config.split_rule
    table = make_table(ordered.rows, config.duplicates, ordered.until, ordered.by)
    counts = {**ordered.counts, "dropped_takes_back": len(rows) - len(table)}
    times = rule.fixed_times(unit)
    end = rule.known_until(times, unit)
    if end is None:
        return table, counts
    gone = taken_back(table, rule.held_out(table, times), end)
    counts |= {**counts_of(table, gone), "dropped_taken_back": int(np.count_nonzero(gone))}
    return make_table(table.take(~gone), config.duplicates), counts


def taken_back(table: UserTable, held_out: Mask, end: int | None) -> Mask:
    """Which rows are gone, now that it is known which are held out.

    Args:
        table: The rows.
        held_out: Which of them are not for training.
        end: What happens from then on is unknown to training; None where that is each user's first held-out row.
    """
    if table.until is None:
        return np.zeros(len(table), bool)
    if end is None:
        first = np.full(len(table.users), NEVER)
        np.minimum.at(first, table.user[held_out], table.time[held_out])
        known = table.until < first[table.user]
    else:
        # What lies in a gap is for nothing, and counts for nothing once it is taken back.
        known = (table.until < end) | (table.time >= end)
    gone: Mask = table.in_doubt & (held_out | known)
    return gone


def counts_of(table: UserTable, gone: Mask) -> dict[str, int]:
    """How many rows each event took back, and how many of those that it means training keeps.

    Args:
        table: The rows, those that are gone among them.
        gone: Of `taken_back`.
    """
    if table.by is None:
        return {}
    counts = {}
    for place in np.unique(table.by[table.in_doubt]).tolist():
        of = table.by == place
        counts[f"{TOOK_BACK}{place}"] = int(np.count_nonzero(of & gone))
        counts[f"{TOO_LATE}{place}"] = int(np.count_nonzero(of & ~gone))
    return counts
