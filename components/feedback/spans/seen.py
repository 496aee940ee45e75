"""What the rows of each file of a span say of the day, or the place among the spans, that its name gives it."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from pnfrec_columns.units import ORDER, TICKS_A_DAY, Ints

_DAY_0 = datetime.date(1970, 1, 1).toordinal()
# Days that are farther apart count as so far.
_FARTHEST = 400


class Span(NamedTuple):
    """The span of a file.

    Attributes:
        number: Its number, or of a date the days since the year 1.
        is_day: Whether it is a date.
    """

    number: int
    is_day: bool


@dataclasses.dataclass(frozen=True)
class FileSeen:
    """What was seen of the times in a file.

    Attributes:
        span: Of the file.
        rows: Usable ones.
        first: The earliest time.
        last: The latest.
        days: Rows by how many days (UTC) they lie after the day of the name; nothing where the span is no day, or the
            times are no moments.
    """

    span: Span
    rows: int
    first: int
    last: int
    days: Mapping[int, int] = dataclasses.field(default_factory=dict)


Files = Mapping[str, FileSeen]


def see_times(span: Span, times: Ints, unit: str | None) -> FileSeen:
    """Of some rows of a file, of which there is one at least.

    Args:
        span: Of the file.
        times: Of the rows.
        unit: Of the times; None where they have several.
    """
    first, last = int(times.min()), int(times.max())
    if not span.is_day or unit is None or unit == ORDER:
        return FileSeen(span, len(times), first, last)
    ticks, day = TICKS_A_DAY[unit], span.number - _DAY_0
    if first // ticks == last // ticks:
        apart = Counter({_within(first // ticks - day): len(times)})
    else:
        counts = np.bincount(np.clip(times // ticks - day, -_FARTHEST, _FARTHEST) + _FARTHEST)
        apart = Counter({int(place) - _FARTHEST: int(counts[place]) for place in np.flatnonzero(counts)})
    return FileSeen(span, len(times), first, last, apart)


def _within(days: int) -> int:
    return max(-_FARTHEST, min(days, _FARTHEST))


def merge_files(parts: Iterable[Files]) -> dict[str, FileSeen]:
    """All parts together; the same whatever their order."""
    found: dict[str, FileSeen] = {}
    for path, more in (each for part in parts for each in part.items()):
        if (own := found.get(path)) is None:
            found[path] = more
            continue
        found[path] = FileSeen(
            own.span,
            own.rows + more.rows,
            min(own.first, more.first),
            max(own.last, more.last),
            Counter(own.days) + Counter(more.days),
        )
    return found
