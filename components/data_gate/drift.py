"""What stops the pipeline where the newest day of the feedback is not like the days before, as FeedbackGen counted."""

import json
from collections.abc import Sequence
from typing import Any


def list_stops(statistics: str) -> list[str]:
    """What stops a run, a sentence each.

    Args:
        statistics: The text of `statistics.json`.
    """
    found: dict[str, Any] = json.loads(statistics)
    return list(found.get("drift", {}).get("stops", []))


def to_message(stops: Sequence[str], page: str) -> str:
    """The text that stops the pipeline.

    Args:
        stops: A sentence each, one at least.
        page: Where the pictures are.
    """
    lines = "\n".join(f"  - {stop}" for stop in stops)
    return (
        "The newest day of the feedback is refused (`feedback.drift.action: stop`); nothing is trained on it.\n"
        f"{lines}\nThe days are drawn in {page}. Correct or take out the newest files and run again. If the day is "
        "right, let this run pass by --set feedback.drift.action=warn, or widen the bands by `feedback.drift.width`."
    )
