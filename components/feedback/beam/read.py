"""What a worker does with pieces of input: reads them, and spreads their rows and their account over the shards."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam

from components.feedback.beam.chunks import cut, pack
from components.feedback.beam.counters import count
from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.columns import join
from components.feedback.reading.rows import RowBatch
from components.feedback.reading.source import Piece
from components.feedback.spans.seen import FileSeen, merge_files, see_times
from components.feedback.writing import account
from components.feedback.writing.of_batch import kinds_of, rows_of, units_of, zones_of

# What a packed chunk is that holds no ordinary rows.
COUNTS, AT_RANDOM, SPANS = b"counts", b"random", b"spans"
# Rows that are spread over the shards at a time, so that a chunk holds more than a few of them.
_CUT_ROWS = 1 << 18


class Read(beam.DoFn):
    """Pieces of input to (shard, packed chunk); once (shard, nothing) for each shard, so that none is left out."""

    def __init__(self, config: FeedbackConfig, shards: int, batch_rows: int) -> None:
        self._config, self._shards, self._batch_rows = config, shards, batch_rows

    def process(self, pieces: list[Piece]) -> Iterator[Any]:
        if pieces[0].is_first:
            yield from ((shard, b"") for shard in range(self._shards))
        seen: dict[str, FileSeen] = {}
        for at_random, group in itertools.groupby(pieces, key=lambda piece: piece.at_random):
            cut_up = self._cut_random if at_random else self._cut
            waiting: list[RowBatch] = []
            for batch in self._batches(group, seen):
                waiting.append(batch)
                if sum(len(each.columns) for each in waiting) >= _CUT_ROWS:
                    yield from cut_up(waiting)
                    waiting = []
            if waiting:
                yield from cut_up(waiting)
        if seen:
            yield 0, SPANS + pack(seen)

    def _batches(self, pieces: Iterable[Piece], seen: dict[str, FileSeen]) -> Iterator[RowBatch]:
        """The rows of pieces; adds to `seen` what the times are in files of spans."""
        for piece in pieces:
            for batch in read_rows(piece, self._config, self._batch_rows):
                if piece.span is not None and len(batch.columns):
                    unit = next(iter(batch.units)) if len(batch.units) == 1 else None
                    path, times = piece.source.path, batch.columns.time
                    before = {path: seen[path]} if path in seen else {}
                    seen |= merge_files([before, {path: see_times(piece.span, times, unit)}])
                yield batch

    def _cut(self, batches: Sequence[RowBatch]) -> Iterator[Any]:
        """The chunks of batches that follow each other in the input."""
        zones = map(zones_of, batches)
        kinds = [kinds_of(batch) for batch in batches] if self._config.events else []
        counts = account.total([*map(rows_of, batches), *map(units_of, batches), *zones, *kinds])
        # They travel with the chunks of some shard, since they are summed over all.
        yield 0, COUNTS + pack(count(counts))
        units = {name: 0 for batch in batches for name in units_of(batch)}
        for shard, chunk in cut(join([batch.columns for batch in batches]), self._shards):
            yield shard, chunk
            if self._config.events:
                # Each shard asks for the unit, to know what lies before a time of the split that is given.
                yield shard, COUNTS + pack(units)

    def _cut_random(self, batches: Sequence[RowBatch]) -> Iterator[Any]:
        """The same of what was shown at random, whose rows have an account of their own."""
        own = account.total(map(rows_of, batches))
        of_random = {account.at_random(name): number for name, number in own.items()}
        counts = account.total([of_random, *map(units_of, batches)])
        yield 0, COUNTS + pack(count(counts))
        for shard, chunk in cut(join([batch.columns for batch in batches]), self._shards):
            yield shard, AT_RANDOM + chunk
