"""What is worked out once, from the sums of all shards: kept items, split time, catalogue, threshold, results."""

import dataclasses
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc

from components.feedback.beam import quantiles, steps
from components.feedback.beam.chunks import pack, unpack
from components.feedback.beam.steps import Facts
from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import find_other_unit
from components.feedback.reading.titles import read_titles
from components.feedback.writing import account, vocabulary
from components.feedback.writing.output import Folders, write_results
from pnfrec_core import schema


def time_rules(config: FeedbackConfig) -> dict[str, quantiles.RankRule]:
    """The ranks among the timestamps that the split asks for."""
    return {steps.TIME: partial(quantiles.nearest_rank, config.test_quantile)} if config.split == "global_time" else {}


def key_rules(config: FeedbackConfig) -> dict[str, quantiles.RankRule]:
    """The ranks among training values and held-out users that threshold and split ask for."""
    rules: dict[str, quantiles.RankRule] = {}
    if config.positive == "median":
        rules[steps.VALUE] = quantiles.middle_ranks
    if config.split == "global_time":
        rules[steps.HASH] = quantiles.half_rank
    return rules


def _totals(sums: Iterable[bytes], before: dict[str, int]) -> tuple[Any, dict[str, int]]:
    """Counts of items as a table, and counts of rows added to those before."""
    parts = [unpack(packed) for packed in sums]
    items = vocabulary.merge_counts((ids, columns) for ids, columns, _ in parts)
    return items, dict(account.total([before, *(counts for *_, counts in parts)]))


@dataclasses.dataclass(frozen=True)
class KeepItems:
    """Items with enough distinct users (rule 2)."""

    min_users: int

    def __call__(self, _: Any, sums: Any) -> bytes:
        items, counts = _totals(sums, {})
        ids = vocabulary.column(items, vocabulary.ITEM)
        enough = pc.greater_equal(vocabulary.column(items, steps.USERS), self.min_users)
        return pack(Facts(counts, len(ids), ids.filter(enough)))


@dataclasses.dataclass(frozen=True)
class AddTime:
    """T of the global time split (rule 4)."""

    rules: dict[str, quantiles.RankRule]

    def __call__(self, packed_facts: bytes, histograms: Any) -> bytes:
        found = quantiles.keys_of(histograms, self.rules)[steps.TIME]
        return pack(dataclasses.replace(unpack(packed_facts), time=quantiles.integer_of(found[0]) if found else None))


@dataclasses.dataclass(frozen=True)
class AddCatalogue:
    """The items of the training rows (rule 8), and what lies below a fixed threshold.

    Raises:
        FeedbackError: The timestamps have several units, or no training row is left.
    """

    config: FeedbackConfig

    def __call__(self, packed_facts: bytes, sums: Any, below: Iterable[float]) -> bytes:
        facts: Facts = unpack(packed_facts)
        items, counts = _totals(sums, facts.counts)
        unit = account.timestamp_unit(counts, partial(find_other_unit, self.config))
        account.check_training_rows(counts, self.config, account.time_text(facts.time, unit))
        present = items.filter(pc.greater(items.column(schema.VOCABULARY_COUNT), 0))
        ordered = vocabulary.by_popularity(present)
        return pack(
            dataclasses.replace(
                facts,
                counts=counts,
                items_filtered=int(np.count_nonzero(vocabulary.column(items, steps.FILTERED))),
                catalogue=vocabulary.column(ordered, vocabulary.ITEM),
                item_counts=vocabulary.column(ordered, schema.VOCABULARY_COUNT),
                threshold=_fixed_threshold(self.config),
                below=max(below, default=None),
            )
        )


def _fixed_threshold(config: FeedbackConfig) -> float | None:
    if config.positive == "column":
        # The column was read as 1.0 and 0.0.
        return 0.5
    return None if isinstance(config.positive, str) else float(config.positive)


@dataclasses.dataclass(frozen=True)
class AddKeys:
    """The median of the training values, and the hash that halves the held-out users (rules 3 and 4)."""

    rules: dict[str, quantiles.RankRule]

    def __call__(self, packed_facts: bytes, histograms: Any) -> bytes:
        facts: Facts = unpack(packed_facts)
        found = quantiles.keys_of(histograms, self.rules)
        if values := found.get(steps.VALUE):
            low, high = map(quantiles.float_of, values)
            facts = dataclasses.replace(facts, threshold=(low + high) / 2)
        return pack(dataclasses.replace(facts, cut=next(iter(found.get(steps.HASH, [])), None)))


def add_below(packed_facts: bytes, below: Iterable[float]) -> bytes:
    """What lies below the median of the training values."""
    return pack(dataclasses.replace(unpack(packed_facts), below=max(below, default=None)))


@dataclasses.dataclass(frozen=True)
class Finish:
    """Checks what came out, then writes vocabulary and statistics.

    Raises:
        FeedbackError: No user is left to train on, or the titles cannot be read.
    """

    config: FeedbackConfig
    folders: Folders
    warnings: tuple[str, ...]

    def __call__(self, packed_facts: bytes, sums: Any) -> None:
        facts: Facts = unpack(packed_facts)
        items, counts = _totals(sums, facts.counts)
        account.check_train_examples(counts, self.config, facts.threshold)
        numbers = {"read": facts.items_read, "filtered": facts.items_filtered, "catalogue": len(facts.catalogue)}
        result = account.make_statistics(counts, self.config, facts.time, facts.threshold, numbers, self.warnings)
        names = [schema.VOCABULARY_POSITIVE_COUNT]
        names += [schema.VOCABULARY_RECENT_POSITIVE_COUNT] if self.config.recent_days else []
        likes = {name: vocabulary.as_dict(items, name) for name in names}
        titles = read_titles(self.config)
        lines = vocabulary.vocabulary_lines(facts.catalogue, facts.item_counts, likes, titles)
        write_results(self.folders, lines, result)
