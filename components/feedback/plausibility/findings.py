"""What is said of feedback that may not be what it seems to be: one sentence each, with a number and the remedy.

The limits, beyond which a finding becomes a warning, are settings (`feedback.limits`).
"""

from collections.abc import Mapping

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility.catalogue import Catalogue
from components.feedback.plausibility.finding import Finding
from components.feedback.plausibility.observed import Observed
from components.feedback.plausibility.of_copies import find_copies
from components.feedback.plausibility.of_events import find_in_events
from components.feedback.plausibility.of_ids import find_in_ids, find_in_polarities, find_in_titles
from components.feedback.plausibility.of_rows import find_in_order, find_in_targets, find_in_times, find_unusable
from components.feedback.rules import taken_back
from components.feedback.writing import account


def make_findings(
    counts: Mapping[str, int], seen: Observed, catalogue: Catalogue, config: FeedbackConfig, now: int
) -> list[Finding]:
    """Everything that was looked for, in the order in which it matters.

    Args:
        counts: The flat counts of the whole run.
        seen: What was seen in passing.
        catalogue: The items of training.
        config: The rules and the limits.
        now: Seconds since 1970 of the run.
    """
    unit = account.timestamp_unit(counts)
    of_events = {place: counts.get(f"{taken_back.ROWS}{place}", 0) for place in range(len(config.events))}
    return [
        *find_in_targets(counts, seen, config),
        *find_in_times(counts, seen, config, unit, now),
        *find_unusable(counts, config),
        *find_in_order(seen, config),
        *find_copies(seen, of_events, config),
        *find_in_events(counts, config),
        *find_in_polarities(counts, seen, catalogue, config),
        *find_in_ids(seen, catalogue, config),
        *find_in_titles(catalogue, config),
    ]
