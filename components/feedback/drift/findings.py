"""What is said of a newest day that is not like the days before, and what stops a run."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.feedback.drift.config import DriftConfig
from components.feedback.drift.measures import Measure, days_with_rows, measure_days
from components.feedback.drift.seen import DaySeen
from components.feedback.drift.window import Window, too_few
from components.feedback.plausibility import observed
from components.feedback.plausibility.finding import Finding

_BEGINNING: Final = "drift_"
_REMEDY: Final = "Look at what wrote that day; if it is right, `feedback.drift.width` widens the bands."
# Findings of the feedback as a whole that a broken day brings.
_OF_A_DAY: Final = (observed.LATE,)


@dataclasses.dataclass(frozen=True)
class OfDay(Finding):
    """A measure of the newest day, which has a band instead of a limit.

    Attributes:
        low: The lower end of the band.
        high: The upper end.
        form: How its numbers are written: "count", "share" or "value".
    """

    low: float = 0.0
    high: float = 0.0
    form: str = "count"

    @property
    def above(self) -> bool:
        """Whether the number lies outside the band."""
        return not self.low <= self.number <= self.high


@dataclasses.dataclass(frozen=True)
class Drift:
    """The newest day beside the days before.

    Attributes:
        window: The days; None where nothing is compared.
        measures: Of the newest day; none where nothing is compared.
        with_rows: How many of the days before have a row.
        not_compared: Why nothing is compared, in a sentence; "" where something is, or nothing is asked for.
    """

    window: Window | None = None
    measures: tuple[Measure, ...] = ()
    with_rows: int = 0
    not_compared: str = ""

    def findings(self) -> list[OfDay]:
        """A finding for each measure."""
        return [
            OfDay(
                *(_BEGINNING + each.name, each.value, 1.0, 1.0, _sentence(each, self.window), _REMEDY),
                low=each.low,
                high=each.high,
                form=each.form,
            )
            for each in self.measures
        ]

    def warnings(self, config: DriftConfig) -> list[str]:
        """What is said where a broken day was to stop the run, and none can be told."""
        return [self.not_compared] if self.not_compared and config.action == "stop" else []

    def as_dict(self, findings: Sequence[Finding], empty: Sequence[str], config: DriftConfig) -> dict[str, Any]:
        """What `statistics.json` holds of it.

        Args:
            findings: All that was looked for.
            empty: What is said of files without a row.
            config: What stops a run.
        """
        ours = {_BEGINNING + each.name for each in self.measures} | set(_OF_A_DAY)
        outside = [finding.sentence for finding in findings if finding.above and finding.name in ours]
        return {
            "action": config.action,
            "days": self.window.last if self.window else 0,
            "days_with_rows": self.with_rows,
            "not_compared": self.not_compared,
            "until": self.window.date() if self.window else None,
            "measures": [{**each._asdict(), "outside": each.outside} for each in self.measures],
            "stops": [*outside, *empty] if config.action == "stop" else [],
        }


def find_drift(days: Mapping[int, DaySeen], window: Window | str, config: DriftConfig) -> Drift:
    """The newest day beside the days before.

    Args:
        days: What was seen of each.
        window: Which they are; or why nothing is compared, "" where that is not asked for.
        config: How many days it takes, and how wide the bands are.
    """
    if isinstance(window, str):
        return Drift(not_compared=window)
    found = len(days_with_rows(days, window))
    if found < config.least_days:
        return Drift(not_compared=too_few(found, config, window.last))
    return Drift(window, tuple(measure_days(days, window, config.width)), found)


def written(number: float, form: str) -> str:
    """A number for a reader."""
    return {"count": f"{number:,.0f}", "share": f"{number:.1%}", "value": f"{number:.4g}"}[form]


def _sentence(each: Measure, window: Window | None) -> str:
    ends = [written(number, each.form) for number in (each.value, each.low, each.high)]
    before = [written(number, each.form) for number in (min(each.before), max(each.before))]
    until = f" (24 hours to {window.date()})" if window else ""
    label = f"{each.label[0].upper()}{each.label[1:]}"
    return (
        f"{label} on the newest day{until}: {ends[0]}. The band is {ends[1]} to {ends[2]}; the {len(each.before)} days "
        f"before had {before[0]} to {before[1]}."
    )
