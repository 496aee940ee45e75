"""What stops a run, since its result would be wrong without anybody's seeing it."""

from collections.abc import Iterable

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility import observed
from components.feedback.plausibility.finding import Finding
from components.feedback.plausibility.observed import Observed
from pnfrec_columns.units import AUTO, time_text
from pnfrec_core.errors import FeedbackError


def check_times(seen: Observed, unit: str | None, config: FeedbackConfig) -> None:
    """Raises a FeedbackError where timestamps are dates written as numbers, or the split lies beside them all."""
    if seen.first is None or seen.last is None or unit is None:
        return
    if config.time_unit == AUTO and unit in ("seconds", "milliseconds"):
        for form in _date_forms(seen):
            msg = (
                f"The timestamps, from {seen.first} to {seen.last}, read as dates written as numbers ({form}), not as "
                f"{unit} since 1970, which would be {time_text(seen.first, unit)} to {time_text(seen.last, unit)}. Set "
                f"`feedback.time_format: '{form}'`, or `feedback.time_unit: {unit}` if they are that."
            )
            raise FeedbackError(msg)
    for cut in config.split_rule.fixed_times(unit):
        if not seen.first < cut <= seen.last:
            msg = (
                f"`feedback.split_time` {config.split_time} ({time_text(cut, unit) or cut}) does not lie between the "
                f"first and the last timestamp, {time_text(seen.first, unit) or seen.first} and "
                f"{time_text(seen.last, unit) or seen.last}: one side of the cut would be empty."
            )
            raise FeedbackError(msg)


def _date_forms(seen: Observed) -> list[str]:
    """The forms of date that the timestamps of all rows have."""
    total = seen.counts.get(observed.ROWS, 0)
    forms = (name for name in seen.counts if name.startswith(observed.DATE_FORM))
    return sorted(name.removeprefix(observed.DATE_FORM) for name in forms if seen.counts[name] == total)


def check_leaks(findings: Iterable[Finding], config: FeedbackConfig) -> None:
    """Raises a FeedbackError where too many targets are given away by training."""
    for finding in findings:
        if finding.leaked > config.max_leaked_targets * finding.total:
            msg = (
                f"{finding.sentence} More than `feedback.max_leaked_targets` ({config.max_leaked_targets:g}) allows: "
                f"what is measured on such targets says nothing. {finding.remedy}"
            )
            raise FeedbackError(msg)
