"""The event loop of gRPC's servers, in a thread of its own.

There is one in a process: gRPC hands what happens to any loop that reads first, so that two would take it from each
other.
"""

import asyncio
import functools
import os
import threading
from collections.abc import Coroutine
from concurrent import futures
from typing import Any

from serving.errors import ServerStartError

_lock = threading.Lock()


def loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs as long as the process.

    Raises:
        ServerStartError: This process is the fork of one that has it. Its thread, like those of gRPC, does not come
            along, so that nothing would ever run in it.
    """
    # Without the lock, two servers that start at the same time might make two.
    with _lock:
        made, process = _loop()
    if os.getpid() != process:
        msg = (
            f"Process {process} has run a server, and this is its fork {os.getpid()}, in which none can. Start a new "
            "process instead, as multiprocessing does by its method `spawn`."
        )
        raise ServerStartError(msg)
    return made


@functools.cache
def _loop() -> tuple[asyncio.AbstractEventLoop, int]:
    """The loop, and the process that it runs in."""
    made = _new_loop()
    threading.Thread(target=made.run_forever, name="pnfrec-grpc", daemon=True).start()
    return made, os.getpid()


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes less of the processor for a call, where there is one for this system; else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def begin(work: Coroutine[Any, Any, Any]) -> "futures.Future[Any]":
    """Runs a coroutine in the loop; raises as `loop`."""
    try:
        return asyncio.run_coroutine_threadsafe(work, loop())
    except ServerStartError:
        work.close()
        raise
