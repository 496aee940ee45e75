"""Which files a run reads, and in which order: of `feedback.files` or of each event, and what was shown at random.

Only the standard library is imported here, and Beam for files of another machine, so that commands and cache keys can
ask for the files without waiting for imports.
"""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from components.feedback.events import patterns_of
from components.feedback.reading.files import is_remote, match_files, span_paths
from components.feedback.reading.selection import Selection
from components.feedback.reading.tables import check_no_table
from components.feedback.spans.pattern import Place, SpanPattern, has_placeholder
from components.feedback.spans.window import Spans, choose
from pnfrec_core.errors import FeedbackError

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig
    from components.feedback.events import EventConfig


@dataclasses.dataclass(frozen=True)
class Input:
    """The files of a run.

    Attributes:
        files: Those that are trained on, of one event after another. Those of no span come first, then span by span;
            each are sorted by path.
        spans: What was chosen of the spans; None where no pattern has a placeholder.
        events: Place of the event of each file in `feedback.events`, or None without any.
        at_random: Those of what was shown at random, in the same order.
        selections: Which rows of each file are of its event; None for all of them.
    """

    files: list[str]
    spans: Spans | None = None
    events: list[int | None] = dataclasses.field(default_factory=list)
    at_random: list[str] = dataclasses.field(default_factory=list)
    selections: list[Selection | None] = dataclasses.field(default_factory=list)


def expand_files(config: "FeedbackConfig") -> list[str]:
    """The input files in order, as `find_input` finds them, and last those of what was shown at random."""
    found = find_input(config)
    return [*found.files, *found.at_random]


def find_input(config: "FeedbackConfig") -> Input:
    """The input files in order, each once however it is spelled, and the spans that they are of.

    Raises:
        FeedbackError: A file or every span is missing, a folder or glob holds no file, a span is written in two ways, a
            folder is a table of Delta, Iceberg or Hudi, whose files are not all current, a file belongs to two events
            that do not tell their rows apart, or what was shown at random is trained on too.
    """
    places = _places_of_spans(config)
    try:
        spans = choose(places, config.spans.newest) if places else None
    except ValueError as error:
        raise FeedbackError(str(error)) from error
    of_file = spans.of_file if spans else {}

    def files_of(patterns: Sequence[str], setting: str) -> list[str]:
        spanned = [SpanPattern(pattern, setting) for pattern in patterns if has_placeholder(pattern)]
        read = {path: of_file[path] for pattern in spanned for path in places[pattern] if path in of_file}
        plain = [pattern for pattern in patterns if not has_placeholder(pattern)]
        return _once([*_matched(config.base, plain, setting), *sorted(read, key=lambda path: (read[path], path))])

    files: list[str] = files_of(config.files, "feedback.files")
    events: list[int | None] = [None] * len(files)
    of_events = [files_of(event.files, "feedback.events") for event in config.events]
    for place, (event, own) in enumerate(zip(config.events, of_events, strict=True)):
        # What is ignored is counted by whoever reads the file.
        own = [] if event.ignored else own
        files, events = [*files, *own], [*events, *[place] * len(own)]
    readers = _readers(config, of_events)
    selections = [
        None if place is None else _selection(config, place, readers[_real(path)])
        for path, place in zip(files, events, strict=True)
    ]
    at_random = files_of(config.random_files, "feedback.random_files")
    _check_random(config, at_random, files)
    return Input(files, spans, events, at_random, selections)


def sorted_files(base: str, patterns: Iterable[str], setting: str) -> list[str]:
    """The files of all patterns, those of all spans among them, sorted by path, each once however it is spelled."""
    return _once(_matched(base, patterns, setting))


def _matched(base: str, patterns: Iterable[str], setting: str) -> list[str]:
    return sorted({path for pattern in patterns for path in match_files(base, pattern, setting)})


def _once(paths: Sequence[str]) -> list[str]:
    """In the same order. A link or `./` must not double the interactions."""
    check_no_table(path for path in paths if not is_remote(path))
    first: dict[str, str] = {}
    for path in paths:
        first.setdefault(_real(path), path)
    return list(first.values())


def _real(path: str) -> str:
    return path if is_remote(path) else os.path.realpath(path)


def _places_of_spans(config: "FeedbackConfig") -> dict[SpanPattern, dict[str, Place | None]]:
    """What each path says that a pattern with placeholders matches: the window is the same for all of them."""
    patterns = [SpanPattern(pattern, key) for pattern, key in patterns_of(config) if has_placeholder(pattern)]
    try:
        return {pattern: pattern.places(*span_paths(config.base, pattern)) for pattern in patterns}
    except ValueError as error:
        raise FeedbackError(str(error)) from error


def _readers(config: "FeedbackConfig", of_events: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """The events that name each file, by their places.

    Raises:
        FeedbackError: Two of them do not tell their rows apart, or nothing of a file is read.
    """
    readers: dict[str, list[int]] = {}
    for place, own in enumerate(of_events):
        for path in own:
            others = readers.setdefault(_real(path), [])
            for other in others:
                _check_apart(path, config.events[other], config.events[place])
            others.append(place)
    for path, places in readers.items():
        if all(config.events[place].ignored for place in places):
            msg = (
                f"`feedback.events`, {config.events[places[0]].name!r}: nothing of {path} is read, since what is "
                "`ignored` is the only event that names it. Leave it out there."
            )
            raise FeedbackError(msg)
    return readers


def _check_apart(path: str, first: "EventConfig", second: "EventConfig") -> None:
    """Raises a FeedbackError if a row of the file might be of both events."""
    both = f"`feedback.events`: {path} belongs to {first.name!r} and to {second.name!r}"
    if not (first.where and second.where):
        msg = f"{both}. A row means one thing: name the file in one of the two, or tell their rows apart by `where`."
        raise FeedbackError(msg)
    if first.where_column != second.where_column:
        msg = (
            f"{both}, whose `where` looks at two columns, {first.where_column!r} and {second.where_column!r}. A row "
            "means one thing: name the same column in both."
        )
        raise FeedbackError(msg)
    if shared := [kind for kind in first.kinds if kind in second.kinds]:
        msg = (
            f"{both}, and the `where` of both names {', '.join(map(repr, shared))}. A row means one thing: take it out "
            "of one of the two."
        )
        raise FeedbackError(msg)


def _selection(config: "FeedbackConfig", place: int, readers: Sequence[int]) -> Selection | None:
    """Which rows of a file an event takes. The first event that reads the file counts those that none takes."""
    own = config.events[place]
    if not own.where:
        return None
    kinds = {each: config.events[each].kinds for each in readers}
    ignored = tuple(kind for each in readers if config.events[each].ignored for kind in kinds[each])
    reading = [each for each in readers if not config.events[each].ignored]
    if place != reading[0]:
        return Selection(own.where_column, own.kinds)
    taken = tuple(kind for each in reading for kind in kinds[each])
    return Selection(own.where_column, own.kinds, taken, ignored)


def _check_random(config: "FeedbackConfig", at_random: Sequence[str], files: Sequence[str]) -> None:
    trained = set(map(_real, files))
    for path in at_random:
        if _real(path) in trained:
            msg = (
                f"`feedback.random_files`: {path} is one of the files that are trained on, too. Take it out of "
                f"`feedback.{'events' if config.events else 'files'}`, or leave it out here."
            )
            raise FeedbackError(msg)
