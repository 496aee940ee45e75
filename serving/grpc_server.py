"""A grpc.aio.Server for callers in other threads."""

import logging
from collections.abc import Callable, Sequence
from concurrent import futures
from typing import Any, Final

import grpc

from serving import loop, wire
from serving.backlog import Backlog, OwnSocket

logger = logging.getLogger(__name__)

_OPTIONS: Final = (
    # Else a second server on a port in use would start and take half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", wire.MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", wire.MAX_MESSAGE_BYTES),
    # A client whose machine is gone says nothing: its connection and the answers that it has not taken would stay for
    # hours. Each is asked every minute whether it is there, with or without calls, and given up when no answer has
    # come for another (gRPC's own time; 1.65 does not obey `grpc.keepalive_timeout_ms`).
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class GrpcServer:
    """Answers calls in the event loop of `serving.loop`.

    Args:
        handlers: What answers, see grpc.GenericRpcHandler.
        backlog: Measures what waits before them.
    """

    def __init__(self, handlers: Sequence[Any], backlog: Backlog) -> None:
        self._handlers = handlers
        self._backlog = backlog
        self._socket: OwnSocket | None = None
        self._server: Any = None

    def start(self, add_port: Callable[[Any], int]) -> int:
        """Listens, and answers from then on.

        Args:
            add_port: Lets the server listen, and tells the port.

        Returns:
            The port; 0 where it cannot listen.
        """
        return int(loop.begin(self._start(add_port)).result())

    def stop(self, grace_seconds: float) -> "futures.Future[Any]":
        """Takes no more calls, and ends those that still run after `grace_seconds`; the future tells when all have."""
        return loop.begin(self._stop(grace_seconds))

    async def _start(self, add_port: Callable[[Any], int]) -> int:
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers([*self._handlers, self._backlog])
        try:
            port = add_port(server)
        except RuntimeError:
            port = 0
        if port:
            own = self._add_own(server)
            await server.start()
            self._server = server
            if own:
                await self._backlog.start(own)
        return port

    def _add_own(self, server: Any) -> str:
        """Lets it listen for itself, and tells where; "" where it cannot."""
        try:
            self._socket = OwnSocket()
            server.add_insecure_port(self._socket.address)
        except (OSError, RuntimeError) as error:
            # The folder for what is temporary may have a path that is too long for a socket.
            msg = "The server cannot call itself, so that under an overload calls may wait long: %s"
            logger.warning(msg, error)
            return ""
        return self._socket.address

    async def _stop(self, grace_seconds: float) -> None:
        await self._backlog.stop()
        if self._server is not None:
            await self._server.stop(grace_seconds)
        if self._socket is not None:
            self._socket.close()
