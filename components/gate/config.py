"""Which measures a model is gated on, and their bounds."""

import dataclasses
import json
import math
from typing import Any, ClassVar

from pnfrec_core import measures, schema
from pnfrec_core.settings.fields import CHOICES, EXAMPLE

# The same of the list that `serving_default` answers, which leaves a user's dislikes out and does not weigh them:
# another list where the rule of the export needs them. Measured where a bound names one of them, but for its
# coverage.
DEFAULT_PREFIX = "default_"
DEFAULT_METRICS: tuple[str, ...] = tuple(
    DEFAULT_PREFIX + metric for metric in measures.METRICS if metric != measures.COVERAGE
)
BOUNDABLE = (*measures.METRICS, *DEFAULT_METRICS)
# Name of the metric whose values these counts and errors are.
DETAILS = "ranking_details"

# Features that the report may be sliced by.
SLICEABLE: tuple[str, ...] = (schema.HISTORY_LENGTH_BUCKET, schema.TARGET_POPULARITY_BUCKET)


def count_name(group: str) -> str:
    """Name of the size of a group, which takes no bounds."""
    return f"count_{group}"


def error_name(measure: str, group: str) -> str:
    """Name of the standard error of a group's mean, for the intervals of the report."""
    return f"{measure}_{group}_se"


def change_error_name(measure: str, group: str) -> str:
    """The same of the difference candidate - baseline, example by example; only where there is a baseline."""
    return f"{measure}_{group}_change_se"


def is_default(metric: str) -> bool:
    """Whether a name is one of the list of `serving_default`."""
    return metric.startswith(DEFAULT_PREFIX)


@dataclasses.dataclass(frozen=True)
class BoundConfig:
    """The bounds of one metric.

    Attributes:
        min: The value may not be lower.
        max: The value may not be higher.
        max_loss: How much worse than the last blessed model, on the same examples, the value may be: lower for metrics
            where higher is better, higher for the others. It is not judged where there is no blessed model.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    min: float | None = None
    max: float | None = None
    max_loss: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.max_loss is None:
            msg = "A bound of `gate.bounds` needs at least one of `min`, `max` and `max_loss`."
            raise ValueError(msg)
        for name in ("min", "max", "max_loss"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                msg = f"`{name}` of a bound must be a finite number. Received: {value}."
                raise ValueError(msg)
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"`min` must not be above `max`. Received: {self.min} and {self.max}."
            raise ValueError(msg)
        if self.max_loss is not None and self.max_loss < 0:
            msg = f"`max_loss` must not be negative. Received: {self.max_loss}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """The gate: what a model must reach to be pushed.

    Attributes:
        bounds: Metrics, each with its bounds. HR, NDCG and MRR (hr, ndcg, mrr) have a value for the group of liked
            targets (ndcg_p: higher is better), for that of disliked ones (ndcg_n: false positives, lower is better) and
            for the difference of the two (ndcg_delta); coverage has one. `default_` before the name, such as
            default_ndcg_p, takes the list of `serving_default`, which weighs no dislikes. At least one bound must be
            given, since TFX blesses nothing without one.
        k: The length of the list that the measures look at.
        slices: The features whose values get a line of their own in the report. Bounds hold for all examples together,
            never for a slice.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    bounds: dict[str, BoundConfig] = dataclasses.field(
        metadata={CHOICES: BOUNDABLE, EXAMPLE: {"ndcg_delta": BoundConfig(min=0.0)}}
    )
    k: int = 10
    slices: list[str] = dataclasses.field(default_factory=lambda: list(SLICEABLE), metadata={CHOICES: SLICEABLE})

    def __post_init__(self) -> None:
        if not self.bounds:
            msg = "`gate.bounds` is empty: a gate without bounds blesses nothing. Bound at least `ndcg_p`."
            raise ValueError(msg)
        for metric, bound in self.bounds.items():
            if metric not in BOUNDABLE:
                msg = (
                    f"`gate.bounds` names the unknown metric {metric!r}. Known: {', '.join(measures.METRICS)}; and all "
                    f"but coverage with `{DEFAULT_PREFIX}` before, for the list of `serving_default`."
                )
                raise ValueError(msg)
            _check_range(metric, bound)
        if self.k < 1:
            msg = f"`gate.k` must be at least 1. Received: {self.k}."
            raise ValueError(msg)
        for feature in self.slices:
            if feature not in SLICEABLE:
                msg = f"`gate.slices` names {feature!r}, which is no slice. Known: {', '.join(SLICEABLE)}."
                raise ValueError(msg)

    @property
    def judges_default(self) -> bool:
        """Whether a bound names a metric of the list of `serving_default`."""
        return any(map(is_default, self.bounds))

    @property
    def reported(self) -> tuple[str, ...]:
        """Metrics of the report: `METRICS`, and of `DEFAULT_METRICS` those of each measure that a bound names."""
        bounded = {measures.split_metric(metric)[0] for metric in self.bounds if is_default(metric)}
        more = (metric for metric in DEFAULT_METRICS if measures.split_metric(metric)[0] in bounded)
        return (*measures.METRICS, *more)


def _check_range(metric: str, bound: BoundConfig) -> None:
    """Raises a ValueError for a bound that no value of the metric could break, or none could keep."""
    low, high = measures.value_range(metric)
    for name, lowest, highest in (("min", low, high), ("max", low, high), ("max_loss", 0.0, high - low)):
        value = getattr(bound, name)
        if value is not None and not lowest <= value <= highest:
            msg = f"`gate.bounds.{metric}.{name}` must lie between {lowest:g} and {highest:g}. Received: {value:g}."
            raise ValueError(msg)


def gate_to_json(gate: GateConfig) -> str:
    """JSON of `gate`, the same text for equal settings (TFX compares it to reuse results)."""
    return json.dumps(dataclasses.asdict(gate), sort_keys=True)


def gate_from_json(text: str) -> GateConfig:
    """The settings that `gate_to_json` wrote.

    Raises:
        ValueError: `text` is no JSON object or its settings are refused.
        TypeError: A key is unknown.
    """
    fields = json.loads(text)
    if not isinstance(fields, dict):
        msg = f"The gate's settings must be a JSON object. Received: {text!r}."
        raise ValueError(msg)
    bounds = {metric: BoundConfig(**bound) for metric, bound in fields.pop("bounds", {}).items()}
    return GateConfig(bounds=bounds, **fields)
