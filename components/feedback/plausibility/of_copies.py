"""Rows that stand in two logs which should have none in common: what was shown at random, and files of events."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility.finding import Finding, example
from components.feedback.plausibility.observed import Observed
from components.feedback.plausibility.rows import beside_equal, row_examples
from components.feedback.reading.columns import Columns, join
from components.feedback.rules.filters import places_in

RANDOM_ROWS, RANDOM_COPIES, RANDOM_REPEATED = "random_rows", "random_copies", "random_repeats"
EVENT_COPIES = "event_copies"
_KEY = ["user", "item", "time"]


def observe_random(log: Columns, at_random: Columns) -> Observed:
    """Of what was shown at random: rows of the user, the item and the time of one in the other log, and repeats."""
    if not len(at_random):
        return Observed()
    of_users = places_in(log.users, at_random.users)[log.user] >= 0
    parts = [dataclasses.replace(part, split=None, event=None) for part in (at_random, log.take(of_users))]
    both = join(parts)
    keys = pd.DataFrame({name: getattr(both, name) for name in (*_KEY, "value")})
    count = len(at_random)
    # A row of the other log that the random one has, too, repeats it in the frame.
    merged = keys[:count].merge(keys[count:].drop_duplicates(_KEY), on=_KEY, how="left", indicator=True)
    copied = (merged["_merge"] == "both").to_numpy()
    repeated = keys[:count].duplicated().to_numpy()
    masks = {RANDOM_COPIES: copied, RANDOM_REPEATED: repeated}
    counts = {RANDOM_ROWS: count, **{name: int(np.count_nonzero(mask)) for name, mask in masks.items()}}
    return Observed(counts, examples=row_examples(at_random, masks, None))


def observe_events(rows: Columns) -> Observed:
    """Of files of events: rows of one that have the user, the item and the time of a row of another one.

    Args:
        rows: By user and time.
    """
    if rows.event is None or not len(rows):
        return Observed()
    tied = beside_equal(rows.user, rows.time)
    keys = pd.DataFrame({name: getattr(rows, name)[tied] for name in (*_KEY, "event")})
    places = np.flatnonzero(tied)
    alike = keys.duplicated(_KEY, keep=False).to_numpy()
    keys, places = keys[alike], places[alike]
    counts, masks = {}, {}
    present = sorted(keys["event"].unique().tolist())
    of_event = {event: keys[keys["event"] == event] for event in present}
    for one, other in itertools.combinations(present, 2):
        for first, second in ((one, other), (other, one)):
            known = of_event[second][_KEY].drop_duplicates()
            found = of_event[first][_KEY].merge(known, on=_KEY, how="left", indicator=True)["_merge"] == "both"
            if found.any():
                name = f"{EVENT_COPIES}_{first}_{second}"
                counts[name] = int(found.sum())
                mask = np.zeros(len(rows), bool)
                mask[places[(keys["event"] == first).to_numpy()][found.to_numpy()]] = True
                masks[name] = mask
    return Observed(counts, examples=row_examples(rows, masks, None))


def find_copies(seen: Observed, rows_of_events: Mapping[int, int], config: FeedbackConfig) -> Iterator[Finding]:
    """Rows that stand in two logs.

    Args:
        seen: What was seen.
        rows_of_events: Rows of each event, by its place.
        config: The events and the limits.
    """
    if config.random_files:
        rows, copies, repeats = (seen.counts.get(name, 0) for name in (RANDOM_ROWS, RANDOM_COPIES, RANDOM_REPEATED))
        log = "feedback.events" if config.events else "feedback.files"
        yield Finding(
            RANDOM_COPIES,
            copies,
            rows,
            config.limits.random_copies,
            f"{copies:,} of {rows:,} rows of `feedback.random_files` have the user, the item and the time of a row of "
            f"`{log}`{example(seen, RANDOM_COPIES)}.",
            f"If they were shown at random, take them out of `{log}`, else out of `feedback.random_files`: a model "
            "must neither be trained nor chosen by what it is tested on, nor be asked for what a history ends with.",
        )
        yield Finding(
            RANDOM_REPEATED,
            repeats,
            rows,
            config.limits.repeated_rows,
            f"{repeats:,} of {rows:,} rows of `feedback.random_files` repeat another one of them exactly"
            f"{example(seen, RANDOM_REPEATED)}.",
            "Perhaps a file was read twice; `duplicates: first` or `last` keeps one row of each user and item.",
        )
    if config.events:
        yield _of_events(seen, rows_of_events, config)


def _of_events(seen: Observed, rows: Mapping[int, int], config: FeedbackConfig) -> Finding:
    """Of the two events that have the most in common, the rows of one that stand in the other, too."""
    pairs = itertools.permutations(range(len(config.events)), 2)
    found = {(a, b): seen.counts.get(f"{EVENT_COPIES}_{a}_{b}", 0) for a, b in pairs}
    share = {pair: number / max(rows.get(pair[0], 0), number, 1) for pair, number in found.items()}
    # Of the two ways to look at a pair, that of the event which has the larger part of its rows in the other one.
    share = {(a, b): part for (a, b), part in share.items() if (part, b) > (share[b, a], a)}
    first, second = max(share, key=lambda pair: (share[pair], -pair[0], -pair[1]), default=(0, 0))
    number, one = found.get((first, second), 0), config.events[first].name
    limit = config.limits.event_copies
    others = sum(value > limit for value in share.values()) - 1
    more = f" Of {others:,} more pairs of events it is more than the limit, too." if others > 0 else ""
    named = f"of the event {one!r} have the user, the item and the time of a row of {config.events[second].name!r}"
    return Finding(
        EVENT_COPIES,
        number,
        max(rows.get(first, 0), number),
        limit,
        f"{number:,} of {rows.get(first, 0):,} rows {named}{example(seen, f'{EVENT_COPIES}_{first}_{second}')}.{more}"
        if number
        else "No two events have rows of the same user, item and time.",
        "Perhaps the file of one was delivered as that of the other, too. What stands first in `feedback.events` comes "
        "first at one time, so that each row may count twice, or be taken back by itself.",
    )
