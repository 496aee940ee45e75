"""What the first rows of the files tell of what a run would refuse or warn of, before it starts.

The same eyes look at them that look at all rows later. Left out is what a part of the rows cannot tell: what is counted
after the filters and the split, and what takes back rows that lie farther on.
"""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility.catalogue import Catalogue
from components.feedback.plausibility.finding import Finding
from components.feedback.plausibility.observe import observe_items, observe_rows, observe_times
from components.feedback.plausibility.observed import USERS, Observed, merge
from components.feedback.plausibility.of_copies import find_copies, observe_events, observe_random
from components.feedback.plausibility.of_events import IDLE, find_in_events
from components.feedback.plausibility.of_ids import find_in_ids, find_in_titles
from components.feedback.plausibility.of_rows import find_in_order, find_in_times, find_unusable
from components.feedback.plausibility.stops import check_times
from components.feedback.reading.columns import Columns
from components.feedback.reading.copies import copies
from components.feedback.reading.files import is_remote
from components.feedback.reading.plan import Plan, find_titles
from components.feedback.reading.rows import RowBatch
from components.feedback.reading.source import Piece
from components.feedback.reading.titles import ItemTitles, read_titles
from components.feedback.reading.unlike import unlike
from components.feedback.rules import taken_back
from components.feedback.rules.boundary import positive_rule
from components.feedback.rules.table import UserTable, make_table, order_rows
from components.feedback.spans.findings import find_in_spans
from components.feedback.spans.seen import see_times
from components.feedback.writing import account
from components.feedback.writing.checks import not_found
from components.feedback.writing.of_batch import kinds_of, rows_of, units_of, zones_of
from pnfrec_core.errors import FeedbackError

# Files that are held against each other, and bytes of files of one size, which are all read.
_MOST_FILES: Final = 24
_MOST_BYTES: Final = 32 << 20
# Fewer rows tell nothing of all.
_LEAST_ROWS: Final = 20
# Rows of a file that are looked at, and bytes of a table of titles.
_MOST_ROWS: Final = 4096
_MOST_TITLES: Final = 8 << 20


