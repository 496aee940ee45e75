"""A sample of the examples that holds none of them: nothing is known of them, and nothing is wrong with them."""

import json
from collections.abc import Collection
from typing import Any, Final

# As many examples as show what is wrong with most of them.
_ENOUGH: Final = 1_000


def find_undrawn(empty: Collection[str], statistics: str) -> dict[str, int]:
    """The splits of which StatisticsGen saw no example and FeedbackGen wrote some, with their number.

    Args:
        empty: The splits of which it saw none.
        statistics: The text of `statistics.json`.
    """
    found: dict[str, Any] = json.loads(statistics).get("examples", {})
    return {split: found[split]["all"] for split in empty if found.get(split, {}).get("all")}


def to_message(undrawn: dict[str, int]) -> str:
    """The text that stops the pipeline; one split at least."""
    splits = ", ".join(f"{count:,} of the split {split!r}" for split, count in undrawn.items())
    rate = min(1.0, _ENOUGH / min(undrawn.values()))
    return (
        f"The sample that StatisticsGen looks at (`statistics.sample_rate`) holds none of the examples: {splits}. So "
        "nothing is known of them, and nothing is trained on them. Draw some hundreds by --set "
        f"statistics.sample_rate={rate:.1g}, or leave the setting out to look at all."
    )
