"""Paths with placeholders: `span-{SPAN}/v{VERSION}/*.csv`, or `{YYYY}-{MM}-{DD}.csv`, as TFX's ExampleGens take them.

Only the standard library is imported here, as the configuration reads its patterns by it.
"""

import dataclasses
import datetime
import os
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(?::([^{}]*))?\}")
# What is meant as a placeholder, and is none.
_UNKNOWN: Final = re.compile(r"\{(?:span|version|y+|year|m+|month|d+|day|date)(?::[^{}]*)?\}", re.IGNORECASE)
_DATE: Final = {"YYYY": 4, "MM": 2, "DD": 2}
_SPAN, _VERSION = "SPAN", "VERSION"
# Signs of globs, and those right before or after a number that make it unclear where the number begins or ends.
_GLOB: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")
_OPEN: Final = ("*", "?", "]", "[")


def has_placeholder(pattern: str) -> bool:
    return _PLACEHOLDER.search(pattern) is not None


def check_pattern(pattern: str, key: str) -> None:
    """Raises a ValueError if a path has placeholders that cannot be read, or what is meant as one and is none."""
    if has_placeholder(pattern) or _UNKNOWN.search(pattern):
        SpanPattern(pattern, key)


@dataclasses.dataclass(frozen=True)
class Place:
    """What a path says by the numbers in the places of the placeholders.

    Attributes:
        span: The number, or of a date the days since the year 1.
        version: 0 where the pattern has none.
        written: How span and version are written in the path, which may have zeros in front.
    """

    span: int
    version: int
    written: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class SpanPattern:
    """A path, folder or glob with placeholders.

    Attributes:
        text: As it is set.
        key: That it is set by.
    """

    text: str
    key: str = "feedback.files"

    def __post_init__(self) -> None:
        """Checks the placeholders.

        Raises:
            ValueError: It mixes dates and numbers, lacks a part of a date, or leaves open where a number ends.
        """
        names = {name for name, _ in _PLACEHOLDER.findall(self.text)}
        if problem := self._problem(names):
            msg = f"`{self.key}`: {self.text!r} {problem}"
            raise ValueError(msg)

    @property
    def is_dates(self) -> bool:
        """Whether the spans are days."""
        return "{YYYY" in self.text

    @property
    def is_folder(self) -> bool:
        """Whether a folder may be meant, all of whose files count: its last part has a placeholder."""
        return has_placeholder(self.text.rstrip("/").rpartition("/")[2])

    @property
    def glob(self) -> str:
        """A glob that matches whatever the pattern may mean."""
        return "".join(_as_glob(name, width) if name else text for text, name, width in self._parts())

    def places(self, base: str, paths: Iterable[str]) -> dict[str, Place | None]:
        """What each of some paths says; None for one that has no number, or no date, where the pattern has one.

        Args:
            base: The folder that the pattern counts from, without signs of globs; "" of an absolute one.
            paths: What the glob matches, or lies in a folder that it matches.

        Raises:
            ValueError: A path names a day that is in no calendar.
        """
        start = re.escape(os.path.join(base, "")) if base else ""
        tail = "(?:/.*)?" if self.is_folder else ""
        expression = re.compile(f"{start}{''.join(self._as_regex())}{tail}", re.DOTALL)
        return {path: self._place(path, found) if (found := expression.fullmatch(path)) else None for path in paths}

    def _place(self, path: str, found: re.Match[str]) -> Place:
        numbers = found.groupdict()
        version = numbers.get(_VERSION, "0")
        if not self.is_dates:
            return Place(int(numbers[_SPAN]), int(version), (numbers[_SPAN], version))
        date = "-".join(numbers[part] for part in _DATE)
        try:
            day = datetime.date(*(int(numbers[part]) for part in _DATE))
        except ValueError as error:
            msg = (
                f"`{self.key}`: {path} matches {self.text!r}, and {date} is no day of the calendar. Rename it, or "
                "move it elsewhere."
            )
            raise ValueError(msg) from error
        return Place(day.toordinal(), int(version), (date, version))

    def _parts(self) -> Iterator[tuple[str, str, str]]:
        """(text, "", "") between placeholders, and ("", name, width) of each."""
        end = 0
        for found in _PLACEHOLDER.finditer(self.text.rstrip("/")):
            yield self.text[end : found.start()], "", ""
            yield "", found[1], found[2] or ""
            end = found.end()
        yield self.text.rstrip("/")[end:], "", ""

    def _as_regex(self) -> Iterator[str]:
        met: set[str] = set()
        for text, name, width in self._parts():
            if not name:
                yield _glob_as_regex(text)
                continue
            digits = _digits(name, width)
            # A second one has to be the very same number.
            yield f"(?P={name})" if name in met else f"(?P<{name}>[0-9]{f'{{{digits}}}' if digits else '+'})"
            met.add(name)

    def _problem(self, names: set[str]) -> str | None:
        dates = names & _DATE.keys()
        if unknown := _UNKNOWN.search(_PLACEHOLDER.sub("", self.text)):
            return (
                f"holds {unknown[0]}, which is no placeholder. Known: {{SPAN}}, {{VERSION}}, and {{YYYY}}, {{MM}} and "
                "{DD} together."
            )
        if _SPAN in names and dates:
            return "holds both {SPAN} and a date. Number the spans, or date them."
        if dates and (missing := [f"{{{name}}}" for name in _DATE if name not in dates]):
            return f"holds a part of a date, and lacks {' and '.join(missing)}. Give the whole date."
        if names == {_VERSION}:
            return "holds {VERSION} alone, which is of a span. Add {SPAN}, or {YYYY}, {MM} and {DD}."
        for _, name, width in self._parts():
            counts = width.isascii() and width.isdecimal() and 0 < int(width) < 20
            if width and (name in _DATE or not counts):
                return f"holds {{{name}:{width}}}: only {{SPAN:n}} and {{VERSION:n}} take a number of digits."
        return self._open_end()

    def _open_end(self) -> str | None:
        """What is wrong where nothing tells where a number begins or ends."""
        parts = [part for part in self._parts() if any(part)]
        for (text, name, width), (next_text, next_name, _) in pairwise(parts):
            is_open = bool(name) and not _digits(name, width)
            if (next_name and text.endswith(_OPEN)) or (is_open and (next_name or next_text.startswith(_OPEN))):
                number = f"{{{next_name if text else name}}}"
                return (
                    f"does not tell where the number of {number} begins and ends. Put a sign between it and what is "
                    "beside it, such as '-', or give it a number of digits: {SPAN:8}."
                )
        return None


def _digits(name: str, width: str) -> int:
    """How many digits the number has; 0 for any."""
    return _DATE.get(name, 0) or int(width or 0)


def _as_glob(name: str, width: str) -> str:
    return "[0-9]" * _digits(name, width) or "*"


def _glob_as_regex(text: str) -> str:
    parts, end = [], 0
    for found in _GLOB.finditer(text):
        parts += [re.escape(text[end : found.start()]), _sign_as_regex(found[0])]
        end = found.end()
    return "".join([*parts, re.escape(text[end:])])


def _sign_as_regex(sign: str) -> str:
    if sign.startswith("["):
        negated = sign.startswith("[!")
        inside = sign[2 if negated else 1 : -1].replace("\\", r"\\").replace("^", r"\^")
        return f"[{'^' if negated else ''}{inside}]"
    return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}[sign]
