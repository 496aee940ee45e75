"""Which measures a model is gated on, and their bounds."""

import dataclasses
from typing import Any, ClassVar

# Higher is better for the positive group, the differences and coverage; lower for the negative group (false positives).
MEASURES = ("hr", "ndcg", "mrr")
METRICS: tuple[str, ...] = (
    *(f"{measure}_{suffix}" for measure in MEASURES for suffix in ("p", "n", "delta")),
    "coverage",
)


def higher_is_better(metric: str) -> bool:
    """True unless `metric` measures false positives."""
    return not metric.endswith("_n")


@dataclasses.dataclass(frozen=True)
class BoundConfig:
    """Bounds of one metric.

    Attributes:
        min: The value may not be lower.
        max: The value may not be higher.
        max_loss: How much worse than the last blessed model, on the same examples, the value may be: lower for metrics where
            higher is better, higher for the others. Without a baseline it is not judged.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    min: float | None = None
    max: float | None = None
    max_loss: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.max_loss is None:
            msg = "A bound of `gate.bounds` needs at least one of `min`, `max` and `max_loss`."
            raise ValueError(msg)
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"`min` must not be above `max`. Received: {self.min} and {self.max}."
            raise ValueError(msg)
        if self.max_loss is not None and self.max_loss < 0:
            msg = f"`max_loss` must not be negative. Received: {self.max_loss}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """The gate of the export.

    Attributes:
        k: Length of the list that the measures look at.
        bounds: Metric name (one of `METRICS`) to bounds. At least one, since TFX blesses nothing without a bound.
        slices: Features whose values get a line of their own in the report.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    bounds: dict[str, BoundConfig]
    k: int = 10
    slices: list[str] = dataclasses.field(default_factory=lambda: ["history_length_bucket", "target_popularity_bucket"])

    def __post_init__(self) -> None:
        if not self.bounds:
            msg = "`gate.bounds` is empty: a gate without bounds blesses nothing. Bound at least `ndcg_p`."
            raise ValueError(msg)
        for metric in self.bounds:
            if metric not in METRICS:
                msg = f"`gate.bounds` names the unknown metric {metric!r}. Known: {', '.join(METRICS)}."
                raise ValueError(msg)
        if self.k < 1:
            msg = f"`gate.k` must be at least 1. Received: {self.k}."
            raise ValueError(msg)
