"""What the server knows of a call besides its request: until when an answer is wanted, and whether it still is."""

import time
from collections.abc import Callable
from typing import Final

from serving import observe
from serving.errors import RequestFault

DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
CANCELLED = "CANCELLED"
_FOR_EVER: Final = 1e6


class Call:
    """A caller who waits.

    Args:
        seconds: How long from now an answer is of use; None is for ever, as is more than some days.
        is_active: Whether the caller is still there. Asked from several threads.
        user_key: Whom the answer is for; "" where nobody says.
    """

    def __init__(
        self, seconds: float | None = None, is_active: Callable[[], bool] | None = None, user_key: str = ""
    ) -> None:
        # A call without a deadline has 2^63 seconds or so by some versions of gRPC, which no lock can wait.
        self._deadline = None if seconds is None or seconds > _FOR_EVER else time.monotonic() + seconds
        self._gone = False
        self._is_active = is_active
        self.user_key = user_key

    def leave(self) -> None:
        """The caller is no longer there."""
        self._gone = True

    def remaining(self) -> float | None:
        """Seconds left, 0 at least; None for ever."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def given_up(self) -> str:
        """Why no answer is wanted any more, one of `observe.REASONS`; "" while one is."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return observe.DEADLINE
        if self._gone or (self._is_active is not None and not self._is_active()):
            return observe.CANCELLED
        return ""


def fault_of(reason: str) -> RequestFault:
    """What a call is answered with that was given up for `reason`, should anybody still listen."""
    if reason == observe.DEADLINE:
        return RequestFault(DEADLINE_EXCEEDED, "The deadline passed while the call waited for the model.")
    return RequestFault(CANCELLED, "The call was cancelled while it waited for the model.")
