"""How the newest day is compared with the days before."""

import dataclasses
from typing import Any, ClassVar, Literal


@dataclasses.dataclass(frozen=True)
class DriftConfig:
    """How the newest day of the feedback is compared with the days before it, before anything is trained.

    A day is 24 hours, counted back from the newest row that is not beyond tomorrow.

    Attributes:
        action: What a day beyond a band does: "warn" says so, "stop" ends the run before the training, "off" compares
            nothing.
        days: How many days before the newest one it is compared with.
        least_days: With fewer days before it than these, nothing is compared.
        width: How many robust standard deviations from the median of the days before a day may lie. More lets more
            pass.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    action: Literal["warn", "stop", "off"] = "warn"
    days: int = 28
    least_days: int = 7
    width: float = 3.0

    def __post_init__(self) -> None:
        if not 2 <= self.least_days <= self.days <= 366:
            msg = (
                "`feedback.drift.least_days` and `feedback.drift.days` must be at least 2 and at most 366, the former "
                f"not above the latter. Received: {self.least_days} and {self.days}."
            )
            raise ValueError(msg)
        if not 0.0 < self.width < float("inf"):
            msg = f"`feedback.drift.width` must be above 0 and finite. Received: {self.width}."
            raise ValueError(msg)