class FirstLook(NamedTuple):
    """What the first rows tell.

    Attributes:
        problems: What a run would refuse, a sentence each.
        notes: What it would probably refuse or warn of.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_over(batches: Sequence[tuple[Piece, RowBatch]], plan: Plan) -> FirstLook:
    """Looks at the first rows of the files of a plan.

    Args:
        batches: Of each piece that was looked into, its first rows.
        plan: The files and the settings.
    """
    config = plan.config
    counts = dict(account.total(each for piece, batch in batches for each in _counts(piece, batch, config)))
    if problem := _several_units(batches):
        return FirstLook((problem,))
    log, shown = (
        order_rows(_some(batch) for piece, batch in batches if piece.at_random == is_random and len(batch.columns))
        for is_random in (False, True)
    )
    unit = account.only_unit(counts)
    notes = [*_of_files(batches, plan), *_of_where(counts, config)]
    if sum(batch.read for _, batch in batches) < _LEAST_ROWS:
        return FirstLook(notes=tuple(notes))
    if not len(log):
        notes += [f"{each.sentence} {each.remedy}" for each in find_unusable(counts, config) if each.above]
    else:
        found = _findings(log, shown, batches, plan, counts)
        above = [finding for finding in found if finding.above]
        told = [f"{finding.sentence} {finding.remedy}" for finding in above]
        notes += [f"By the first {len(log):,} rows: {text}" for text in (*told, *_of_polarity(log, config))]
        notes += _of_split(log, unit, config)
    return FirstLook(notes=tuple(notes))


def _some(batch: RowBatch) -> Columns:
    """The first rows of a batch, of which text files may give many."""
    return batch.columns.take(slice(0, _MOST_ROWS)).compact()


def _counts(piece: Piece, batch: RowBatch, config: FeedbackConfig) -> Iterator[dict[str, int]]:
    """What a batch adds to the account, as when a run reads it."""
    yield units_of(batch)
    if piece.at_random:
        yield {account.at_random(name): number for name, number in rows_of(batch).items()}
        return
    yield rows_of(batch)
    yield zones_of(batch)
    if config.events:
        yield kinds_of(batch)


def _several_units(batches: Iterable[tuple[Piece, RowBatch]]) -> str:
    """What a run says where the timestamps have several units; "" where they have one."""
    first: dict[str, str] = {}
    for piece, batch in batches:
        for unit in batch.units:
            first.setdefault(unit, piece.source.path)
    if len(first) < 2:
        return ""
    named = ", ".join(f"in {unit} in {path}" for unit, path in first.items())
    return (
        f"The timestamps have several units: {named}. Bring them to one, else rows cannot be put in order; correct the "
        "rows if they are a mistake."
    )


def _of_files(batches: Sequence[tuple[Piece, RowBatch]], plan: Plan) -> Iterator[str]:
    """Copies among the files, and files that are unlike the others."""
    local = {piece.source.path: piece for piece, _ in batches if not is_remote(piece.source.path)}
    sizes = {path: piece.source.size() for path, piece in local.items()}
    # The smallest first: of files of one size all bytes are compared.
    room = itertools.accumulate(sorted(sizes.values()))
    most = sum(total <= _MOST_BYTES for total in room)
    yield from copies(path for path in local if sizes[path] in sorted(sizes.values())[:most])
    step = -(-len(batches) // _MOST_FILES) or 1
    yield from unlike([piece for piece, _ in batches[::step]], plan.config)


def _of_where(counts: dict[str, int], config: FeedbackConfig) -> Iterator[str]:
    """Events that have no row, and rows that have no event."""
    for place, event in enumerate(config.events):
        if event.where and (problem := not_found(config, counts, place)):
            yield f"{problem} It is so in the first rows; if it is so in all, {_ends(event.cancels)}."
    if unnamed := account.kinds(counts, "unnamed"):
        yield (
            f"Rows of {', '.join(map(repr, list(unnamed)[:5]))} are of a kind that no event names, and would be left "
            "out. Name each in the `where` of an event; one with `ignored: true` leaves them out without this note."
        )


def _ends(cancels: Sequence[str]) -> str:
    return "nothing is taken back by it" if cancels else "a run stops"


def _findings(
    rows: Columns, shown: Columns, batches: Sequence[tuple[Piece, RowBatch]], plan: Plan, counts: dict[str, int]
) -> list[Finding]:
    """What is found in the rows by all that needs no more than them."""
    config, unit, now = plan.config, account.only_unit(counts), int(time.time())
    read, of_events = _table(rows, config, unit)
    counts = {**counts, **of_events, "rows_filtered": len(read)}
    seen = observe_rows(read)
    of_times = observe_times(read, unit, now, dict(seen.forms))
    of_users = Observed({USERS: len(read.users)})
    of_logs = (observe_events(rows), observe_random(rows, shown))
    seen = merge([seen, of_times, of_users, observe_items(read.items), *of_logs])
    events = {place: counts.get(f"{taken_back.ROWS}{place}", 0) for place in range(len(config.events))}
    items = Catalogue(read.items, None, {}, _titles(config))
    found = [
        *find_in_times(counts, seen, config, unit, now),
        *find_unusable(counts, config),
        *find_in_order(seen, config),
        *find_copies(seen, events, config),
        *(finding for finding in find_in_events(counts, config) if finding.name != IDLE),
        *find_in_ids(seen, items, config),
        *(find_in_titles(items, config) if items.titles.rows else ()),
    ]
    if plan.spans:
        files = {
            piece.source.path: see_times(piece.span, batch.columns.time, unit)
            for piece, batch in batches
            if piece.span is not None and len(batch.columns)
        }
        found += find_in_spans(files, unit, plan.spans.key, config.limits)
    return found


def _titles(config: FeedbackConfig) -> ItemTitles:
    """The titles, where reading them takes no time."""
    pieces = find_titles(config)
    if not pieces or is_remote(pieces[0].source.path) or pieces[0].source.size() > _MOST_TITLES:
        return ItemTitles({}, {})
    return read_titles(config)


def _table(rows: Columns, config: FeedbackConfig, unit: str | None) -> tuple[UserTable, dict[str, int]]:
    if config.events:
        return taken_back.judge_events(rows, config, unit)
    return make_table(rows, config.duplicates), {}


def _of_polarity(rows: Columns, config: FeedbackConfig) -> Iterator[str]:
    """Rows that are all liked or all disliked, by a rule that looks at each alone."""
    if isinstance(config.positive, str) and config.positive != "column":
        return
    threshold = 0.5 if isinstance(config.positive, str) else config.positive
    value = rows.value
    if rows.event is not None:
        cancels = [place for place, event in enumerate(config.events) if event.cancels]
        value = value[~(rows.event[:, None] == cancels).any(axis=1)]
    likes = int((value >= threshold).sum())
    if len(value) >= _LEAST_ROWS and likes in (0, len(value)):
        rule = "what the events say" if config.events else positive_rule(config.positive, threshold)
        yield (
            f"{'All are' if likes else 'None is'} positive ({rule}). Look at "
            f"{'the rules of `feedback.events`' if config.events else '`feedback.positive`'}."
        )


def _of_split(rows: Columns, unit: str | None, config: FeedbackConfig) -> Iterator[str]:
    """What stops a run where all rows are like the first ones: a cut beside all times."""
    times = Observed(first=int(rows.time.min()), last=int(rows.time.max()))
    try:
        check_times(times, unit, config)
    except FeedbackError as error:
        yield f"By the first {len(rows):,} rows: {error} If all rows are like them, a run stops."
