"""What is known of all shards together, and how it is worked out, once, from the sums of each.

`Facts` grows from step to step: kept items, time of the split, catalogue, threshold, halves of the users.
"""

import dataclasses
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.beam import quantiles
from components.feedback.beam.chunks import pack, unpack
from components.feedback.config import FeedbackConfig
from components.feedback.drift.findings import find_drift
from components.feedback.drift.window import Window, make_window
from components.feedback.plausibility.catalogue import Catalogue
from components.feedback.plausibility.finding import Finding
from components.feedback.plausibility.findings import make_findings
from components.feedback.plausibility.observe import observe_items
from components.feedback.plausibility.observed import Observed, merge
from components.feedback.plausibility.stops import check_leaks, check_times
from components.feedback.reading.batches import find_other_unit
from components.feedback.reading.source import Piece
from components.feedback.reading.titles import read_titles
from components.feedback.rules.boundary import fixed_threshold, median_of, middle_ranks
from components.feedback.rules.ranks import RankRule
from components.feedback.rules.splits import TIME, USER
from components.feedback.spans.findings import find_in_spans
from components.feedback.spans.window import Spans
from components.feedback.writing import account, vocabulary
from components.feedback.writing.checks import check_events_found, check_train_examples, check_training_rows
from components.feedback.writing.output import Folders, remove_unfinished, write_results
from components.feedback.writing.statistics import make_statistics
from pnfrec_columns.units import time_text
from pnfrec_core import schema

