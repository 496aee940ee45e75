"""The bounds of one metric."""

import dataclasses
import math
from typing import Any, ClassVar

from pnfrec_core import lists, measures


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
            msg = "A bound of the gate needs at least one of `min`, `max` and `max_loss`."
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


def check_range(metric: str, bound: BoundConfig, place: str = "gate.bounds") -> None:
    """Raises a ValueError for a bound that no value could break, that none could keep, or that holds no worse one back.

    Args:
        metric: The metric.
        bound: Its bound.
        place: The key that it stands in, for the message.
    """
    low, high = measures.value_range(metric)
    for name, lowest, highest in (("min", low, high), ("max", low, high), ("max_loss", 0.0, high - low)):
        value = getattr(bound, name)
        if value is not None and not lowest <= value <= highest:
            msg = f"`{place}.{metric}.{name}` must lie between {lowest:g} and {highest:g}. Received: {value:g}."
            raise ValueError(msg)
    _check_side(metric, bound, place)


def _check_side(metric: str, bound: BoundConfig, place: str) -> None:
    """Raises a ValueError for a bound that holds no worse model back: one side was meant, and the other is written.

    Of how new and how diverse lists are, and of what they hold, either side may be meant.
    """
    if metric in (lists.NOVELTY, lists.DIVERSITY, *lists.LIST_SHARES) or bound.max_loss is not None:
        return
    rising = measures.higher_is_better(metric)
    right, wrong = ("min", "max") if rising else ("max", "min")
    if getattr(bound, right) is None:
        worse = "lower" if rising else "higher"
        msg = (
            f"`{place}.{metric}` has a `{wrong}` alone, and a model with a {worse} {metric} is a worse one, which that "
            f"lets pass. Set `{right}`, if need be beside `{wrong}`, or `max_loss`."
        )
        raise ValueError(msg)
