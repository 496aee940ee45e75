"""How long the gap before the held-out rows is (`feedback.gap`)."""

from pnfrec_columns.units import FRACTIONAL, duration_of, in_ticks
from pnfrec_core.errors import FeedbackError


def ticks_of_gap(gap: str | int, unit: str) -> int:
    """The gap in the unit of the timestamps.

    Raises:
        FeedbackError: It is a number, and timestamps in seconds with a fraction have become microseconds, of which
            nobody means so few.
    """
    if isinstance(gap, str):
        return in_ticks(duration_of(gap), unit)
    if gap and unit == FRACTIONAL:
        msg = (
            f"`feedback.gap: {gap}` is a number, and the timestamps are seconds with a fraction, so that it may be "
            f"seconds or parts of them. Say which: `feedback.gap: {gap} seconds`."
        )
        raise FeedbackError(msg)
    return gap
