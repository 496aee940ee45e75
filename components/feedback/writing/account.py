"""What became of each row: names of the counts, the checks on them, and `statistics.json`."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apache_beam.metrics import Metrics

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.columns import TICKS_A_DAY
from pnfrec_core import schema

# Namespace of the Beam counters. Their names are those of the flat counts.
NAMESPACE = "pnfrec.feedback"
STATISTICS_FILE = "statistics.json"

ROWS_READ = "rows_read"
DROPPED = "dropped_"
# Why a row is in no example, in the order in which the rules look at it.
REASONS: dict[str, str] = {
    "wrong_fields": "wrong number of fields",
    "bad_user": "user id empty or not UTF-8",
    "bad_item": "item id empty or not UTF-8",
    "bad_timestamp": "timestamp neither a plausible number nor a date",
    "bad_value": "value not a finite number",
    "bad_polarity": "polarity neither positive nor negative",
    "bad_split": "split neither train, validation nor test",
    "duplicate": "another row of the user and item stays (duplicates)",
    "rare_item": "item with too few users (min_item_users)",
    "rare_user": "user with too few items (min_user_items)",
    "unknown_user": "held out, user not in training",
    "unknown_item": "held out, item not in training",
    "few_positives": "user with too few positive training rows (min_positives)",
    "few_heldout_positives": "user with too few positive held-out rows (min_heldout_positives)",
    "no_positive_target": "validation, no positive target at or after the row",
}
# Those of a row that cannot be read, whatever the rules.
UNUSABLE = ("wrong_fields", "bad_user", "bad_item", "bad_timestamp", "bad_value", "bad_polarity", "bad_split")
POLARITIES = ("positive", "negative")


def kept(split: str, polarity: str) -> str:
    return f"kept_{split}_{polarity}"


def examples(split: str, polarity: str = "") -> str:
    return f"examples_{split}_{polarity}" if polarity else f"examples_{split}"


def unit(name: str) -> str:
    return f"unit_{name}"


def count(counts: Mapping[str, int]) -> dict[str, int]:
    """Adds `counts` to the Beam counters of their names; returns those above 0."""
    present = {name: int(value) for name, value in counts.items() if value}
    for name, value in present.items():
        Metrics.counter(NAMESPACE, name).inc(value)
    return present


def total(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    result: Counter[str] = Counter()
    for part in parts:
        result.update(part)
    return result


def timestamp_unit(counts: Mapping[str, int], find_other: Callable[[str], str | None] | None = None) -> str | None:
    """The unit of all timestamps.

    Args:
        counts: The flat counts.
        find_other: Names the first row in another unit than the one given.

    Raises:
        FeedbackError: They have several.
    """
    units = {name.removeprefix("unit_"): number for name, number in counts.items() if name.startswith("unit_")}
    if len(units) > 1:
        found = ", ".join(f"{number:,} in {name}" for name, number in sorted(units.items()))
        most = max(units, key=lambda name: (units[name], name))
        row = find_other(most) if find_other else None
        first = f" The first that is not in {most} is {row}." if row else ""
        msg = (
            f"The timestamps have several units: {found}.{first} Bring them to one, else rows cannot be put in order; "
            "remove the row if it is a mistake."
        )
        raise FeedbackError(msg)
    return next(iter(units), None)


def ticks_a_day(unit: str | None) -> int:
    """Length of a day in a unit that `timestamp_unit` names."""
    return TICKS_A_DAY[unit] if unit else 0


def check_training_rows(counts: Mapping[str, int], config: FeedbackConfig, time: str | None) -> None:
    """Raises a FeedbackError if no row is left to train on after the k-core filter and the split."""
    if counts.get("rows_training", 0):
        return
    unusable = sum(counts.get(DROPPED + reason, 0) for reason in UNUSABLE)
    if unusable and unusable == counts.get(ROWS_READ, 0):
        msg = (
            f"No row can be used: {_losses(counts)}. Set `feedback.bad_rows: error` to see the first of them, then "
            "correct the input, `feedback.columns`, `feedback.names` or `feedback.delimiter`."
        )
        raise FeedbackError(msg)
    if not counts.get("rows_filtered", 0):
        msg = (
            f"No row is left after the filters: {_losses(counts)}. Lower `feedback.min_item_users` (now "
            f"{config.min_item_users}) or `feedback.min_user_items` (now {config.min_user_items}), or give more data."
        )
        raise FeedbackError(msg)
    remedy = {
        "global_time": f"every timestamp is at or after the split time {time}. Lower `feedback.test_quantile` (now "
        f"{config.test_quantile}), or split by leave_one_out",
        "leave_one_out": "no user has more than two, which are for test and validation. Split by global_time",
        "column": f"the column {config.columns.split!r} says train for none of them",
    }[config.split]
    msg = f"No training row is left by the split: of {counts['rows_filtered']:,} rows after the filters, {remedy}."
    raise FeedbackError(msg)


def check_train_examples(counts: Mapping[str, int], config: FeedbackConfig, threshold: float | None) -> None:
    """Raises a FeedbackError if no user has enough positive training rows."""
    if counts.get(examples(schema.TRAIN_SPLIT), 0):
        return
    msg = (
        f"No user is left to train on: of {counts['users_training']:,} users with {counts['rows_training']:,} training "
        f"rows, none has the {config.min_positives} positive ones that `feedback.min_positives` asks for (positive: "
        f"{positive_rule(config.positive, threshold)}). {_losses(counts)}. Lower `feedback.min_positives`, or change "
        f"`feedback.positive`."
    )
    raise FeedbackError(msg)


def positive_rule(rule: float | str, threshold: float | None) -> str:
    """Which rows are positive, in words."""
    if rule == "column":
        return "what the polarity column says"
    if rule == "user_median":
        return "value >= the user's own median"
    return f"value >= {threshold:.12g}" + (", the median of the training rows" if rule == "median" else "")


def _losses(counts: Mapping[str, int]) -> str:
    dropped = [
        f"{counts[DROPPED + name]:,} dropped: {text}" for name, text in REASONS.items() if counts.get(DROPPED + name)
    ]
    return f"{counts.get(ROWS_READ, 0):,} rows read; {'; '.join(dropped) or 'none dropped'}"


def make_statistics(
    counts: Mapping[str, int],
    config: FeedbackConfig,
    time: int | None,
    threshold: float | None,
    items: Mapping[str, int],
    warnings: Iterable[str],
) -> dict[str, Any]:
    """The content of `statistics.json`.

    Args:
        counts: The flat counts of the whole run.
        config: The rules.
        time: T of the global time split, in the unit of the input.
        threshold: Values from it on are positive; None where each user has its own.
        items: Number of items "read", "filtered" and in the "catalogue".
        warnings: What was odd about the files.

    Raises:
        RuntimeError: A row is missing from the account, which is a fault of this component.
    """
    get = counts.get
    rows_kept = {split: {name: get(kept(split, name), 0) for name in POLARITIES} for split in schema.SPLITS}
    dropped = {name: get(DROPPED + name, 0) for name in REASONS}
    accounted = sum(dropped.values()) + sum(sum(part.values()) for part in rows_kept.values())
    if accounted != get(ROWS_READ, 0):
        msg = (
            f"{get(ROWS_READ, 0)} rows were read but {accounted} are accounted for: {dict(counts)}. Report this fault."
        )
        raise RuntimeError(msg)
    found = timestamp_unit(counts)
    statistics: dict[str, Any] = {
        "rows": {"read": get(ROWS_READ, 0), "dropped": dropped, "kept": rows_kept},
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
        "positive": {"rule": config.positive, "threshold": threshold},
        "split": {
            "rule": config.split,
            "time": time,
            "time_unit": found,
            "date": time_text(time, found),
        },
        "examples": {split: {"all": get(examples(split), 0), **_groups(counts, split)} for split in schema.SPLITS},
        "targets": config.targets,
        "targets_already_seen": {
            split: get(f"seen_targets_{split}", 0) for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT)
        },
    }
    statistics["warnings"] = [*warnings, *_warnings(statistics)]
    return statistics


def _groups(counts: Mapping[str, int], split: str) -> dict[str, int]:
    if split == schema.TRAIN_SPLIT:
        return {}
    return {name: counts.get(examples(split, name), 0) for name in POLARITIES}


def time_text(time: int | None, found: str | None) -> str | None:
    """`time`, in the unit `found`, as a date in UTC to the second."""
    if time is None or found is None:
        return None
    divisor = {"seconds": 1, "milliseconds": 10**3, "nanoseconds": 10**9}.get(found, 10**6)
    return datetime.datetime.fromtimestamp(time // divisor, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _warnings(statistics: Mapping[str, Any]) -> list[str]:
    warnings = []
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
