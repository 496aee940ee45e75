"""95 % intervals of what the gate measures.

Hit rates are shares, so Wilson's interval holds for few examples and for no hit at all; their difference takes
Newcombe's, which is built from two of Wilson's (Newcombe 1998, "Interval estimation for the difference between
independent proportions", method 10). Means of other gains take the normal interval of the standard error. All take
examples for independent of each other.
"""

import math
from typing import NamedTuple

_Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


class Interval(NamedTuple):
    """Both ends, included."""

    low: float
    high: float


def wilson(share: float, examples: int) -> Interval | None:
    """Of a share of `examples`; None without examples."""
    if examples < 1 or not math.isfinite(share):
        return None
    spread = _Z * math.sqrt(share * (1 - share) / examples + _Z**2 / (4 * examples**2))
    centre = share + _Z**2 / (2 * examples)
    scale = 1 + _Z**2 / examples
    return Interval(max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def newcombe(share: float, examples: int, other: float, other_examples: int) -> Interval | None:
    """Of share - other, two shares of different examples; None where one has no example."""
    first, second = wilson(share, examples), wilson(other, other_examples)
    if first is None or second is None:
        return None
    difference = share - other
    below = math.hypot(share - first.low, second.high - other)
    above = math.hypot(first.high - share, other - second.low)
    return Interval(difference - below, difference + above)


def normal(mean: float, *standard_errors: float) -> Interval | None:
    """Of a mean, or of a difference of independent means with a standard error each.

    None where a standard error is unknown (fewer than 2 examples) or 0: equal gains, as where nothing was hit, say
    nothing about how far the mean may lie off.
    """
    if not math.isfinite(mean) or not all(error > 0 for error in standard_errors):
        return None
    spread = _Z * math.hypot(*standard_errors)
    return Interval(mean - spread, mean + spread)


def clip(interval: Interval | None, low: float, high: float) -> Interval | None:
    """`interval` cut to the range that the measure can take."""
    return None if interval is None else Interval(max(low, interval.low), min(high, interval.high))
