"""Dates that do not look like dates: how they are recognised, and what to do about them."""

import datetime
import re

import numpy as np

from pnfrec_columns.units import AUTO, DAY, FRACTIONAL, YEAR_1990, Ints, Mask, TimeReading, seconds_of

# Forms of whole numbers, by how many digits they have.
_NUMBERS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_FIRST_YEAR, _END_YEAR = 1970, 2200
_SAMPLE = 64
# How dates are written in text that is not ISO, by what it looks like.
_TEXTS = (
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", ("%d %b %Y",)),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)),
)
_CLOCK = (
    (r"[ T]\d{1,2}:\d{2}:\d{2}\.\d+", " %H:%M:%S.%f"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}", " %H:%M:%S"),
    (r"[ T]\d{1,2}:\d{2}", " %H:%M"),
    ("", ""),
)
# Numbers of these units may pass for seconds.
_SLOWER = ("minutes", "hours", "days")


def expected_time(reading: TimeReading) -> str:
    """What a timestamp has to be, for an error."""
    if reading.format:
        return f"a date of the form {reading.format} (`feedback.time_format`), from 1970 to 2199"
    if reading.unit == FRACTIONAL:
        return "seconds since 1970, with or without a fraction, or an ISO date, before the year 2200"
    if reading.unit != AUTO:
        return f"a whole number (`feedback.time_unit: {reading.unit}`) or an ISO date, before the year 2200"
    return "a whole number (seconds, milli-, micro- or nanoseconds since 1970) or an ISO date, before the year 2200"


def date_hint(found: str) -> str:
    """What a text or a number that could not be read may be, as the end of a sentence; nothing if it is no date."""
    text = found.strip("'\" ")
    if re.fullmatch(r"\d{1,10}\.\d*[1-9]\d*", text):
        return f", which may be seconds with a fraction: then set `feedback.time_unit: {FRACTIONAL}`"
    if text.isascii() and text.isdigit() and is_date_number(np.array([int(text[:18])]), len(text))[0]:
        return f", which may be a date written as a number: then set `feedback.time_format: '{_NUMBERS[len(text)]}'`"
    for pattern, forms in _TEXTS:
        for clock, clock_form in _CLOCK:
            if re.fullmatch(pattern + clock, text):
                told = " or ".join(f"`{form}{clock_form}`" for form in forms)
                return f", which may be a date: then set `feedback.time_format` to {told}"
    return ""


def is_date_number(times: Ints, digits: int) -> Mask:
    """Which whole numbers have so many digits and read as a date, such as 20130815 or 201308152131."""
    if digits not in _NUMBERS:
        return np.zeros(len(times), bool)
    year = times // 10 ** (digits - 4)
    good: Mask = (year >= _FIRST_YEAR) & (year < _END_YEAR)
    for place, least, most in ((6, 1, 12), (8, 1, 31), (10, 0, 23), (12, 0, 59), (14, 0, 59)):
        if place <= digits:
            part = times // 10 ** (digits - place) % 100
            good &= (part >= least) & (part <= most)
    return good


def date_form(times: Ints) -> str | None:
    """The form of date that every one of some whole numbers reads as, such as %Y%m%d; None where there is none.

    >>> date_form(np.array([20130815, 20130816])), date_form(np.array([20130815, 1376602288]))
    ('%Y%m%d', None)
    """
    if not len(times):
        return None
    # The first number tells how many digits they all must have; a few rule most columns out.
    digits = len(str(int(times[0])))
    found = all(is_date_number(some, digits).all() for some in (times[:_SAMPLE], times))
    return _NUMBERS[digits] if found else None


def other_readings(first: int, last: int, unit: str, now: int) -> list[tuple[str, str, str]]:
    """What numbers may count that would be seconds of before 1990: units in which all lie between then and tomorrow.

    Args:
        first: The smallest of them.
        last: The largest.
        unit: What they have been taken for.
        now: Seconds since 1970 of today.

    Returns:
        (unit, first date, last date) of each.
    """
    if unit != "seconds" or last >= YEAR_1990:
        return []
    found = []
    for other in _SLOWER:
        begin, end = seconds_of(first, other), seconds_of(last, other)
        if begin is not None and end is not None and begin >= YEAR_1990 and end <= now + DAY:
            found.append((other, _day(begin), _day(end)))
    return found


def _day(seconds: int) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%d}"
