"""How long the model takes, and what follows from it for those who wait."""

from typing import Final

# Nobody waits longer than that for others to go with them: a run may have taken long because the machine was busy.
_MOST_SECONDS: Final = 0.01
# How much of the usual time of a run is the last one's.
_NEWEST: Final = 0.25


class Pace:
    """The times of the runs of the model."""

    def __init__(self) -> None:
        self._last = 0.0
        self._usual = 0.0

    def ran(self, seconds: float) -> None:
        """A run took so long."""
        self._last = seconds
        self._usual += _NEWEST * (seconds - self._usual)

    @property
    def patience(self) -> float:
        """Seconds, at most, that a run is put off for calls that keep coming: as long as the last one took."""
        return min(self._last, _MOST_SECONDS)

    def too_late(self, remaining: float | None, batches: float) -> float:
        """Seconds that `batches` take which run before, where a call has only `remaining` of them; 0 where it has more.

        Args:
            remaining: None for ever. For a call whose time is over there is another answer.
            batches: 0 is never too late, so that a long run cannot keep the next one from showing that it was the last.
        """
        seconds = batches * self._usual
        return seconds if remaining is not None and 0 < remaining < seconds else 0.0
