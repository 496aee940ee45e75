"""The space of a search in KerasTuner's terms."""

import math
from collections.abc import Mapping
from typing import Any

from components.tuner.config import NumberSpace, WidthSpace

Spaces = Mapping[str, NumberSpace | WidthSpace]


def hyperparameters(spaces: Spaces, num_heads: int) -> Any:
    """KerasTuner's `HyperParameters` of a space; widths stay multiples of `num_heads`."""
    import keras_tuner

    space = keras_tuner.HyperParameters()
    for name, one in spaces.items():
        if one.values:
            space.Choice(name, one.values)
        elif isinstance(one, WidthSpace):
            step = {"step": 2, "sampling": "log"} if one.log else {"step": num_heads}
            space.Int(name, one.min, one.max, **step)
        else:
            space.Float(name, one.min, one.max, sampling="log" if one.log else "linear")
    return space


def combinations(spaces: Spaces, num_heads: int) -> int | None:
    """How many sets of values a space holds; None where a range of numbers has no end of them."""
    counts = [_count(space, num_heads) for space in spaces.values()]
    return None if None in counts else math.prod(count for count in counts if count is not None)


def _count(space: NumberSpace | WidthSpace, num_heads: int) -> int | None:
    if space.values:
        return len(space.values)
    if not isinstance(space, WidthSpace) or space.min is None or space.max is None:
        return None
    return len(_doublings(space.min, space.max)) if space.log else (space.max - space.min) // num_heads + 1


def holds(spaces: Spaces, num_heads: int, values: Mapping[str, Any]) -> bool:
    """Whether a space holds a set of values."""
    return all(_holds(space, num_heads, values[name]) for name, space in spaces.items())


def _holds(space: NumberSpace | WidthSpace, num_heads: int, value: Any) -> bool:
    if space.values:
        return value in space.values
    if space.min is None or space.max is None or not space.min <= value <= space.max:
        return False
    if not isinstance(space, WidthSpace):
        return True
    return value in _doublings(space.min, space.max) if space.log else (value - space.min) % num_heads == 0


def _doublings(low: int, high: int) -> list[int]:
    return [low << power for power in range(high.bit_length()) if low << power <= high]
