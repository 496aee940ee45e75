"""The channel of a client, which is opened anew once the files of its certificates have changed.

A client lives for weeks, its certificate often for a day. gRPC reads the files once, when a channel is made.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import grpc

from serving import wire
from serving.connection import Connection

logger = logging.getLogger(__name__)

# What a call ends with where a handshake fails: at once, or where it waits for the server until its deadline.
_NOT_REACHED: Final = ("UNAVAILABLE", "DEADLINE_EXCEEDED")


class Method(NamedTuple):
    """A method of the server that takes one message and gives one.

    Attributes:
        path: Such as "/grpc.health.v1.Health/Check".
        request: The class of the message.
        response: The class of the answer.
    """

    path: str
    request: Any
    response: Any


PREDICT: Final = Method(wire.PREDICT, wire.PredictRequest, wire.PredictResponse)
METADATA: Final = Method(wire.GET_MODEL_METADATA, wire.GetModelMetadataRequest, wire.GetModelMetadataResponse)
STATUS: Final = Method(wire.GET_MODEL_STATUS, wire.GetModelStatusRequest, wire.GetModelStatusResponse)


class Link:
    """A channel and its methods. Safe to use from several threads.

    Args:
        connection: How the server is reached.
        module: `grpc`, or `grpc.aio`.

    Raises:
        OSError, ValueError: As `TlsFiles.credentials`.
    """

    def __init__(self, connection: Connection, module: Any = grpc) -> None:
        self._connection = connection
        self._module = module
        self._lock = threading.Lock()
        self._files = connection.follow()
        self._channel = self._open()
        # What calls of other threads may still run on; they end long before there is yet another.
        self._former: Any = None
        self._methods: dict[Method, Callable[..., Any]] = {}
        self._is_closed = False

    def method(self, method: Method) -> Callable[..., Any]:
        """What calls a method, in the way of `grpc` or of `grpc.aio`."""
        methods = self._methods  # before the channel: one that is opened meanwhile has others
        made = methods.get(method)
        if made is None:
            made = methods[method] = self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return made

    def renew(self, code: str) -> None:
        """After a call that failed: opens another channel if the files of the certificates are not what they were.

        Args:
            code: Name of the gRPC status that it ended with.
        """
        if code not in _NOT_REACHED or self._files is None:
            return
        with self._lock:
            if not self._is_closed and self._files.refresh():
                logger.info("The certificates for %s have changed, and are read anew.", self._connection.target)
                self._former, self._channel = self._channel, self._open()
                self._methods = {}

    def close(self) -> Any:
        """Ends the channel; of `grpc.aio`, what is to be awaited."""
        with self._lock:
            self._is_closed = True
            self._former = None
            return self._channel.close()

    def _open(self) -> Any:
        return self._connection.open(self._module, None if self._files is None else self._files.held)
