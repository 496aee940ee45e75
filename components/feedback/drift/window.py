"""The days that are compared: which rows lie in which, and which items are new in them."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.drift.config import DriftConfig
from components.feedback.rules.table import UserTable
from pnfrec_columns.units import DAY, ORDER, TICKS_A_DAY, Ints, in_ticks, time_text


@dataclasses.dataclass(frozen=True)
class Window:
    """The newest day, 0, and the days before it, 1 and on.

    Attributes:
        end: The first time after day 0, in the unit of the timestamps.
        ticks: A day in that unit.
        last: The number of the oldest day.
        unit: Of the timestamps.
        new_items: The items whose first row lies in the window; None where nobody needs them any more.
        first_times: The time of the first row of each of these.
    """

    end: int
    ticks: int
    last: int
    unit: str
    new_items: pa.Array
    first_times: Ints

    def days_of(self, times: Ints) -> Ints:
        """The day of each time; below 0 or above `last` outside the window."""
        days: Ints = (self.end - 1 - times) // self.ticks
        return days

    def date(self) -> str | None:
        """When the newest day ended."""
        return time_text(self.end - 1, self.unit)


def make_window(
    span: tuple[int | None, int | None], unit: str | None, now: int, items: tuple[pa.Array, Ints], config: DriftConfig
) -> Window | str:
    """The days to compare; or why they are not compared, "" where that is not asked for.

    Args:
        span: The earliest and the latest timestamp.
        unit: Of the timestamps.
        now: Seconds since 1970 of the run.
        items: All items, and the time of the first row of each.
        config: How many days.
    """
    first, last = span
    if config.action == "off":
        return ""
    if first is None or last is None or unit is None or unit == ORDER:
        return "The newest day is compared with no other: the timestamps are no moments."
    # What lies beyond tomorrow is said by another finding, and must not hide the day that it came with.
    end = min(last, in_ticks(now + DAY, unit) - 1) + 1
    ticks = TICKS_A_DAY[unit]
    before = min(max((end - first) // ticks - 1, 0), config.days)
    if before < config.least_days:
        return too_few(before, config)
    ids, times = items
    new = times >= end - (before + 1) * ticks
    return Window(end, ticks, before, unit, ids.filter(pa.array(new)), times[new])


def too_few(found: int, config: DriftConfig, among: int = 0) -> str:
    """Why a day is not compared that has so few whole days before it.

    Args:
        found: Days before it, with rows.
        config: How many it takes.
        among: Days that were looked at; 0 where all of them have rows.
    """
    some = f"{found} of the {among} days before it have" if among else f"{found} whole days lie before it, with"
    return (
        f"The newest day is compared with no other: {some} rows, and it takes {config.least_days} "
        "(`feedback.drift.least_days`). It can be as soon as there are more; a window (`feedback.spans.newest`) must "
        "hold them all, and the newest day."
    )


def first_times(table: UserTable) -> Ints:
    """The time of the first row of each item of a table."""
    first = np.full(len(table.items), np.iinfo(np.int64).max)
    np.minimum.at(first, table.item, table.time)
    return first


def first_of_items(table: UserTable, window: Window) -> Ints:
    """The day on which each item of a table was first seen anywhere; beyond the window where that was before it."""
    places = pc.index_in(table.items, value_set=window.new_items)
    found: npt.NDArray[Any] = places.fill_null(-1).to_numpy(zero_copy_only=False)
    days = np.append(window.days_of(window.first_times), window.last + 1)
    return np.asarray(days[found], np.int64)
