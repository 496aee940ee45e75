"""`statistics.json` in words, for people."""

from collections.abc import Mapping
from typing import Any

from components.feedback.writing.account import REASONS, positive_rule
from pnfrec_core import schema

SUMMARY_FILE = "summary.txt"
_LABEL, _CELL = 12, 12
_TABLE = ("examples", "p", "n", "rows", "positive", "negative")


def format_summary(statistics: Mapping[str, Any]) -> str:
    """What was read, dropped and kept, line by line, then the warnings.

    Args:
        statistics: The content of `statistics.json`.

    Returns:
        Text that ends with a line break. In the table, p and n are examples whose target is positive and negative.
    """
    rows, users, items = statistics["rows"], statistics["users"], statistics["items"]
    lines = [f"Read: {_numbers(rows['read'], users['read'], items['read'])}"]
    lines += [f"{number:>12,} dropped: {REASONS[name]}" for name, number in rows["dropped"].items() if number]
    lines += [
        f"After the filters: {_numbers(statistics['filtered_rows'], users['filtered'], items['filtered'])}",
        f"Split: {_split(statistics)}",
        f"Training: {_numbers(statistics['training_rows'], users['training'], items['catalogue'])} in the catalogue",
        f"Positive: {positive_rule(**statistics['positive'])}",
        "",
        " " * _LABEL + "".join(f"{name:>{_CELL}}" for name in _TABLE),
        *(_row(statistics, split) for split in schema.SPLITS),
    ]
    warnings = [f"Warning: {warning}" for warning in statistics["warnings"]]
    return "\n".join([*lines, *([""] if warnings else []), *warnings]) + "\n"


def _numbers(rows: int, users: int, items: int) -> str:
    return f"{rows:,} rows, {users:,} users, {items:,} items"


def _row(statistics: Mapping[str, Any], split: str) -> str:
    examples, kept = statistics["examples"][split], statistics["rows"]["kept"][split]
    cells = [examples["all"], examples.get("positive"), examples.get("negative"), sum(kept.values()), *kept.values()]
    return f"{split:<{_LABEL}}" + "".join(f"{'' if cell is None else f'{cell:,}':>{_CELL}}" for cell in cells)


def _split(statistics: Mapping[str, Any]) -> str:
    split, users = statistics["split"], statistics["users"]
    if split["rule"] != "global_time":
        return f"{split['rule']}, {users['heldout']:,} users with held-out rows"
    return (
        f"global_time, held out from {split['time']} ({split['date']}), {users['heldout']:,} users with held-out rows "
        "known to training"
    )
