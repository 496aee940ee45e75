"""How long the gap before the held-out rows is (`feedback.gap`)."""

from typing import Final

from pnfrec_columns.units import DATES, FRACTIONAL, duration_of, in_ticks
from pnfrec_core.errors import FeedbackError

# Units that nobody has written the timestamps in, and what those are in the files.
_KEPT_AS_MICROSECONDS: Final = {
    FRACTIONAL: "seconds with a fraction, so that it may be seconds or parts of them",
    DATES: "dates, which are counted in no unit",
}


def ticks_of_gap(gap: str | int, unit: str) -> int:
    """The gap in the unit of the timestamps.

    Raises:
        FeedbackError: It is a number, and the timestamps are kept as microseconds, of which nobody means so few.
    """
    if isinstance(gap, str):
        return in_ticks(duration_of(gap), unit)
    if gap and unit in _KEPT_AS_MICROSECONDS:
        msg = (
            f"`feedback.gap: {gap}` is a number, and the timestamps are {_KEPT_AS_MICROSECONDS[unit]}. Say its unit, "
            f"such as `feedback.gap: {gap} seconds`."
        )
        raise FeedbackError(msg)
    return gap
