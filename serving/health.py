"""The health protocol of gRPC (grpc.health.v1), for probes: SERVING once a version of the model answers.

The messages are made here, as `_protocol` makes TensorFlow Serving's: the package grpcio-health-checking fits each
lane's protobuf in another release only, and holds no more than these two messages.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from serving import _probe_tables, _protocol, errors, wire
from serving.client import RecommenderClient

SERVICE: Final = "grpc.health.v1.Health"
CHECK: Final = f"/{SERVICE}/Check"
WATCH: Final = f"/{SERVICE}/Watch"
STATUSES: Final = _probe_tables.SERVING_STATUSES
_NAMES: Final = {number: name for name, number in STATUSES.items()}
# Each watch looks several times a second, so that there are no more than these.
_MOST_WATCHES: Final = 4
_LOOK_SECONDS: Final = 0.25

HealthCheckRequest: Any = _protocol.message_class("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse: Any = _protocol.message_class("grpc.health.v1.HealthCheckResponse")


class Health:
    """Answers probes about the whole server (service "") and about the services of the model.

    Args:
        is_ready: Whether a version of the model answers.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self._stopping = threading.Event()
        self._watches = 0

    def status(self, service: str = "") -> str:
        """Name of a status of `STATUSES`."""
        if service not in ("", wire.PREDICTION_SERVICE, wire.MODEL_SERVICE):
            return "SERVICE_UNKNOWN"
        return "SERVING" if self._is_ready() and not self._stopping.is_set() else "NOT_SERVING"

    def stop(self) -> None:
        """From now on nothing is served: balancers look elsewhere while running calls end. Watches end."""
        self._stopping.set()

    def handler(self) -> Any:
        """What grpc.Server.add_generic_rpc_handlers takes."""

        async def check(request: Any, context: Any) -> Any:
            status = self.status(request.service)
            if status == "SERVICE_UNKNOWN":
                await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service {request.service!r} here.")
            return _response(status)

        forms = {"request_deserializer": HealthCheckRequest.FromString, "response_serializer": _serialise}
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Check": grpc.unary_unary_rpc_method_handler(check, **forms),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch, **forms),
            },
        )

    async def _watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if self._watches >= _MOST_WATCHES:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{_MOST_WATCHES} watches run already. Use Check.")
        self._watches += 1
        try:
            told = None
            while True:
                # In this order, so that the last word of a server that stops is told.
                stopping = self._stopping.is_set()
                if (status := self.status(request.service)) != told:
                    yield _response(status)
                    told = status
                if stopping:
                    return
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._watches -= 1


def _response(status: str) -> Any:
    return HealthCheckResponse(status=STATUSES[status])


def _serialise(response: Any) -> bytes:
    return bytes(response.SerializeToString())


def ask_state(target: str, model_name: str, timeout: float, credentials: Any = None, token: str | None = None) -> str:
    """What a server says of itself: the name of a status of `STATUSES`.

    A server without the service, as TensorFlow Serving is, serves where a version of the model is AVAILABLE.

    Args:
        target: "host:port" of the gRPC port.
        model_name: As the server names the model.
        timeout: In seconds, for each of the two questions.
        credentials: As for `serving.client.RecommenderClient`.
        token: As there.

    Raises:
        serving.errors.ServingError: There is no answer.
        OSError, ValueError: As `serving.connection.Connection.open`.
    """
    with RecommenderClient(target, model_name, timeout, credentials=credentials, token=token) as client:
        try:
            return _NAMES.get(client.call(CHECK, HealthCheckRequest(), HealthCheckResponse).status, "UNKNOWN")
        except errors.UnimplementedError:
            serving = any(version.state == "AVAILABLE" for version in client.status())
            return "SERVING" if serving else "NOT_SERVING"
