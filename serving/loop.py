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
    made = _new_loop()
    threading.Thread(target=made.run_forever, name="pnfrec-grpc", daemon=True).start()
    return made


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes less of the processor for a call, where there is one for this system; else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def begin(work: Coroutine[Any, Any, Any]) -> "futures.Future[Any]":
    """Runs a coroutine in the loop."""
    return asyncio.run_coroutine_threadsafe(work, loop())
