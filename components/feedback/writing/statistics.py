"""`statistics.json`: the account of every row, the split, the positives and what was odd."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility.finding import Finding
from components.feedback.rules import at_random, taken_back
from components.feedback.writing import account
from components.feedback.writing.account import (
    DROPPED,
    POLARITIES,
    REASONS,
    ROWS_READ,
    UNUSABLE,
    examples,
    kept,
    timestamp_unit,
)
from components.feedback.writing.checks import not_found, shown_kinds
from pnfrec_columns.units import time_text
from pnfrec_core import schema

STATISTICS_FILE = "statistics.json"


def make_statistics(
    counts: Mapping[str, int],
    config: FeedbackConfig,
    time: int | None,
    threshold: float | None,
    items: Mapping[str, int],
    warnings: Iterable[str],
    findings: Sequence[Finding] = (),
    months: Mapping[int, tuple[int, int]] = MappingProxyType({}),
    span: tuple[int | None, int | None] = (None, None),
    drift: Mapping[str, Any] = MappingProxyType({}),
    spans: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of `statistics.json`.

    Args:
        counts: The flat counts of the whole run.
        config: The rules.
        time: The time of the split, in the unit of the input; None where its rule has none.
        threshold: Values from it on are positive; None where each user has its own.
        items: Number of items "read", "filtered" and in the "catalogue".
        warnings: What was odd about the files.
        findings: What may be odd about the rows.
        months: Positive and negative rows by months since 1970.
        span: The earliest and the latest time of the rows after the filters, in the unit of the input.
        drift: The newest day beside the days before.
        spans: Which spans were read; None where the files have none.

    Raises:
        RuntimeError: A row is missing from the account, which is a fault of this component.
    """
    get = counts.get
    found = timestamp_unit(counts)
    statistics: dict[str, Any] = {
        "spans": None if spans is None else dict(spans),
        "rows": _rows(counts),
        "users": {
            "read": get("users_read", 0),
            "filtered": get("users_filtered", 0),
            "training": get("users_training", 0),
            "heldout": get("users_heldout", 0),
            "heldout_with_enough_positives": get("users_heldout_enough", 0),
        },
        "items": dict(items),
        "filtered_rows": get("rows_filtered", 0),
        "training_rows": get("rows_training", 0),
        "positive": {"rule": "events" if config.events else config.positive, "threshold": threshold},
        "split": {
            "rule": config.split,
            "time": time,
            "time_unit": found,
            "date": time_text(time, found),
        },
        "times": _times(*span, found),
        "examples": {split: {"all": get(examples(split), 0), **_groups(counts, split)} for split in schema.SPLITS},
        "targets": config.targets,
        "targets_already_seen": {
            split: get(f"seen_targets_{split}", 0) for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT)
        },
        **_events(counts, config),
        **_at_random(counts, config),
    }
    of_months = {str(np.datetime64(month, "M")): rows for month, rows in sorted(months.items())}
    statistics["months"] = {month: dict(zip(POLARITIES, rows, strict=True)) for month, rows in of_months.items()}
    statistics["drift"] = dict(drift)
    statistics["findings"] = [finding.as_dict() for finding in findings]
    above = [f"{finding.sentence} {finding.remedy}" for finding in findings if finding.above]
    statistics["warnings"] = [*warnings, *_of_kinds(counts, config), *_warnings(statistics), *above]
    return statistics


def _times(first: int | None, last: int | None, unit: str | None) -> dict[str, Any]:
    return {
        "first": first,
        "last": last,
        "unit": unit,
        "first_date": time_text(first, unit),
        "last_date": time_text(last, unit),
    }


def _rows(counts: Mapping[str, int]) -> dict[str, Any]:
    """What became of each row that was read."""
    get = counts.get
    rows_kept = {split: {name: get(kept(split, name), 0) for name in POLARITIES} for split in schema.SPLITS}
    dropped = {name: get(DROPPED + name, 0) for name in REASONS}
    in_examples = sum(sum(part.values()) for part in rows_kept.values())
    _check_all(get(ROWS_READ, 0), sum(dropped.values()) + in_examples, counts)
    return {"read": get(ROWS_READ, 0), "dropped": dropped, "kept": rows_kept}


def _check_all(read: int, accounted: int, counts: Mapping[str, int]) -> None:
    if accounted != read:
        msg = f"{read} rows were read but {accounted} are accounted for: {dict(counts)}. Report this fault."
        raise RuntimeError(msg)


