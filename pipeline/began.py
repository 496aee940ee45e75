"""When something began, by both clocks: the one that people read, and the one that only goes on."""

import time
from typing import NamedTuple


class Began(NamedTuple):
    """The beginning of a run.

    The clock of a machine may be put forward or back meanwhile, as time servers and a machine that wakes do; how long
    something took is told by one that is not.

    Attributes:
        at: In seconds since 1970.
        tick: Of `time.monotonic`, which is one and the same in all processes of a machine.
    """

    at: float
    tick: float

    @classmethod
    def now(cls) -> "Began":
        """The present."""
        return cls(time.time(), time.monotonic())

    @property
    def seconds(self) -> float:
        """How long ago it is."""
        return time.monotonic() - self.tick
