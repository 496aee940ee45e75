"""What stops the pipeline where the newest day of the feedback is not like the days before, as FeedbackGen counted.

Imports nothing heavy: the command line tells such an end from others by these words.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

REFUSED: Final = "The newest day of the feedback is refused"


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
        f"{REFUSED} (`feedback.drift.action: stop`); nothing is trained on it.\n{lines}\n"
        f"The days are drawn in {page}. Correct or take out the newest files and run again. If the day is right, let "
        "this run pass by --set feedback.drift.action=warn, or widen the bands by `feedback.drift.width`."
    )


def is_refusal(message: str) -> bool:
    """Whether a failure is one of these."""
    return message.startswith(REFUSED)
