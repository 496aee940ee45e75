"""What is read, in which order, and whether it can be used at all. Runs once, before the Beam pipeline."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence

from components.feedback.config import FeedbackConfig
from components.feedback.reading.columns import columns_of, required_columns
from components.feedback.reading.files import file_format, match_files
from components.feedback.reading.input_files import Input, find_input
from components.feedback.reading.parquet import ParquetSource
from components.feedback.reading.source import EmptyFileError, MissingColumnError, Piece, Source
from components.feedback.reading.text import TextSource
from components.feedback.spans.window import Spans
from pnfrec_columns.times import has_fractions
from pnfrec_columns.units import AUTO, FRACTIONAL
from pnfrec_core.errors import FeedbackError

_ROWS_PER_SHARD = 250_000
_MAX_SHARDS = 1000
_ROWS_PER_GROUP = 500_000
# How many files are looked at for the form of their timestamps: a fraction in a later one is an error with the remedy.
_LOOKED_AT = 16


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the pipeline reads and how many shards it writes.

    Attributes:
        pieces: What is read.
        shards: How many files a split becomes.
        config: The settings, with what the files themselves decide.
        warnings: What was odd about the files.
        empty: Of these, what is said of files without a row.
        spans: Those that are read; None where the files have none.
    """

    pieces: tuple[Piece, ...]
    shards: int
    config: FeedbackConfig
    warnings: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    spans: Spans | None = None

    def groups(self) -> list[list[Piece]]:
        """The pieces in order, small ones together: each group is read by one worker.

        Files of a day each would else become as many chunks for each shard, of few rows and with dictionaries of their
        own.
        """
        groups: list[list[Piece]] = []
        rows = math.inf
        for piece in self.pieces:
            if rows + piece.rows > _ROWS_PER_GROUP:
                groups.append([])
                rows = 0.0
            groups[-1].append(piece)
            rows += piece.rows
        return groups


def make_plan(config: FeedbackConfig) -> Plan:
    """Lists the files and looks into each: format, columns, whether there are rows.

    Raises:
        FeedbackError: A file is missing, empty or unreadable, lacks a column, or no file has a row.
    """
    # Titles are read last; whether they can be read is better known now.
    find_titles(config)
    pieces: list[Piece] = []
    rows, sources = 0.0, []
    empty: dict[str, FeedbackError] = {}
    found_files = find_input(config)
    spans = found_files.spans
    read = zip(found_files.files, found_files.events, found_files.selections, strict=True)
    for index, (path, event, selection) in enumerate(read):
        try:
            found, size = look_at(path, event, config)
        except EmptyFileError as error:
            # A part without a row among good ones is what engines write for a worker that had nothing to do.
            empty[path] = error
            continue
        # A file that several events share has its rows once.
        rows += size if selection is None or selection.taken is not None else 0.0
        span = spans.span_of(path) if spans else None
        pieces += [dataclasses.replace(piece, file=index, selection=selection, span=span) for piece in found]
        if found:
            sources.append((found[0].source, event))
        else:
            empty[path] = FeedbackError(f"{path} has no data row.")
    if not pieces:
        first, *others = empty.values()
        if isinstance(first, EmptyFileError) and not others:
            raise first
        msg = f"No input file has a data row: {', '.join(empty)}. Check `feedback.files`."
        raise FeedbackError(msg)
    absent = list(_check_each_event(config, found_files, pieces))
    at_random = _random_pieces(config, found_files)
    pieces[0] = dataclasses.replace(pieces[0], is_first=True)
    shards = config.shards or min(_MAX_SHARDS, max(1, math.ceil(rows / _ROWS_PER_SHARD)))
    of_empty = tuple(map(str, empty.values()))
    warnings = (*(spans.warnings() if spans else ()), *absent, *of_empty)
    return Plan((*pieces, *at_random), shards, _settle_unit(config, sources), warnings, of_empty, spans)


def look_at(path: str, event: int | None, config: FeedbackConfig) -> tuple[list[Piece], float]:
    """The pieces to read a file in, none if it has no data row, and about how many rows it has.

    Args:
        path: Of the file.
        event: Place of its event in `feedback.events`; None without any.
        config: The settings.

    Raises:
        EmptyFileError: It has no content.
        FeedbackError: It cannot be read, or lacks a column.
    """
    source = _source(path, config.format, config.delimiter, config.names, config.quotes)
    try:
        pieces, rows = source.pieces(required_columns(config, event))
    except MissingColumnError as error:
        raise _explain_missing(error, config) from None
    return [dataclasses.replace(piece, event=event, rows=rows / len(pieces)) for piece in pieces], rows


