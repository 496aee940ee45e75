"""What is said of rows and their times: leaks, impossible times, repeats and ties."""

from collections.abc import Iterator, Mapping

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility import observed
from components.feedback.plausibility.finding import Finding, example
from components.feedback.plausibility.observed import Observed
from components.feedback.writing import account
from pnfrec_columns.dates import other_readings
from pnfrec_columns.units import time_text
from pnfrec_core import schema

_SPLITS = (schema.VALIDATION_SPLIT, schema.TEST_SPLIT)


def find_in_targets(counts: Mapping[str, int], seen: Observed, config: FeedbackConfig) -> Iterator[Finding]:
    """Targets that training gives away."""
    one_row = "`duplicates: first` keeps one row of each user and item."
    by_time = "Split by time (`feedback.split: global_time`), or take the rows of a held-out item out of training; "
    remedy = one_row if config.split_rule.holds_out_newest else by_time + one_row
    for split in _SPLITS:
        total = counts.get(account.examples(split), 0)
        trained, copied, later = (
            seen.counts.get(name + split, 0) for name in (observed.TRAINED, observed.COPIED, observed.LATER)
        )
        yield Finding(
            observed.TRAINED + split,
            trained,
            total,
            config.limits.trained_targets,
            f"{trained:,} of {total:,} {split} targets were trained on for the very same user, {copied:,} of them at "
            f"their own time or later{example(seen, observed.TRAINED + split)}.",
            remedy,
            leaked=copied,
        )
        yield Finding(
            observed.LATER + split,
            later,
            total,
            config.limits.later_training,
            f"{later:,} of {total:,} {split} targets have later training rows of the same user"
            f"{example(seen, observed.LATER + split)}: training sees that user's future.",
            "Hold out each user's last rows, or split by time (`feedback.split: global_time`).",
            leaked=later,
        )


def find_in_times(
    counts: Mapping[str, int], seen: Observed, config: FeedbackConfig, unit: str | None, now: int
) -> Iterator[Finding]:
    """Times that cannot be, and dates with and without a zone."""
    if seen.first is None or seen.last is None or unit is None:
        return
    rows, first, last = counts.get("rows_filtered", 0), time_text(seen.first, unit), time_text(seen.last, unit)
    if first is not None:
        early, late = seen.counts.get(observed.EARLY, 0), seen.counts.get(observed.LATE, 0)
        readings = "; ".join(
            f"read as {name} they run from {a} to {b}"
            for name, a, b in other_readings(seen.first, seen.last, unit, now)
        )
        yield Finding(
            observed.EARLY,
            early,
            rows,
            config.limits.early_rows,
            f"{early:,} of {rows:,} rows are from before 1990{example(seen, observed.EARLY)}; the timestamps, read "
            f"as {unit}, run from {first} to {last}{f'; {readings}' if readings else ''}.",
            "Set `feedback.time_unit` to what the numbers count (`order` if they only put the rows in order); what "
            "counts days, such as `feedback.recent_days` and `export.recency`, is wrong until then.",
        )
        yield Finding(
            observed.LATE,
            late,
            rows,
            config.limits.late_rows,
            f"{late:,} of {rows:,} rows are from after tomorrow{example(seen, observed.LATE)}; the timestamps, read "
            f"as {unit}, run from {first} to {last}.",
            "Correct the clock that wrote them, or this machine's, or take them out: with a split by time they are "
            "the test set.",
        )
    zoned, naive = (counts.get(account.zone(name), 0) for name in ("zoned", "naive"))
    yield Finding(
        "mixed_zones",
        min(zoned, naive),
        zoned + naive,
        config.limits.mixed_zones,
        f"{zoned:,} dates name their zone and {naive:,} do not; the latter are taken as UTC.",
        "Write all dates in UTC with a zone, else rows may be in the wrong order by hours.",
    )


def find_unusable(counts: Mapping[str, int], config: FeedbackConfig) -> Iterator[Finding]:
    """Rows that were dropped because they cannot be used."""
    rows = counts.get(account.ROWS_READ, 0)
    dropped = {reason: counts.get(account.DROPPED + reason, 0) for reason in account.UNUSABLE}
    most = max(dropped, key=lambda reason: dropped[reason])
    of_most = f", {dropped[most]:,} of them for: {account.REASONS[most]}" if dropped[most] else ""
    yield Finding(
        "unusable_rows",
        sum(dropped.values()),
        rows,
        config.limits.unusable_rows,
        f"{sum(dropped.values()):,} of {rows:,} rows cannot be used and were dropped{of_most}.",
        "Set `feedback.bad_rows: error` to see the first of them. If the rest is all that you have, raise the limit.",
    )


def find_in_order(seen: Observed, config: FeedbackConfig) -> Iterator[Finding]:
    """Repeats and ties."""
    rows = seen.counts.get(observed.ROWS, 0)
    repeated, contrary, tied, by_file = (
        seen.counts.get(name, 0) for name in (observed.REPEATED, observed.CONTRARY, observed.TIED, observed.BY_FILE)
    )
    yield Finding(
        observed.REPEATED,
        repeated,
        rows,
        config.limits.repeated_rows,
        f"{repeated:,} of {rows:,} rows repeat another one exactly{example(seen, observed.REPEATED)}.",
        "Perhaps a file was read twice; `duplicates: first` or `last` keeps one row of each user and item.",
    )
    yield Finding(
        observed.CONTRARY,
        contrary,
        rows,
        config.limits.contradictions,
        f"{contrary:,} of {rows:,} rows give an item another value than a row of the same user and time"
        f"{example(seen, observed.CONTRARY)}.",
        "Correct what wrote them: nothing but the order of the input says which of them counts as the later one.",
    )
    yield Finding(
        observed.TIED,
        tied,
        rows,
        config.limits.tied_rows,
        f"{tied:,} of {rows:,} rows have the same user and time as another one{example(seen, observed.TIED)}.",
        "Finer timestamps would tell which came first.",
    )
    yield Finding(
        observed.BY_FILE,
        by_file,
        rows,
        config.limits.rows_by_file,
        f"{by_file:,} of {rows:,} rows, exact repeats apart, are in an order that only the file decides.",
        "If the files are not in the order of the events, sort them, or give finer timestamps.",
    )
