"""Calls that gRPC holds before the server sees them.

gRPC's server takes one call at each turn of its event loop, and what comes faster waits in a queue of gRPC that has no
end and that nobody can look at: under an overload, calls wait there until their deadlines pass, which costs as much as
to refuse them. So the server calls itself now and then. Its own call stands in the same queue, behind all that came
before: as many calls as come out ahead of it were waiting.
"""

import asyncio
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc

logger = logging.getLogger(__name__)

# Seconds that the own call may take: it is the last of its queue.
_PATIENCE: Final = 60.0
# Of a queue so many times too long, the last part is let in: where even to refuse takes all of the processor, calls
# would else be refused for ever.
_PARTS: Final = 8
# Seconds of processor time a call. Where one takes more, it is those that die in the queue that take the processor, and
# not those that come out of it: to refuse would save nothing, and the few that come out are better answered.
_DEAR: Final = 0.003


class Backlog(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Tells whether more calls wait before the server than it takes. All of it runs in the event loop.

    It asks once in `most` calls, so that a server without work does not call itself.

    Args:
        most: Calls that may wait there. As many clients, each of whom waits for its answer, are never refused.
        used: Tells the seconds of processor time that this process has taken.
    """

    def __init__(self, most: int, used: Callable[[], float] = time.process_time) -> None:
        self._most = most
        self._used = used
        self._began = 0.0  # of that time
        # Nobody else knows the name.
        self._path = f"/pnfrec.Backlog/{uuid.uuid4().hex}"
        self._channel: Any = None
        self._method: Any = None
        self._asking: asyncio.Task[None] | None = None
        self._came = 0  # calls that came out of the queue since the own one was sent, or came out
        self._too_long = False

    def too_long(self) -> bool:
        """Counts a call that came out of the queue, and tells whether there are too many for it to be let in."""
        self._came += 1
        if self._asking is not None:
            self._too_long = self._too_long or self._came > self._most
        elif self._method is not None and self._came >= self._most:
            self._begin()
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        if not self._too_long or self._came // self._most % _PARTS == _PARTS - 1:
            return False
        return self._used() - self._began < _DEAR * max(self._came, 1)

    def service(self, details: Any) -> Any:
        """What answers the server's own call, which has come out of the queue; None for every other."""
        if details.method != self._path:
            return None
        self._too_long = self._came > self._most
        self._begin()
        return grpc.unary_unary_rpc_method_handler(_nothing)

    def _begin(self) -> None:
        self._came, self._began = 0, self._used()

    async def start(self, address: str) -> None:
        """Asks from now on.

        Args:
            address: Where the server listens for itself.
        """
        self._channel = grpc.aio.insecure_channel(address)
        self._method = self._channel.unary_unary(self._path)

    async def stop(self) -> None:
        """Asks no more."""
        self._method = None
        if self._channel is not None:
            await self._channel.close()

    async def _ask(self) -> None:
        try:
            await self._method(b"", timeout=_PATIENCE)
            # Not with the next call, which may come when nothing waits any more.
            while self._too_long and self._method is not None:
                self._begin()
                await self._method(b"", timeout=_PATIENCE)
        except grpc.aio.AioRpcError as error:
            # Without a measure, calls are refused by the places that are taken alone.
            self._too_long = False
            logger.debug("The server could not call itself: %s", error)
        finally:
            self._asking = None


class OwnSocket:
    """A socket in a folder of its own, which only this user may enter.

    Attributes:
        address: As gRPC takes it.

    Raises:
        OSError: There is no folder for it.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pnfrec-"))
        self.address = f"unix:{self._folder / 's'}"

    def close(self) -> None:
        """Removes it."""
        shutil.rmtree(self._folder, ignore_errors=True)


async def _nothing(_: bytes, context: Any) -> bytes:
    del context
    return b""