def _random_pieces(config: FeedbackConfig, found_files: Input) -> list[Piece]:
    """The pieces of what was shown at random, whose files come after all others.

    Raises:
        FeedbackError: A file cannot be read or lacks a column, or none has a row.
    """
    pieces: list[Piece] = []
    files = found_files.at_random
    for index, path in enumerate(files, start=len(found_files.files)):
        with contextlib.suppress(EmptyFileError):
            found, _ = look_at(path, None, config)
            span = found_files.spans.span_of(path) if found_files.spans else None
            pieces += [dataclasses.replace(piece, file=index, at_random=True, span=span) for piece in found]
    if files and not pieces:
        msg = f"`feedback.random_files`: no file has a data row: {', '.join(files)}. Correct it, or leave it out."
        raise FeedbackError(msg)
    return pieces


def _check_each_event(config: FeedbackConfig, found_files: Input, pieces: Sequence[Piece]) -> Iterator[str]:
    """The events that the spans which are read have no file of, a sentence each.

    Raises:
        FeedbackError: Files of an event have no row: they may be the wrong ones, without a word.
    """
    present = {piece.event for piece in pieces}
    for place, event in enumerate(config.events):
        if event.ignored:
            continue
        paths = ", ".join(path for path, of in zip(found_files.files, found_files.events, strict=True) if of == place)
        if not paths:
            yield f"`feedback.events`, {event.name!r}: none of the spans that are read has a file of it."
        elif place not in present:
            msg = (
                f"`feedback.events`, {event.name!r}: no file has a data row: {paths}. Correct its `files`, or leave "
                "the event out."
            )
            raise FeedbackError(msg)


def _explain_missing(error: MissingColumnError, config: FeedbackConfig) -> FeedbackError:
    """The error, and what feedback without ratings needs where nothing but the values is missing."""
    if config.positive == "column" or error.missing != [config.columns.value]:
        return error
    return FeedbackError(
        f"{error} If nobody rated anything (plays, clicks, purchases), say what counts as positive: a column of "
        "polarities (`feedback.positive: column` and `feedback.columns.polarity`), or a number to compare, such as the "
        "share of a track that was played (`feedback.columns.value` and `feedback.positive: 0.5`)."
    )


def _settle_unit(config: FeedbackConfig, sources: Sequence[tuple[Source, int | None]]) -> FeedbackConfig:
    """The settings, with the unit of seconds with a fraction where the first rows of a file hold such timestamps.

    One unit holds for all rows, so it has to be known before any is read.
    """
    if config.time_unit != AUTO or config.time_format:
        return config
    named = [(source, columns_of(config, event).timestamp) for source, event in sources[:_LOOKED_AT]]
    found = (source.first_rows([name]).get(name) for source, name in named)
    if any(times is not None and has_fractions(times) for times in found):
        return dataclasses.replace(config, time_unit=FRACTIONAL)
    return config


def find_titles(config: FeedbackConfig) -> list[Piece]:
    """The file of titles, looked into; nothing if there is none in `config`.

    Raises:
        FeedbackError: It is missing, empty or unreadable, or lacks a column.
    """
    titles = config.titles
    if titles is None:
        return []
    path, *more = match_files(config.base, titles.file, "feedback.titles.file")
    if more:
        msg = f"`feedback.titles.file`: {titles.file} names several files, such as {path} and {more[0]}. Name one."
        raise FeedbackError(msg)
    source = _source(path, "auto", titles.delimiter, titles.names, titles.quotes)
    pieces, _ = source.pieces(titles.columns(), "feedback.titles")
    return pieces


def _source(path: str, setting: str, delimiter: str, names: Sequence[str], quotes: str) -> Source:
    """The file at `path`, of the format that the setting or its suffix says."""
    kind = file_format(path, setting)
    return ParquetSource(path) if kind == "parquet" else TextSource(path, kind, delimiter, tuple(names), quotes)
