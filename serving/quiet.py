"""Warnings that a stranger can cause as often as he likes: one a minute, and how many there were."""

import logging
import threading
import time
from collections.abc import Callable


class Quiet:
    """Logs at most one warning in so many seconds.

    Args:
        logger: What logs it.
        seconds: Between two of them.
        clock: Seconds that only rise.
    """

    def __init__(
        self, logger: logging.Logger, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._last: float | None = None
        self._kept_back = 0

    def warning(self, text: str, *values: object) -> None:
        """Logs it, or counts it for the next one that is logged."""
        with self._lock:
            now = self._clock()
            if self._last is not None and now - self._last < self._seconds:
                self._kept_back += 1
                return
            self._last, before, self._kept_back = now, self._kept_back, 0
        if before:
            text += f" ({before} more like it since the last such line.)"
        self._logger.warning(text, *values)
