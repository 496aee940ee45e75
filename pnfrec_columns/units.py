"""Units of timestamps: what a whole number may mean, how long a day is in it, and which moment it is.

Neither Arrow nor pandas is imported here, since the configuration reads the names of the units.
"""

import dataclasses
import datetime
import math
from typing import Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# In seconds: no timestamp may lie in the year 2200 or beyond, and one of before 1990 is no feedback on anything online.
YEAR_2200, YEAR_1990 = 7_258_118_400, 631_152_000
DAY = 86_400

TimeUnit = Literal[
    "auto",
    "days",
    "hours",
    "minutes",
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "fractional_seconds",
    "order",
]
AUTO: TimeUnit = "auto"
# Seconds with a fraction, and dates: both are kept as microseconds. Dates that name no zone are taken as UTC.
FRACTIONAL: TimeUnit = "fractional_seconds"
DATES = "dates"
# Numbers that say which comes first and nothing else.
ORDER: TimeUnit = "order"

# Kept units in one second, by unit; of the slow units, seconds in one of them.
_A_SECOND = {
    "seconds": 1,
    "milliseconds": 10**3,
    "microseconds": 10**6,
    "nanoseconds": 10**9,
    FRACTIONAL: 10**6,
    DATES: 10**6,
}
_SECONDS = {"minutes": 60, "hours": 3600, "days": 86_400}
# A day in each unit. Numbers that only order have no days: a day apart is as one apart.
TICKS_A_DAY = {
    **{unit: DAY * ticks for unit, ticks in _A_SECOND.items()},
    **{unit: DAY // seconds for unit, seconds in _SECONDS.items()},
    ORDER: 1,
}

# With "auto": unit and first number. What lies between the units makes sense in none of them: milliseconds,
# microseconds and nanoseconds start in 1973.
_FIRST = {"seconds": 0, "milliseconds": 10**11, "microseconds": 10**14, "nanoseconds": 10**17}


@dataclasses.dataclass(frozen=True)
class TimeReading:
    """How timestamps are read.

    Attributes:
        unit: Of whole numbers; "auto" tells it by their size.
        format: Of dates, in the signs of `strptime`; empty for ISO dates and numbers.
    """

    unit: TimeUnit = AUTO
    format: str = ""


def end_of(unit: str) -> int:
    """The first number of a unit that lies in the year 2200; of those that only order, more than an int64 holds."""
    if unit == ORDER:
        return 2**63
    return YEAR_2200 // _SECONDS[unit] if unit in _SECONDS else YEAR_2200 * _A_SECOND[unit]


def whole_units(times: Ints, unit: str) -> list[tuple[str, Mask]]:
    """The units that whole numbers may have under the setting `unit`, and which numbers are in each."""
    if unit == AUTO:
        return [(name, (times >= first) & (times < end_of(name))) for name, first in _FIRST.items()]
    inside = times >= 0
    return [(unit, inside if unit == ORDER else inside & (times < end_of(unit)))]


def seconds_of(time: int, unit: str) -> int | None:
    """Whole seconds since 1970; None of numbers that only order."""
    if unit == ORDER:
        return None
    return time * _SECONDS[unit] if unit in _SECONDS else time // _A_SECOND[unit]


def moment_of(text: str) -> float:
    """Seconds since 1970 of an ISO date, UTC where it names no zone.

    >>> moment_of("1970-01-02"), moment_of("1970-01-02T00:00:00+01:00"), moment_of("1970-01-02 00:00:00 UTC")
    (86400.0, 82800.0, 86400.0)

    Raises:
        ValueError: The text is none.
    """
    text = text.strip()
    for zone in ("Z", "UTC", "GMT"):
        text = text[: -len(zone)].rstrip() + "+00:00" if text.endswith(zone) else text
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).timestamp()


def duration_of(text: str) -> float:
    """Seconds of a number with a unit from seconds to days, in the singular or the plural.

    >>> duration_of("30 minutes"), duration_of("1.5 hours"), duration_of("1 day")
    (1800.0, 5400.0, 86400.0)

    Raises:
        ValueError: The text is none.
    """
    number, _, unit = text.strip().partition(" ")
    name = f"{unit.strip().removesuffix('s')}s"
    units = {"seconds": 1, **_SECONDS}
    if name not in units or not math.isfinite(value := float(number)):
        msg = f"no duration: {text!r}"
        raise ValueError(msg)
    return value * units[name]


def in_ticks(seconds: float, unit: str) -> int:
    """The first number of a unit that is at or after a moment, in seconds since 1970; or a duration, rounded up."""
    if unit in _SECONDS:
        return int(np.ceil(seconds / _SECONDS[unit]))
    # A date is whole microseconds, which a float in nanoseconds does not hold.
    return -(-round(seconds * 10**6) * _A_SECOND[unit] // 10**6)


def time_text(time: int | None, unit: str | None) -> str | None:
    """`time` as a date in UTC to the second; None where there is none, or where it lies beyond the calendar.

    >>> time_text(0, "seconds"), time_text(2**62, "seconds")
    ('1970-01-01 00:00:00 UTC', None)
    """
    if time is None or unit is None or (seconds := seconds_of(time, unit)) is None:
        return None
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError):  # which of them depends on the platform
        return None
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
