"""The event loop of gRPC's servers, in a thread of its own.

There is one in a process: gRPC hands what happens to any loop that reads first, so that two would take it from each
other.
"""

import asyncio
import functools
import threading
from collections.abc import Coroutine
from concurrent import futures
from typing import Any

_lock = threading.Lock()


def loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs as long as the process."""
    # Without the lock, two servers that start at the same time might make two.
    with _lock:
        return _loop()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="pnfrec-grpc", daemon=True).start()
    return made


def begin(work: Coroutine[Any, Any, Any]) -> "futures.Future[Any]":
    """Runs a coroutine in the loop."""
    return asyncio.run_coroutine_threadsafe(work, loop())
