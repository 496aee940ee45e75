"""What is read, in which order, and whether it can be used at all. Runs once, before the Beam pipeline."""

import dataclasses
import math
from collections.abc import Sequence

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.columns import required_columns
from components.feedback.reading.files import expand_files, file_format, match_files
from components.feedback.reading.parquet import ParquetSource
from components.feedback.reading.source import Piece, Source
from components.feedback.reading.text import TextSource

_ROWS_PER_SHARD = 250_000
_MAX_SHARDS = 1000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the pipeline reads and how many shards it writes."""

    pieces: tuple[Piece, ...]
    shards: int
    warnings: tuple[str, ...] = ()


def make_plan(config: FeedbackConfig) -> Plan:
    """Lists the files and looks into each: format, columns, whether there are rows.

    Raises:
        FeedbackError: A file is missing, empty or unreadable, lacks a column, or no file has a row.
    """
    # Titles are read last; whether they can be read is better known now.
    find_titles(config)
    needed = required_columns(config)
    pieces: list[Piece] = []
    rows, empty = 0.0, []
    for index, path in enumerate(expand_files(config)):
        found, size = _source(path, config.format, config.delimiter, config.names).pieces(needed)
        rows += size
        pieces += [dataclasses.replace(piece, file=index) for piece in found]
        empty += [] if found else [path]
    if not pieces:
        msg = f"No input file has a data row: {', '.join(empty)}. Check `feedback.files`."
        raise FeedbackError(msg)
    pieces[0] = dataclasses.replace(pieces[0], is_first=True)
    shards = config.shards or min(_MAX_SHARDS, max(1, math.ceil(rows / _ROWS_PER_SHARD)))
    return Plan(tuple(pieces), shards, tuple(f"{path} has no data row." for path in empty))


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
    source = _source(path, "auto", titles.delimiter, titles.names)
    pieces, _ = source.pieces([titles.item, titles.title], "feedback.titles")
    return pieces


def _source(path: str, setting: str, delimiter: str, names: Sequence[str]) -> Source:
    """The file at `path`, of the format that the setting or its suffix says."""
    kind = file_format(path, setting)
    return ParquetSource(path) if kind == "parquet" else TextSource(path, kind, delimiter, tuple(names))
