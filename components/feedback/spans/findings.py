"""What is said of files whose rows are of another day, or in another place, than their names say."""

from collections.abc import Iterator
from itertools import pairwise

from components.feedback.plausibility.finding import Finding
from components.feedback.plausibility.limits import LimitsConfig
from components.feedback.spans.seen import Files, FileSeen
from pnfrec_columns.units import time_text

OTHER_DAYS, SPANS_ORDER = "rows_of_other_days", "spans_order"
# With so many files of days, what most of them do is what their names mean: rows of the day before, or of a week.
_LEAST_FILES = 3
# Of the rows of a file, the least share on a day that belongs to it; and rows of a file that may be told from chance.
_OF_FILE, _LEAST_ROWS = 0.01, 20
_NAMED = 3


def find_in_spans(files: Files, unit: str | None, key: str, limits: LimitsConfig) -> Iterator[Finding]:
    """Files of another day, or spans that are in no order of time.

    Args:
        files: What was seen of the times in each, by path; only those of spans.
        unit: Of the times.
        key: That names the files.
        limits: Beyond which share a finding becomes a warning.
    """
    days = {path: seen for path, seen in files.items() if seen.days}
    if days:
        yield _other_days(days, unit, key, limits.rows_of_other_days)
    numbered = {path: seen for path, seen in files.items() if not seen.span.is_day}
    if len({seen.span for seen in numbered.values()}) > 1:
        yield _out_of_order(numbered, unit, key, limits.spans_order)


def _other_days(files: Files, unit: str | None, key: str, limit: float) -> Finding:
    """Of the rows of the file that has the largest share of other days, those."""
    usual = _usual(files)
    strange = {path: _strange(seen, usual or {0}, bool(usual)) for path, seen in files.items()}
    worst = max(sorted(files), key=lambda path: strange[path] / files[path].rows)
    odd = [path for path in sorted(files) if strange[path] > limit * files[path].rows]
    told = ""
    if strange[worst]:
        # What is told is what is above the limit, the newest first, which nobody has seen before.
        shown = sorted(odd or [worst], key=lambda path: (-files[path].span.number, path))
        more = f" and {len(shown) - _NAMED:,} more" if len(shown) > _NAMED else ""
        told = ": " + "; ".join(_of_file(path, files[path], strange[path], unit) for path in shown[:_NAMED]) + more
    return Finding(
        OTHER_DAYS,
        strange[worst],
        files[worst].rows,
        limit,
        f"`{key}`: of {len(files):,} files the rows of {len(odd):,} are of another day than their names say{told}.",
        "Look at them: the name or the rows may be of another day, or those of a day may be delivered twice.",
    )


def _of_file(path: str, seen: FileSeen, strange: int, unit: str | None) -> str:
    ends = [(time_text(time, unit) or str(time)).partition(" ")[0] for time in (seen.first, seen.last)]
    span = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    return f"{path} ({strange:,} of {seen.rows:,} rows; its rows are of {span})"


def _usual(files: Files) -> set[int]:
    """How many days after the day of the name the rows lie in most files; nothing where there are too few files."""
    if len(files) < _LEAST_FILES:
        return set()
    counts: dict[int, int] = {}
    for seen in files.values():
        for days, rows in seen.days.items():
            counts[days] = counts.get(days, 0) + (rows >= _OF_FILE * seen.rows)
    return {days for days, number in counts.items() if 2 * number > len(files)}


def _strange(seen: FileSeen, usual: set[int], is_learned: bool) -> int:
    """How many rows of a file are of none of its days.

    The days beside are its own too: a zone and the hour of the delivery move rows there, all of them only by mistake.
    """
    home = {days + beside for days in usual for beside in (-1, 0, 1)}
    own = sum(rows for days, rows in seen.days.items() if days in usual)
    if is_learned and seen.rows >= _LEAST_ROWS and 2 * own < seen.rows:
        home = usual
    return sum(rows for days, rows in seen.days.items() if days not in home)


def _out_of_order(files: Files, unit: str | None, key: str, limit: float) -> Finding:
    """Numbered spans all of whose rows are older than those of the span before."""
    ends: dict[int, tuple[int, int]] = {}
    for seen in files.values():
        first, last = ends.get(seen.span.number, (seen.first, seen.last))
        ends[seen.span.number] = min(first, seen.first), max(last, seen.last)
    spans = sorted(ends)
    back = [(before, span) for before, span in pairwise(spans) if ends[span][1] < ends[before][0]]
    named = "; ".join(f"{span} ends {_at(ends[span][1], unit)}, before {before} begins" for before, span in _last(back))
    more = f" and {len(back) - _NAMED:,} more" if len(back) > _NAMED else ""
    return Finding(
        SPANS_ORDER,
        len(back),
        len(spans) - 1,
        limit,
        f"`{key}`: of {len(spans):,} spans {len(back):,} are older than the span before"
        f"{f' ({named}{more})' if back else ''}.",
        "Look at them and at those beside: a number or the rows may be of another span.",
    )


def _last(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return pairs[: -_NAMED - 1 : -1]


def _at(time: int, unit: str | None) -> str:
    return time_text(time, unit) or str(time)