# Name of the values that are selected by rank, beside `splits.TIME` and `splits.USER`.
VALUE = "value"
# Names of counts of items, beside those of the vocabulary.
USERS, FILTERED = "users", "filtered"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of all shards together; later steps fill in more.

    Attributes:
        counts: Rows and users so far, by name.
        items_read: Number of items in the input.
        kept: Items with enough users.
        times: Timestamps at the ranks that the split rule asked for.
        items_filtered: Number of items after the k-core filter.
        catalogue: Items of the training rows, most popular first.
        item_counts: Training rows of each.
        threshold: Values from it on are positive; None where each user has its own.
        below: The largest training value below the threshold; None where there is none, or each user has its own.
        user_keys: Keys of held-out users at the ranks that the split rule asked for.
        observed: What was seen that may be odd.
        now: Seconds since 1970 of the run.
        user_forms: Ids of users that are not in their plainest form, by that form.
        window: The newest days, which are compared; None where none are.
        not_compared: Why they are not; "" where that is not asked for.
    """

    counts: dict[str, int]
    items_read: int
    kept: pa.Array
    times: tuple[int, ...] = ()
    items_filtered: int = 0
    catalogue: pa.Array = None
    item_counts: pa.Array = None
    threshold: float | None = None
    below: float | None = None
    user_keys: tuple[int, ...] = ()
    observed: Observed = dataclasses.field(default_factory=Observed)
    now: int = 0
    user_forms: dict[str, str] = dataclasses.field(default_factory=dict)
    window: Window | None = None
    not_compared: str = ""

    @property
    def time(self) -> int | None:
        """The time of the split: the first of those that its rule asked for."""
        return next(iter(self.times), None)


def time_rules(config: FeedbackConfig) -> dict[str, RankRule]:
    """The ranks among the timestamps that the split rule asks for."""
    return {name: rule for name, rule in config.split_rule.rank_rules().items() if name == TIME}


def key_rules(config: FeedbackConfig) -> dict[str, RankRule]:
    """The ranks among training values and held-out users that threshold and split rule ask for."""
    median: dict[str, RankRule] = {VALUE: middle_ranks} if config.positive == "median" else {}
    return median | {name: rule for name, rule in config.split_rule.rank_rules().items() if name == USER}


def _totals(sums: Iterable[bytes], before: dict[str, int], seen: Observed) -> tuple[Any, dict[str, int], Observed]:
    """Counts of items as a table, and counts of rows and what was seen, added to those before."""
    parts = [unpack(packed) for packed in sums]
    items = vocabulary.merge_counts((ids, columns) for ids, columns, *_ in parts)
    counts = dict(account.total([before, *(counts for *_, counts, _ in parts)]))
    return items, counts, merge([seen, *(observed for *_, observed in parts)])


@dataclasses.dataclass(frozen=True)
class KeepItems:
    """Items with enough distinct users (rule 2), and what is known of the timestamps.

    Raises:
        FeedbackError: The timestamps have several units, or seem to be something else than what they are read as; or no
            row is of an event that says what is liked.
    """

    config: FeedbackConfig
    pieces: tuple[Piece, ...]

    def __call__(self, _: Any, sums: Any) -> bytes:
        items, counts, observed = _totals(sums, {}, Observed())
        check_events_found(counts, self.config, {piece.event for piece in self.pieces})
        unit = account.timestamp_unit(counts, partial(find_other_unit, self.pieces, self.config))
        check_times(observed, unit, self.config)
        ids = vocabulary.column(items, vocabulary.ITEM)
        enough = pc.greater_equal(vocabulary.column(items, USERS), self.config.min_item_users)
        now, span = int(time.time()), (observed.first, observed.last)
        first_times = vocabulary.column(items, vocabulary.FIRST_TIME).to_numpy()
        window = make_window(span, unit, now, (ids, first_times), self.config.drift)
        return pack(
            Facts(
                counts,
                len(ids),
                ids.filter(enough),
                times=self.config.split_rule.fixed_times(unit),
                observed=merge([observed, observe_items(ids)]),
                now=now,
                user_forms=dict(observed.forms),
                window=window if isinstance(window, Window) else None,
                not_compared=window if isinstance(window, str) else "",
            )
        )


@dataclasses.dataclass(frozen=True)
class AddTime:
    """The timestamps that the split rule asked for (rule 4)."""

    config: FeedbackConfig
    rules: dict[str, RankRule]

    def __call__(self, packed_facts: bytes, histograms: Any) -> bytes:
        found = quantiles.keys_of(histograms, self.rules)[TIME]
        times = self.config.split_rule.times_of([quantiles.integer_of(key) for key in found])
        return pack(dataclasses.replace(unpack(packed_facts), times=times))


@dataclasses.dataclass(frozen=True)
class AddCatalogue:
    """The items of the training rows (rule 8), and what lies below a fixed threshold.

    Raises:
        FeedbackError: No training row is left.
    """

    config: FeedbackConfig

    def __call__(self, packed_facts: bytes, sums: Any, below: Iterable[float]) -> bytes:
        facts: Facts = unpack(packed_facts)
        items, counts, observed = _totals(sums, facts.counts, facts.observed)
        unit = account.timestamp_unit(counts)
        check_training_rows(counts, self.config, time_text(facts.time, unit))
        present = items.filter(pc.greater(items.column(schema.VOCABULARY_COUNT), 0))
        ordered = vocabulary.by_popularity(present)
        return pack(
            dataclasses.replace(
                facts,
                counts=counts,
                observed=observed,
                items_filtered=int(np.count_nonzero(vocabulary.column(items, FILTERED))),
                catalogue=vocabulary.column(ordered, vocabulary.ITEM),
                item_counts=vocabulary.column(ordered, schema.VOCABULARY_COUNT),
                threshold=fixed_threshold(self.config.positive),
                below=max(below, default=None),
            )
        )


@dataclasses.dataclass(frozen=True)
class AddKeys:
    """The median of the training values (rule 3), and the keys of users that the split rule asked for (rule 4)."""

    rules: dict[str, RankRule]

    def __call__(self, packed_facts: bytes, histograms: Any) -> bytes:
        facts: Facts = unpack(packed_facts)
        found = quantiles.keys_of(histograms, self.rules)
        if values := found.get(VALUE):
            facts = dataclasses.replace(facts, threshold=median_of(*map(quantiles.float_of, values)))
        return pack(dataclasses.replace(facts, user_keys=tuple(found.get(USER, []))))


def add_below(packed_facts: bytes, below: Iterable[float]) -> bytes:
    """What lies below the median of the training values."""
    return pack(dataclasses.replace(unpack(packed_facts), below=max(below, default=None)))


@dataclasses.dataclass(frozen=True)
class Finish:
    """Checks what came out, then writes vocabulary and statistics.

    Args:
        config: The rules.
        folders: Where to.
        warnings: What was odd about the files.
        empty: Of these, what is said of files without a row.
        spans: Those that were read.

    Raises:
        FeedbackError: No user is left to train on, or the titles cannot be read.
    """

    config: FeedbackConfig
    folders: Folders
    warnings: tuple[str, ...]
    empty: tuple[str, ...] = ()
    spans: Spans | None = None

    def __call__(self, packed_facts: bytes, sums: Any) -> None:
        facts: Facts = unpack(packed_facts)
        items, counts, observed = _totals(sums, facts.counts, facts.observed)
        check_train_examples(counts, self.config, facts.threshold)
        numbers = {"read": facts.items_read, "filtered": facts.items_filtered, "catalogue": len(facts.catalogue)}
        names = [schema.VOCABULARY_POSITIVE_COUNT]
        names += [schema.VOCABULARY_RECENT_POSITIVE_COUNT] if self.config.recent_days else []
        likes = {name: vocabulary.as_dict(items, name) for name in names}
        titles = read_titles(self.config)
        catalogue = Catalogue(facts.catalogue, facts.item_counts, likes[schema.VOCABULARY_POSITIVE_COUNT], titles)
        drift = find_drift(observed.days, facts.window or facts.not_compared, self.config.drift)
        of_spans: tuple[Finding, ...] = ()
        if self.spans:
            unit = account.timestamp_unit(counts)
            of_spans = tuple(find_in_spans(observed.files, unit, self.spans.key, self.config.limits))
        of_rows = make_findings(counts, observed, catalogue, self.config, facts.now)
        findings = [*of_rows, *of_spans, *drift.findings()]
        odd = (*self.warnings, *drift.warnings(self.config.drift))
        result = make_statistics(
            *(counts, self.config, facts.time, facts.threshold, numbers, odd, findings),
            months=observed.months,
            span=(observed.first, observed.last),
            drift=drift.as_dict(findings, self.empty, self.config.drift),
            spans=self.spans.as_dict() if self.spans else None,
        )
        check_leaks(findings, self.config)
        lines = vocabulary.vocabulary_lines(facts.catalogue, facts.item_counts, likes, titles.of_item, titles.group_of)
        remove_unfinished(self.folders)
        write_results(self.folders, lines, result)
