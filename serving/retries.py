"""When a call is made again: after UNAVAILABLE only, with growing waits, and never past its deadline."""

import dataclasses
import random
import time
from collections.abc import Callable
from typing import Final

from serving import errors

# A plain call that hangs on a connection for ever helps nobody: the least time that an attempt is given.
_LEAST_SECONDS: Final = 0.001


@dataclasses.dataclass(frozen=True)
class Retries:
    """How often and how soon a call is made again that the server was not there for.

    A call only reads, so that making it twice does no harm. Other failures are answers, and are not asked for again: a
    busy server least of all.

    Attributes:
        most: Further attempts after the first; 0 makes none.
        first_seconds: The longest wait before the second attempt. It doubles with each attempt.
        most_seconds: The longest wait of all. The true wait lies anywhere between 0 and the longest, so that many
            clients do not come back at once.
    """

    most: int = 2
    first_seconds: float = 0.1
    most_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.most < 0 or not 0 <= self.first_seconds <= self.most_seconds:
            msg = f"Retries need `most` of 0 or more, and 0 <= `first_seconds` <= `most_seconds`. Received: {self}."
            raise ValueError(msg)

    def begin(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> "Attempts":
        """The attempts of one call.

        Args:
            timeout: Seconds for all attempts and waits together.
            clock: Tells seconds.
        """
        return Attempts(self, timeout, clock)


class Attempts:
    """One call, as often as it is made.

    Args:
        retries: How often at most.
        timeout: Seconds for all together.
        clock: Tells seconds.
    """

    def __init__(self, retries: Retries, timeout: float, clock: Callable[[], float]) -> None:
        self._retries = retries
        self._clock = clock
        self._end = clock() + timeout
        self._made = 0

    def remaining(self) -> float:
        """Seconds that the next attempt may take."""
        return max(self._end - self._clock(), _LEAST_SECONDS)

    def wait_after(self, code: str) -> float | None:
        """Seconds to wait before the next attempt; None where there is to be none.

        Args:
            code: Name of the gRPC status that the last attempt ended with.
        """
        if code != errors.UNAVAILABLE or self._made >= self._retries.most:
            return None
        longest = min(self._retries.first_seconds * 2**self._made, self._retries.most_seconds)
        self._made += 1
        wait = random.uniform(0, longest)
        return wait if self._clock() + wait < self._end else None
