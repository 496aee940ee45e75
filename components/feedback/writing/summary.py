"""`statistics.json` in words, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.feedback.rules import at_random
from components.feedback.rules.boundary import positive_rule
from components.feedback.rules.splits import SPLIT_RULES
from components.feedback.spans.window import describe
from components.feedback.writing.account import POLARITIES, REASONS
from pnfrec_core import schema

SUMMARY_FILE = "summary.txt"
_LABEL, _CELL = 12, 12
_TABLE = ("examples", "p", "n", "rows", "positive", "negative")


def format_summary(statistics: Mapping[str, Any]) -> str:
    """What was read, dropped and kept, line by line, then the remark of the split rule and the warnings.

    Args:
        statistics: The content of `statistics.json`.

    Returns:
        Text that ends with a line break. In the table, p and n are examples whose target is positive and negative.
    """
    remark = SPLIT_RULES[statistics["split"]["rule"]].remark(statistics)
    notes = [f"Note: {remark}"] if remark else []
    notes += [f"Warning: {warning}" for warning in statistics["warnings"]]
    return "\n".join([format_account(statistics), *([""] if notes else []), *notes]) + "\n"


def format_account(statistics: Mapping[str, Any]) -> str:
    """What was read, dropped and kept, line by line."""
    rows, users, items = statistics["rows"], statistics["users"], statistics["items"]
    rule = SPLIT_RULES[statistics["split"]["rule"]]
    spans = statistics["spans"]
    lines = [] if spans is None else [f"Spans: {describe(spans)}"]
    lines += [f"Read: {_numbers(rows['read'], users['read'], items['read'])}"]
    lines += [f"{number:>12,} dropped: {REASONS[name]}" for name, number in rows["dropped"].items() if number]
    lines += [_event(name, each) for name, each in statistics.get("events", {}).items() if "took_back" in each]
    lines += [
        f"After the filters: {_numbers(statistics['filtered_rows'], users['filtered'], items['filtered'])}",
        f"Split: {rule.describe(statistics)}",
        f"Training: {_numbers(statistics['training_rows'], users['training'], items['catalogue'])} in the catalogue",
        f"Positive: {positive_rule(**statistics['positive'])}",
        "",
        " " * _LABEL + "".join(f"{name:>{_CELL}}" for name in _TABLE),
        *(_row(statistics, split) for split in schema.SPLITS),
    ]
    if shown := statistics.get(schema.TEST_RANDOM_SPLIT):
        counts = (shown["examples"]["all"], *(shown["examples"][name] for name in POLARITIES))
        cells = [*counts, sum(shown["rows"]["kept"].values()), *shown["rows"]["kept"].values()]
        lines += [_line(schema.TEST_RANDOM_SPLIT, cells), "", f"Shown at random: {shown['rows']['read']:,} rows"]
        reasons = REASONS | at_random.REASONS
        lines += [f"{number:>12,} dropped: {reasons[name]}" for name, number in shown["rows"]["dropped"].items()]
    return "\n".join(lines)


def _event(name: str, counts: Mapping[str, int]) -> str:
    """What became of the rows of an event that takes others back."""
    late = counts["too_late_for_training"]
    kept = f"; {late:,} that it means stay in training, which ends before" if late else ""
    return (
        f"Event {name!r}: {counts['rows']:,} rows take back {counts['took_back']:,}, and "
        f"{counts['nothing_to_take_back']:,} have nothing to take back{kept}"
    )


def _numbers(rows: int, users: int, items: int) -> str:
    return f"{rows:,} rows, {users:,} users, {items:,} items"


def _row(statistics: Mapping[str, Any], split: str) -> str:
    examples, kept = statistics["examples"][split], statistics["rows"]["kept"][split]
    cells = [examples["all"], examples.get("positive"), examples.get("negative"), sum(kept.values()), *kept.values()]
    return _line(split, cells)


def _line(split: str, cells: Sequence[int | None]) -> str:
    return f"{split:<{_LABEL}}" + "".join(f"{'' if cell is None else f'{cell:,}':>{_CELL}}" for cell in cells)
