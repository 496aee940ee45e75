"""The signals that a server's process gets, kept for its main thread. Standard library only."""

import logging
import queue
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

logger = logging.getLogger(__name__)

# So often does the main thread look for signals whose coming did not wake it: one that comes just as the wait begins,
# or in another thread, would be seen no sooner than the next one.
_LOOK_SECONDS: Final = 0.5


class Signals:
    """While this context lasts, signals end nothing by themselves. Of the main thread.

    Attributes:
        hurry: Is called at once where one comes that means the end. It comes in the middle of anything that the main
            thread does, so that it must wait for no lock.
        is_end: Whether one has come.
    """

    def __init__(self) -> None:
        self.hurry: Callable[[], None] = lambda: None
        self.is_end = False
        self._ends = {signal.SIGTERM, signal.SIGINT}
        # Unlike an Event, and unlike a log, it may be used in the middle of its own methods.
        self._came: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        heard = {*self._ends}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            heard.add(signal.SIGHUP)
            # Of a terminal that closes it is the end; of whoever would have a service read its files anew it is not.
            if sys.stdin is not None and sys.stdin.isatty():
                self._ends.add(signal.SIGHUP)
        self._previous = {number: signal.signal(number, self._come) for number in heard}
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def wait_for_the_end(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Returns once a signal has come that means the end; others are told in the log.

        Args:
            is_over: Tells whether there is nothing left to wait with, and is asked all the time.
        """
        while not is_over():
            try:
                number = self._came.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            name = signal.Signals(number).name
            if number in self._ends:
                logger.info("Stopping on %s.", name)
                return
            logger.info("%s changes nothing: files are read anew by themselves.", name)

    def _come(self, number: int, _frame: Any) -> None:
        self._came.put(number)
        if number in self._ends:
            self.is_end = True
            self.hurry()
