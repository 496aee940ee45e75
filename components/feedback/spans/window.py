"""Which of the spans that are there are read: the newest, of each its newest version; and which are missing."""

import dataclasses
import datetime
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from components.feedback.spans.pattern import Place, SpanPattern
from components.feedback.spans.seen import Span

_SHOWN: Final = 10


@dataclasses.dataclass(frozen=True)
class Spans:
    """The spans of a run.

    Attributes:
        is_dates: Whether they are days.
        of_file: Span of each file that is read.
        older: Number of spans before the window, which are not read.
        replaced: Number of read spans of which an earlier version is there too.
        unread: Paths that match a pattern but for the number in them.
        key: That the first pattern is set by.
    """

    is_dates: bool
    of_file: Mapping[str, int]
    older: int = 0
    replaced: int = 0
    unread: tuple[str, ...] = ()
    key: str = "feedback.files"

    @property
    def read(self) -> list[int]:
        """The spans that are read, rising."""
        return sorted(set(self.of_file.values()))

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The first and the last of each run of spans that are missing between those that are read."""
        return [(before + 1, after - 1) for before, after in pairwise(self.read) if after - before > 1]

    @property
    def missing(self) -> int:
        """Number of spans that are missing."""
        return sum(last - first + 1 for first, last in self.gaps)

    def as_dict(self) -> dict[str, Any]:
        """What `statistics.json` holds of them."""
        return {
            "kind": "date" if self.is_dates else "span",
            "first": self._name(self.read[0]),
            "last": self._name(self.read[-1]),
            "read": len(self.read),
            "missing": self.missing,
            "gaps": [[self._name(first), self._name(last)] for first, last in self.gaps],
            "older": self.older,
            "replaced": self.replaced,
        }

    def warnings(self) -> Iterator[str]:
        """What is missing, or was not read, a sentence each."""
        read = self.read
        if self.missing:
            ends = [(self._name(first), self._name(last)) for first, last in self.gaps]
            gaps = [first if first == last else f"{first} to {last}" for first, last in ends]
            more = f" and {len(gaps) - _SHOWN:,} more gaps" if len(gaps) > _SHOWN else ""
            yield (
                f"`{self.key}`: of the {self._noun} {self._name(read[0])} to {self._name(read[-1])} "
                f"{self.missing:,} {'is' if self.missing == 1 else 'are'} missing: {', '.join(gaps[:_SHOWN])}{more}. "
                f"{'It is' if self.missing == 1 else 'They are'} read by the first run that finds "
                f"{'it' if self.missing == 1 else 'them'}.{self._hint()}"
            )
        if self.unread:
            yield (
                f"`{self.key}`: {len(self.unread):,} {'path has' if len(self.unread) == 1 else 'paths have'} no "
                f"number where the pattern has one, and {'is' if len(self.unread) == 1 else 'are'} not read, such as "
                f"{self.unread[0]}."
            )

    def span_of(self, path: str) -> Span | None:
        """The span of a file; None of one without."""
        number = self.of_file.get(path)
        return None if number is None else Span(number, self.is_dates)

    @property
    def _noun(self) -> str:
        return "days" if self.is_dates else "spans"

    def _name(self, span: int) -> str:
        return datetime.date.fromordinal(span).isoformat() if self.is_dates else str(span)

    def _hint(self) -> str:
        """The remedy where dates are taken for numbers, so that each month seems to end in a gap."""
        if self.is_dates or not all(_looks_like_a_date(span) for span in self.read):
            return ""
        return " The numbers look like dates: write {YYYY}{MM}{DD} in the place of {SPAN}, and no month ends in a gap."


def describe(spans: Mapping[str, Any]) -> str:
    """What `Spans.as_dict` holds, in words."""
    noun = "day" if spans["kind"] == "date" else "span"
    parts = [f"{spans['first']} to {spans['last']}: {spans['read']:,} {noun}{'' if spans['read'] == 1 else 's'}"]
    parts += [f"{spans['missing']:,} missing"] if spans["missing"] else []
    parts += [f"{spans['older']:,} before them not read"] if spans["older"] else []
    parts += [f"{spans['replaced']:,} replaced by a newer version"] if spans["replaced"] else []
    return ", ".join(parts)


def choose(found: Mapping[SpanPattern, Mapping[str, Place | None]], newest: int) -> Spans:
    """The newest spans of all patterns together.

    Args:
        found: By pattern, what each path that it matches says.
        newest: How many spans are read, counted back from the newest one; 0 for all.

    Raises:
        ValueError: One pattern numbers its spans and another dates them, none is found, or one is written in two ways.
    """
    numbered, dated = ([each for each in found if each.is_dates is kind] for kind in (False, True))
    if numbered and dated:
        msg = (
            f"`{numbered[0].key}`: {numbered[0].text!r} numbers its spans and {dated[0].text!r} dates them, so that "
            "they have no order. Give all of them numbers, or dates."
        )
        raise ValueError(msg)
    known: dict[SpanPattern, dict[int, dict[int, list[str]]]] = {}
    for pattern, places in found.items():
        known[pattern] = _by_span(pattern, {path: place for path, place in places.items() if place is not None})
    spans = sorted({span for by_span in known.values() for span in by_span})
    read = set(spans[-newest:])
    of_file: dict[str, int] = {}
    replaced: set[int] = set()
    for by_span in known.values():
        for span in read & by_span.keys():
            versions = by_span[span]
            of_file |= dict.fromkeys(versions[max(versions)], span)
            replaced |= {span} if len(versions) > 1 else set()
    unread = tuple(path for places in found.values() for path, place in places.items() if place is None)
    return Spans(bool(dated), of_file, len(spans) - len(read), len(replaced), unread, next(iter(found)).key)


def _by_span(pattern: SpanPattern, places: Mapping[str, Place]) -> dict[int, dict[int, list[str]]]:
    """Paths by span and version."""
    if not places:
        msg = (
            f"`{pattern.key}`: no file is found for {pattern.text!r} (looked for {pattern.glob}). Relative paths are "
            "taken from `feedback.base`."
        )
        raise ValueError(msg)
    by_span: dict[int, dict[int, list[str]]] = {}
    first: dict[tuple[int, int | None], tuple[str, str]] = {}
    for path, place in sorted(places.items()):
        for key, written in (((place.span, None), place.written[0]), ((place.span, place.version), place.written[1])):
            before, other = first.setdefault(key, (written, path))
            if before != written:
                name = "span" if key[1] is None else f"version of span {place.span}"
                msg = (
                    f"`{pattern.key}`: {other} and {path} are of the same {name}, written {before} and {written}. "
                    "Remove one of them, or write both alike."
                )
                raise ValueError(msg)
        by_span.setdefault(place.span, {}).setdefault(place.version, []).append(path)
    return by_span


def _looks_like_a_date(span: int) -> bool:
    return re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", str(span)) is not None
