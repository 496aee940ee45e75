"""A grpc.aio.Server for callers in other threads."""

from collections.abc import Callable, Sequence
from concurrent import futures
from typing import Any, Final

import grpc

from serving import loop, wire

_OPTIONS: Final = (
    # Else a second server on a port in use would start and take half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", wire.MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", wire.MAX_MESSAGE_BYTES),
)


class GrpcServer:
    """Answers calls in the event loop of `serving.loop`.

    Args:
        handlers: What answers, see grpc.GenericRpcHandler.
    """

    def __init__(self, handlers: Sequence[Any]) -> None:
        self._handlers = handlers
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
        server.add_generic_rpc_handlers(self._handlers)
        try:
            port = add_port(server)
        except RuntimeError:
            port = 0
        if port:
            await server.start()
            self._server = server
        return port

    async def _stop(self, grace_seconds: float) -> None:
        if self._server is not None:
            await self._server.stop(grace_seconds)
