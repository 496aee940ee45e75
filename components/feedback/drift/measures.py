"""What is measured of a day, and the band that the days before give it.

A band is the median of the days before, and to both sides `feedback.drift.width` times the largest of: how the days
before spread (from their 10 % to their 90 % quantile, as standard deviations), what chance does to a day of so many
rows, and the least difference that anybody would care about.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from components.feedback.drift import seen
from components.feedback.drift.seen import DaySeen
from components.feedback.drift.window import Window

Key = TypeVar("Key")

# From the 10 % to the 90 % quantile of a normal distribution, in standard deviations.
_NORMAL_SPREAD: Final = 2.563
# The least standard deviations: of logarithms of counts, shares, distances, and quantiles over the range of all values.
_LEAST_LOG, _LEAST_SHARE, _LEAST_DISTANCE, _LEAST_QUANTILE = 0.2, 0.02, 0.03, 0.13
_QUANTILES: Final = {"low": 0.1, "middle": 0.5, "high": 0.9}
# A day counts 24 hours back from the newest row, so that a missing day of the calendar may have a few rows of the day
# beside it: up to this share of a full day.
_SPILLED: Final = 0.02


class Measure(NamedTuple):
    """A measure of the newest day, with its band.

    Attributes:
        name: What it is called in `statistics.json`.
        label: What it is, in words.
        form: How a number is written: "count", "share" or "value".
        value: Of the newest day.
        low: The lower end of the band.
        high: The upper end.
        before: Of the days before that have it, the newest first.
    """

    name: str
    label: str
    form: str
    value: float
    low: float
    high: float
    before: tuple[float, ...]

    @property
    def outside(self) -> bool:
        """Whether the newest day lies outside its band."""
        return not self.low <= self.value <= self.high


def measure_days(days: Mapping[int, DaySeen], window: Window, width: float) -> Iterator[Measure]:
    """Every measure of the newest day that it and a day before have.

    Args:
        days: What was seen of each day. One without a row, such as a day whose file is missing, is no day like others:
            it is left out of the bands, which it would make too wide to find anything.
        window: The days.
        width: Standard deviations from the median to the ends of a band.
    """
    all_days = [days.get(0, DaySeen()), *(days[day] for day in days_with_rows(days, window))]
    rows = max(all_days[0].counts.get(seen.ROWS, 0), 1)
    counts: tuple[tuple[str, str, list[float]], ...] = (
        ("rows", "rows", [day.counts.get(seen.ROWS, 0) for day in all_days]),
        ("users", "distinct users", [day.counts.get(seen.USERS, 0) for day in all_days]),
        ("items", "distinct items", [day.items for day in all_days]),
    )
    for name, label, values in counts:
        yield _count(name, label, values, width)
    for name, label, part, whole in (
        ("new_users", "of rows, those of users never seen before", seen.NEW_USERS, seen.ROWS),
        ("new_items", "of rows, those of items never seen before", seen.NEW_ITEMS, seen.ROWS),
        ("likes", "of rows after the filters, those that are positive", seen.LIKES, seen.JUDGED),
        ("repeats", "of rows, those that repeat another one exactly", seen.REPEATS, seen.ROWS),
    ):
        shares = [(day.counts.get(part, 0), day.counts.get(whole, 0)) for day in all_days]
        if shares[0][1] and any(whole for _, whole in shares[1:]):
            yield _share(name, label, shares, width)
    yield from _quantiles(all_days, rows, width)
    for name, label, beginning in (
        ("hours", "the distance of the rows by hour of the day", seen.HOUR),
        ("user_forms", "the distance of how user ids are written", seen.USER_FORM),
        ("item_forms", "the distance of how item ids are written", seen.ITEM_FORM),
    ):
        parts = [day.part(beginning) for day in all_days]
        if parts[0] and any(parts[1:]):
            yield _distance(name, label, parts, rows, width)


def days_with_rows(days: Mapping[int, DaySeen], window: Window) -> list[int]:
    """The numbers of the days before the newest one that have rows, and more than what spills over from days beside."""
    rows = {day: days[day].counts.get(seen.ROWS, 0) for day in range(1, window.last + 1) if day in days}
    least = _SPILLED * float(np.quantile([*rows.values(), 0], 0.9))
    return [day for day, number in rows.items() if number > least]


def _spread(before: npt.NDArray[np.float64]) -> float:
    low, high = np.quantile(before, [0.1, 0.9])
    return float(high - low) / _NORMAL_SPREAD


def _count(name: str, label: str, values: list[float], width: float) -> Measure:
    before = np.log1p(np.array(values[1:], np.float64))
    middle = float(np.median(before))
    half = width * max(_spread(before), math.exp(-middle / 2), _LEAST_LOG)
    low, high = max(math.expm1(middle - half), 0.0), math.expm1(middle + half)
    return Measure(name, label, "count", values[0], low, high, tuple(values[1:]))


def _share(name: str, label: str, parts: list[tuple[int, int]], width: float) -> Measure:
    shares = [part / whole for part, whole in parts[1:] if whole]
    middle = float(np.median(shares))
    chance = math.sqrt(middle * (1 - middle) / parts[0][1])
    half = width * max(_spread(np.array(shares)), chance, _LEAST_SHARE)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Measure(name, label, "share", parts[0][0] / parts[0][1], low, high, tuple(shares))


def _quantiles(all_days: list[DaySeen], rows: int, width: float) -> Iterator[Measure]:
    """Quantiles of the values."""
    parts = [{float(key): number for key, number in day.part(seen.VALUE).items()} for day in all_days]
    present = [part for part in parts[1:] if part]
    if not parts[0] or not present:
        return
    together = _sum(present)
    span = _quantile(together, _QUANTILES["high"]) - _quantile(together, _QUANTILES["low"])
    for name, level in _QUANTILES.items():
        before = np.array([_quantile(part, level) for part in present])
        middle = float(np.median(before))
        half = width * max(_spread(before), span * max(_LEAST_QUANTILE, 1 / math.sqrt(rows)))
        value = _quantile(parts[0], level)
        label = f"the {level:.0%} quantile of the values"
        yield Measure(f"value_{name}", label, "value", value, middle - half, middle + half, tuple(before.tolist()))


def _quantile(counts: Mapping[float, int], level: float) -> float:
    """The nearest quantile of numbers that stand so often."""
    values = sorted(counts)
    below = np.cumsum([counts[value] for value in values])
    return values[int(np.searchsorted(below, level * below[-1]))]


def _distance(name: str, label: str, parts: list[dict[str, int]], rows: int, width: float) -> Measure:
    """How far shares lie from those of all days before: half the sum of their differences, from 0 to 1."""
    together = _sum(parts[1:])
    before = np.array([_apart(part, together) for part in parts[1:] if part])
    chance = math.sqrt(len(together) / rows) / 3
    high = float(np.median(before)) + width * max(_spread(before), chance, _LEAST_DISTANCE)
    value = _apart(parts[0], together)
    return Measure(name, f"{label} from that of the days before", "share", value, 0.0, high, tuple(before.tolist()))


def _apart(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    totals = sum(one.values()), sum(other.values())
    names = one.keys() | other.keys()
    return sum(abs(one.get(name, 0) / totals[0] - other.get(name, 0) / totals[1]) for name in sorted(names)) / 2


def _sum(parts: list[dict[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total
