"""Where a bound is checked: the one definition of what a bound of `gate.bounds` allows.

TFMA's thresholds (`eval_config`) and the report (`report.judge`) both come from here, and then judge apart from each
other: the report refuses a model where the two verdicts differ.
"""

import dataclasses
import math
from typing import Literal

from components.gate.bounds import BoundConfig
from pnfrec_core import measures

# A bound of 0.1 must not refuse 0.3 - 0.2, which is 0.09999999999999998.
TOLERANCE = 1e-9
# Each is undefined just where its group is empty, and must be defined whatever the bounds: of a model that was judged
# on one group alone nobody knows whether it separates what people like from what they dislike.
REQUIRED: tuple[str, ...] = ("hr_p", "hr_n")

Key = Literal["min", "max", "max_loss"]


@dataclasses.dataclass(frozen=True)
class Threshold:
    """The interval that a number must lie in. NaN lies in none.

    Attributes:
        key: The key of the bound that it comes from.
        limit: What the configuration says.
        low: The lowest allowed number, tolerance included.
        high: The highest allowed one, tolerance included.
    """

    key: Key
    limit: float
    low: float = -math.inf
    high: float = math.inf

    def holds(self, number: float) -> bool:
        """Whether `number`, a value or (for `max_loss`) a change of it, is allowed."""
        return self.low <= number <= self.high


def must_be_defined(metric: str, bound: BoundConfig | None) -> bool:
    """Whether the gate refuses a model of which `metric` is undefined."""
    return bound is not None or metric in REQUIRED


def of_value(bound: BoundConfig) -> tuple[Threshold, ...]:
    """What `min` and `max`, where set, allow a value to be."""
    found = []
    if bound.min is not None:
        found.append(Threshold("min", bound.min, low=bound.min - TOLERANCE))
    if bound.max is not None:
        found.append(Threshold("max", bound.max, high=bound.max + TOLERANCE))
    return tuple(found)


def of_change(metric: str, bound: BoundConfig) -> Threshold | None:
    """What `max_loss`, where set, allows the change (candidate less baseline) to be.

    A loss is a fall of metrics of which more is better, and a rise of the others.
    """
    if bound.max_loss is None:
        return None
    loss = bound.max_loss + TOLERANCE
    if measures.higher_is_better(metric):
        return Threshold("max_loss", bound.max_loss, low=-loss)
    return Threshold("max_loss", bound.max_loss, high=loss)


def value_limits(metric: str, bound: BoundConfig | None) -> tuple[float, float]:
    """The lowest and the highest allowed value, tolerance included; both are finite, as TFMA needs them.

    A missing `min` or `max` becomes the end of the metric's range, which refuses nothing but NaN.
    """
    low, high = measures.value_range(metric)
    low, high = low - TOLERANCE, high + TOLERANCE
    for threshold in of_value(bound) if bound is not None else ():
        low, high = max(low, threshold.low), min(high, threshold.high)
    return low, high


def worst_allowed(metric: str, baseline: float, max_loss: float) -> float:
    """The value that loses `max_loss` against `baseline`."""
    return baseline - max_loss if measures.higher_is_better(metric) else baseline + max_loss