def _at_random(counts: Mapping[str, int], config: FeedbackConfig) -> dict[str, Any]:
    """What became of the rows that were shown at random, where there are such files."""
    if not config.random_files:
        return {}

    def get(name: str) -> int:
        return counts.get(account.at_random(name), 0)

    reasons = (*UNUSABLE, *at_random.REASONS)
    dropped = {name: number for name in reasons if (number := get(DROPPED + name))}
    rows_kept = {name: get(f"kept_{name}") for name in POLARITIES}
    _check_all(get(ROWS_READ), sum(dropped.values()) + sum(rows_kept.values()), counts)
    examples_of = {name: get(f"examples_{name}") for name in POLARITIES}
    return {
        schema.TEST_RANDOM_SPLIT: {
            "rows": {"read": get(ROWS_READ), "dropped": dropped, "kept": rows_kept},
            "examples": {"all": sum(examples_of.values()), **examples_of},
            "targets_already_seen": get("seen_targets"),
        }
    }


def _events(counts: Mapping[str, int], config: FeedbackConfig) -> dict[str, Any]:
    """What became of the rows of each event, where there are events, and of those of no event by their kind."""
    found: dict[str, dict[str, int]] = {}
    for place, event in enumerate(config.events):
        if event.ignored:
            continue
        names = {"rows": taken_back.ROWS}
        if event.cancels:
            names |= {
                "took_back": taken_back.TOOK_BACK,
                "too_late_for_training": taken_back.TOO_LATE,
                "nothing_to_take_back": taken_back.IDLE,
            }
        found[event.name] = {name: counts.get(f"{key}{place}", 0) for name, key in names.items()}
    if any(event.where for event in config.events):
        left_out = {"left_out": {reason: account.kinds(counts, reason) for reason in ("unnamed", "ignored")}}
    else:
        left_out = {}
    return {"events": found, **left_out} if found else {}


def _of_kinds(counts: Mapping[str, int], config: FeedbackConfig) -> Iterator[str]:
    """What is odd about the kinds of rows in files that several events share."""
    if found := account.kinds(counts, "unnamed"):
        yield (
            f"{sum(found.values()):,} rows are of a kind that no event names, and are left out: {shown_kinds(found)}. "
            "Name each in the `where` of an event; one with `ignored: true` leaves them out without this warning."
        )
    for place, event in enumerate(config.events):
        if event.cancels and (problem := not_found(config, counts, place)):
            yield f"{problem} Nothing is taken back by it."


def _groups(counts: Mapping[str, int], split: str) -> dict[str, int]:
    if split == schema.TRAIN_SPLIT:
        return {}
    return {name: counts.get(examples(split, name), 0) for name in POLARITIES}


def _warnings(statistics: Mapping[str, Any]) -> list[str]:
    warnings = []
    for name, event in statistics.get("events", {}).items():
        if event["rows"] and event["rows"] == event.get("nothing_to_take_back"):
            warnings.append(
                f"None of the {event['rows']:,} rows of the event {name!r} takes anything back: nothing that it "
                "cancels has its user and item and comes before it. Look at its `columns`, and at the times."
            )
    shown = statistics.get(schema.TEST_RANDOM_SPLIT)
    if shown and not all(shown["examples"].values()):
        lacking = [name for name in POLARITIES if not shown["examples"][name]]
        warnings.append(
            f"No target of what was shown at random is {' or '.join(lacking)}: {shown['rows']['read']:,} rows were "
            f"read, and dropped are {shown['rows']['dropped']}. Look at `feedback.random_files`."
        )
    kept_rows = statistics["rows"]["kept"]
    train = kept_rows[schema.TRAIN_SPLIT]
    if not train["negative"]:
        warnings.append("No training row is negative: the negative encoder has nothing to learn from.")
    if not train["positive"]:
        warnings.append("No training row is positive: the positive encoder has nothing to learn from.")
    for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT):
        number = statistics["examples"][split]
        if not number["all"]:
            warnings.append(f"The {split} split is empty: nothing can be measured on it.")
        elif split == schema.TEST_SPLIT:
            warnings += [
                f"No test target is {name}: that group cannot be measured." for name in POLARITIES if not number[name]
            ]
        if seen := statistics["targets_already_seen"][split]:
            warnings.append(
                f"{seen:,} {split} targets are already in their history, so they can only be missed; "
                "`duplicates: first` avoids that."
            )
    return warnings
