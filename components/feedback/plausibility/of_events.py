"""What is said of events whose rules may not fit their rows: bounds, and what takes others back."""

from collections.abc import Iterator, Mapping

from components.feedback.config import FeedbackConfig
from components.feedback.events import EventConfig
from components.feedback.plausibility.finding import Finding
from components.feedback.rules import taken_back

IDLE, ONE_SIDED, SILENT = "idle_cancels", "one_sided_events", "silent_events"


def find_in_events(counts: Mapping[str, int], config: FeedbackConfig) -> Iterator[Finding]:
    """Events that take little back, that say one thing only, or nothing.

    Args:
        counts: The flat counts of the whole run.
        config: The events and the limits.
    """
    if any(event.cancels for event in config.events):
        yield _idle(counts, config)
    if any(event.column for event in config.events):
        yield _silent(counts, config)
        yield _one_sided(counts, config)


def _idle(counts: Mapping[str, int], config: FeedbackConfig) -> Finding:
    """Of the event that takes back, the one with the largest share of rows that have nothing to take back.

    Where that is all of them, the account says it by itself.
    """
    found = {}
    for place, event in enumerate(config.events):
        rows, idle = (counts.get(f"{name}{place}", 0) for name in (taken_back.ROWS, taken_back.IDLE))
        if event.cancels and rows > idle:
            found[place] = idle / rows
    if not found:
        return Finding(IDLE, 0, 0, config.limits.idle_cancels, "No event takes anything back.", "")
    place = max(found, key=lambda place: found[place])
    rows, idle, early = (
        counts.get(f"{name}{place}", 0) for name in (taken_back.ROWS, taken_back.IDLE, taken_back.EARLY)
    )
    event = config.events[place]
    cancels = " and ".join(map(repr, event.cancels))
    return Finding(
        IDLE,
        idle,
        rows,
        config.limits.idle_cancels,
        f"{idle:,} of {rows:,} rows of the event {event.name!r} have nothing to take back: of {cancels} the user has "
        f"no row of that item that comes before; {early:,} of them come before what they might mean.",
        "Perhaps what they mean is older than the input. Else look at `cancels`, at how ids are written, and at the "
        "times: a date without its hours comes before all that happened on that day.",
    )


def _silent(counts: Mapping[str, int], config: FeedbackConfig) -> Finding:
    """Events none of whose rows says like or dislike."""
    by_column = [place for place, event in enumerate(config.events) if event.column]
    silent = [
        place
        for place in by_column
        if counts.get(f"{taken_back.SILENT}{place}", 0) and not counts.get(f"{taken_back.ROWS}{place}", 0)
    ]
    named = "; ".join(
        f"{config.events[place].name!r}, {counts[f'{taken_back.SILENT}{place}']:,} rows, "
        f"{_bounds(config.events[place])}"
        for place in silent
    )
    return Finding(
        SILENT,
        len(silent),
        len(by_column),
        0.0,
        f"{len(silent):,} of {len(by_column):,} events that a column decides have no row that says like or dislike"
        f"{f': {named}' if named else ''}.",
        "Look at the bounds: perhaps the values are shares and the bounds percentages, or the other way round.",
    )


def _one_sided(counts: Mapping[str, int], config: FeedbackConfig) -> Finding:
    """Events that could say both and say one."""
    both = [
        place
        for place, event in enumerate(config.events)
        if event.column and (not event.has_bounds or None not in (event.like_from, event.dislike_below))
    ]
    found = []
    for place in both:
        rows, likes = (counts.get(f"{name}{place}", 0) for name in (taken_back.ROWS, taken_back.LIKES))
        if rows and likes in (0, rows):
            event = config.events[place]
            found.append(f"{event.name!r}, {rows:,} {'likes' if likes else 'dislikes'}, {_bounds(event)}")
    named = "; ".join(found)
    return Finding(
        ONE_SIDED,
        len(found),
        len(both),
        0.0,
        f"{len(found):,} of {len(both):,} events whose column says both like and dislike say one of them only"
        f"{f': {named}' if named else ''}.",
        "Look at the bounds: perhaps the values are shares and the bounds percentages, or the other way round. What "
        "means one thing is clearer with `polarity`.",
    )


def _bounds(event: EventConfig) -> str:
    if not event.has_bounds:
        return f"by the words in {event.column!r}"
    named = {"like_from": event.like_from, "dislike_below": event.dislike_below}
    told = " and ".join(f"{name} {value:g}" for name, value in named.items() if value is not None)
    return f"by {event.column!r} with {told}"
