"""What the server tells those who count: metrics, logs, tests. Standard library only."""

from collections.abc import Iterable
from typing import Final, Protocol

# Why a call was refused or given up: the values of `reason`.
QUEUE_FULL: Final = "queue_full"
TOO_MANY_CALLS: Final = "too_many_calls"
NO_TIME: Final = "no_time"
DEADLINE: Final = "deadline"
CANCELLED: Final = "cancelled"
MALFORMED: Final = "malformed"
REASONS: Final = (QUEUE_FULL, TOO_MANY_CALLS, NO_TIME, DEADLINE, CANCELLED, MALFORMED)


class Observer(Protocol):
    """Hooks of the server. They are called from several threads at once, and must return at once and raise nothing."""

    def on_batch(self, rows: int, calls: int, seconds: float) -> None:
        """One run of the model is done: the rows of `calls` callers (parts of theirs), in `seconds` of wall time."""

    def on_refused(self, reason: str) -> None:
        """A call got no answer of the model, for one of `REASONS`."""

    def queue_depth(self, rows: int) -> None:
        """How many rows wait for the model now. Told whenever it changes."""


class NoObserver:
    """Counts nothing: the default."""

    def on_batch(self, rows: int, calls: int, seconds: float) -> None:
        del rows, calls, seconds

    def on_refused(self, reason: str) -> None:
        del reason

    def queue_depth(self, rows: int) -> None:
        del rows


class Observers:
    """Tells several observers.

    Args:
        observers: In the order in which they are told.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def on_batch(self, rows: int, calls: int, seconds: float) -> None:
        for each in self._observers:
            each.on_batch(rows, calls, seconds)

    def on_refused(self, reason: str) -> None:
        for each in self._observers:
            each.on_refused(reason)

    def queue_depth(self, rows: int) -> None:
        for each in self._observers:
            each.queue_depth(rows)
