"""What the workers do with a shard, the first step from the chunks of it that `read` gives.

Each step on shards gets `Facts`, which grows from step to step, as its one side input. It gives a packed table, keys
to select from, or sums: counts of items and of rows.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from components.feedback.beam import quantiles
from components.feedback.beam.chunks import pack, pack_columns, unpack, unpack_columns
from components.feedback.beam.counters import count
from components.feedback.beam.facts import FILTERED, USERS, VALUE, Facts
from components.feedback.beam.read import AT_RANDOM, COUNTS, SPANS
from components.feedback.config import FeedbackConfig
from components.feedback.drift.seen import merge_days, see_days, see_likes
from components.feedback.drift.window import first_times
from components.feedback.plausibility.observe import observe_examples, observe_rows, observe_times
from components.feedback.plausibility.observed import Observed, merge
from components.feedback.plausibility.of_copies import observe_events, observe_random
from components.feedback.rules import boundary
from components.feedback.rules.at_random import Judges, judge_random
from components.feedback.rules.filters import Filtered, filter_rows, item_users, known_rows
from components.feedback.rules.splits import TIME, USER
from components.feedback.rules.table import (
    UserTable,
    drop_duplicates,
    drop_duplicates_apart,
    make_table,
    order_rows,
    settle,
)
from components.feedback.rules.taken_back import counts_of, judge_events, taken_back
from components.feedback.rules.targets import select
from components.feedback.writing import account
from components.feedback.writing.examples import ShardExamples
from components.feedback.writing.output import Folders, write_shard
from components.feedback.writing.row_counts import row_counts
from components.feedback.writing.tfrecord import gzip_tfrecords
from components.feedback.writing.vocabulary import FIRST_TIME
from pnfrec_columns.arrays import Mask
from pnfrec_core import schema

# Tags of the additional outputs of steps: sums beside tables, and what lies below the threshold beside sums.
SUMS, BELOW = "sums", "below"

# A shard: its number, its packed table, and what was shown at random to its users.
Shard = tuple[int, bytes, bytes]


def _sums(items: pa.Array, columns: dict[str, npt.NDArray[Any]], counts: dict[str, int], observed: Observed) -> bytes:
    """Counts of items and of rows, and what was seen."""
    return pack((items, columns, count(counts), observed))


class Build(beam.DoFn):
    """(shard, packed chunks) to a `Shard`; its item counts are distinct users."""

    def __init__(self, config: FeedbackConfig) -> None:
        self._config = config

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        shard, packed = element
        chunks, at_random, counts, files = [], [], [], []
        for piece in packed:
            if piece.startswith(COUNTS):
                counts.append(unpack(piece[len(COUNTS) :]))
            elif piece.startswith(SPANS):
                files.append(Observed(files=unpack(piece[len(SPANS) :])))
            elif piece.startswith(AT_RANDOM):
                at_random.append(unpack_columns(piece[len(AT_RANDOM) :]))
            elif piece:
                chunks.append(unpack_columns(piece))
        of_rows = account.total(counts)
        rows, random_rows = order_rows(chunks), order_rows(at_random)
        if self._config.events:
            read, of_events = judge_events(rows, self._config, account.only_unit(of_rows))
        else:
            read, of_events = make_table(rows, self._config.duplicates), {}
        table = drop_duplicates(read, self._config.duplicates)
        duplicate = len(read) - len(table)
        new = count({account.DROPPED + "duplicate": duplicate, "users_read": len(table.users), **of_events})
        sums = (
            table.items,
            {USERS: item_users(table), FIRST_TIME: first_times(table)},
            account.total([new, +of_rows]),
            merge([observe_rows(read), observe_events(rows), observe_random(rows, random_rows), *files]),
        )
        yield TaggedOutput(SUMS, pack(sums))
        yield shard, pack_columns(table), pack_columns(random_rows) if self._config.random_files else b""


class OnShard(beam.DoFn):
    """Base of the steps on the table of a shard."""

    def __init__(self, config: FeedbackConfig) -> None:
        self._config, self._rule = config, config.split_rule

    def _filtered(self, packed: bytes, facts: Facts) -> Filtered:
        return filter_rows(unpack_columns(packed), facts.kept, self._config.min_user_items)

    def _without_gap(self, table: UserTable, facts: Facts) -> UserTable:
        """The rows that may be in an example, under the split rule."""
        left_out = self._rule.left_out(table, facts.times, account.timestamp_unit(facts.counts))
        return table.take(~left_out) if left_out.any() else table

    def _gone(self, table: UserTable, facts: Facts) -> Mask:
        """The rows that a later event takes back, of those where it depends on the split."""
        end = self._rule.known_until(facts.times, account.timestamp_unit(facts.counts))
        return taken_back(table, self._rule.held_out(table, facts.times), end)

    def _parted(self, table: UserTable, facts: Facts) -> tuple[UserTable, Mask]:
        """The rows that the rule on duplicates keeps on each side of the cut, and which are for training."""
        table = self._without_gap(table, facts)
        if table.until is not None:
            table = settle(table, self._gone(table, facts), self._config.duplicates)
        held_out = self._rule.held_out(table, facts.times)
        if self._config.duplicates == "last":
            table, held_out = drop_duplicates_apart(table, held_out)
        return table, ~held_out


class Times(OnShard):
    """Gives the timestamps after the filters, among which the split rule asks for some by their rank."""

    def process(self, element: Shard, packed_facts: bytes) -> Iterator[Any]:
        table = self._filtered(element[1], unpack(packed_facts)).table
        if len(table):
            yield TIME, quantiles.integer_keys(table.time[table.stays]).tobytes()


class Train(OnShard):
    """Counts what the k-core filter drops and the training rows; gives their largest value below a fixed threshold."""

    def process(self, element: Shard, packed_facts: bytes) -> Iterator[Any]:
        facts = unpack(packed_facts)
        filtered = self._filtered(element[1], facts)
        without_gap = self._without_gap(filtered.table, facts)
        gone = self._gone(without_gap, facts)
        table, train = self._parted(without_gap, facts)
        repeated = filtered.repeated + len(without_gap) - len(table) - int(np.count_nonzero(gone))
        size = len(table.items)
        items = {
            FILTERED: np.bincount(table.item, minlength=size),
            schema.VOCABULARY_COUNT: np.bincount(table.item[train], minlength=size),
        }
        counts = {
            account.DROPPED + "rare_item": filtered.rare_item,
            account.DROPPED + "rare_user": filtered.rare_user,
            account.DROPPED + "gap": len(filtered.table) - len(without_gap),
            account.DROPPED + "duplicate": repeated,
            account.DROPPED + "taken_back": int(np.count_nonzero(gone)),
            **counts_of(without_gap, gone),
            "rows_filtered": len(table),
            "users_filtered": filtered.users,
            "rows_training": int(np.count_nonzero(train)),
            "users_training": len(np.unique(table.user[train])),
        }
        if not isinstance(self._config.positive, str):
            for value in boundary.largest_below(table.value[train], self._config.positive):
                yield TaggedOutput(BELOW, value)
        unit = account.timestamp_unit(facts.counts)
        yield _sums(table.items, items, counts, observe_times(table, unit, facts.now, facts.user_forms))


class Keys(OnShard):
    """Gives training values, for their median, and the keys of held-out users that the split rule asks for."""

    def process(self, element: Shard, packed_facts: bytes) -> Iterator[Any]:
        facts = unpack(packed_facts)
        table, train = self._parted(self._filtered(element[1], facts).table, facts)
        if self._config.positive == "median" and train.any():
            yield VALUE, quantiles.float_keys(table.value[train]).tobytes()
        if USER in self._rule.rank_rules():
            known = known_rows(table, train, facts.catalogue)
            keys = self._rule.user_keys(table, known.known & ~train)
            if len(keys):
                yield USER, keys.tobytes()


class Below(OnShard):
    """Gives the largest training value below a threshold that was not known before, the median."""

    def process(self, element: Shard, packed_facts: bytes) -> Iterator[float]:
        facts = unpack(packed_facts)
        table, train = self._parted(self._filtered(element[1], facts).table, facts)
        yield from boundary.largest_below(table.value[train], facts.threshold)


class Write(OnShard):
    """Writes the examples of a shard; counts the positive training rows of each item and what became of each row."""

    def __init__(self, config: FeedbackConfig, shards: int, folders: Folders) -> None:
        super().__init__(config)
        self._shards, self._folders = shards, folders

    def process(self, element: Shard, packed_facts: bytes) -> Iterator[Any]:
        facts = unpack(packed_facts)
        read = unpack_columns(element[1])
        table, train = self._parted(filter_rows(read, facts.kept, self._config.min_user_items).table, facts)
        known = known_rows(table, train, facts.catalogue)
        splits = self._rule.split(table, known.train, facts.user_keys)
        parting = boundary.make_boundary(table, known.train, facts.threshold, facts.below)
        positive = parting.positives(table)
        chosen = select(table, known, splits, positive, self._config)
        has_values = self._config.positive != "column"
        day = account.ticks_a_day(account.timestamp_unit(facts.counts))
        encoder = ShardExamples(table, positive, day, parting.margins(table) if has_values else None)
        records = {schema.TRAIN_SPLIT: encoder.train(chosen.train)}
        for split, targets in chosen.targets.items():
            records[schema.SPLITS[split]] = encoder.evaluation(
                targets, known, len(facts.catalogue), self._config.caps.history
            )
        counts = row_counts(table, known, splits, positive, chosen)
        for name, split_records in records.items():
            data, counts[account.examples(name)] = gzip_tfrecords(split_records)
            write_shard(self._folders, name, element[0], self._shards, data)
        if self._config.random_files:
            medians = None if facts.threshold is not None else boundary.user_medians(table, known.train)[0]
            thresholds = np.full(len(table.users), facts.threshold) if medians is None else medians
            judges = Judges(table, known, splits, positive, thresholds, facts.time, facts.catalogue)
            counts |= self._write_random(element, judges, day)
        unit = account.timestamp_unit(facts.counts)
        days = [see_days(read, has_values, facts.window), see_likes(table, positive, facts.window)]
        observed = dataclasses.replace(observe_examples(table, positive, chosen, unit), days=merge_days(days))
        yield _sums(table.items, self._likes(table, known.train & positive, facts), counts, observed)

    def _write_random(self, element: Shard, judges: Judges, day: int) -> dict[str, int]:
        """Writes the examples that ask for what was shown at random; what became of its rows."""
        found = judge_random(unpack_columns(element[2]), judges, self._config)
        encoder = ShardExamples(found.table, found.positive, day)
        size, longest = len(judges.catalogue), self._config.caps.history
        data, _ = gzip_tfrecords(encoder.evaluation(found.targets, found.known, size, longest))
        write_shard(self._folders, schema.TEST_RANDOM_SPLIT, element[0], self._shards, data)
        return {account.at_random(name): number for name, number in found.counts.items()}

    def _likes(self, table: UserTable, liked: Mask, facts: Facts) -> dict[str, npt.NDArray[Any]]:
        """Positive training rows of each item, and the recent ones among them where they are asked for."""
        size = len(table.items)
        likes = {schema.VOCABULARY_POSITIVE_COUNT: np.bincount(table.item[liked], minlength=size)}
        if self._config.recent_days:
            unit = account.timestamp_unit(facts.counts)
            # Back from the end of training: a gap may be as long as the days, and would leave nothing to count.
            known = self._rule.known_until(facts.times, unit)
            end = facts.time if facts.time is None or known is None else min(facts.time, known)
            of_late = liked & table.days_before(end, self._config.recent_days, account.ticks_a_day(unit))
            likes[schema.VOCABULARY_RECENT_POSITIVE_COUNT] = np.bincount(table.item[of_late], minlength=size)
        return likes
