"""The methods of the model over gRPC, in the event loop of its server.

A call holds no thread while it waits: what a run of the model has answered is told to the loop at once, and answered
there. Messages are read and written here too, but for large ones, which would let all others wait.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf import message

from serving import errors, observe, wire
from serving.access import Tokens, refusing
from serving.backlog import Backlog
from serving.calls import CANCELLED, DEADLINE_EXCEEDED, Call
from serving.connection import AUTHORIZATION, REQUEST_ID, USER_KEY
from serving.jobs import Told
from serving.quiet import Quiet
from serving.records import GRPC, METHODS, OK, CallRecord, Watcher, request_id
from serving.service import Begun, ModelServices

logger = logging.getLogger(__name__)

# A message of so many bytes, some 40 histories of 50 ids, takes about a millisecond to read and another to answer.
_LARGE_BYTES: Final = 2**14
# To write an answer of so many items, and what was shown, takes about a millisecond too.
_LARGE_PLACES: Final = 2000
_INTERNAL: Final = "INTERNAL"


class _Method(NamedTuple):
    """A method: its message, and what answers one that was read: as it is sent, and as a `CallRecord` takes it."""

    request: Any
    answer: Callable[[Any, Call], tuple[bytes, Any]]


class ModelMethods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """PredictionService (Predict, GetModelMetadata) and ModelService (GetModelStatus), for a grpc.aio.Server.

    Args:
        services: Answers.
        watcher: Is told of each call, of those that are refused too.
        observer: Is told of messages that cannot be read.
        backlog: Tells whether too many calls wait before this.
        tokens: Who is let in; None lets everybody in.
    """

    def __init__(
        self,
        services: ModelServices,
        watcher: Watcher,
        observer: observe.Observer,
        backlog: Backlog,
        tokens: Tokens | None = None,
    ) -> None:
        self._services = services
        self._watcher = watcher
        self._observer = observer
        self._tokens = tokens
        self._backlog = backlog
        self._malformed = Quiet(logger)
        self._methods = {
            wire.PREDICT: _Method(wire.PredictRequest, services.answer),
            wire.GET_MODEL_METADATA: _Method(
                wire.GetModelMetadataRequest, lambda request, call: _message(services.metadata(request, call))
            ),
            wire.GET_MODEL_STATUS: _Method(
                wire.GetModelStatusRequest, lambda request, _: _message(services.status(request))
            ),
        }

    def service(self, details: Any) -> Any:
        """What answers a call; None for a method that there is not."""
        path = details.method
        if path not in self._methods:
            return None
        # Of a header that is sent twice, the first counts.
        headers = dict(reversed(details.invocation_metadata))
        record = _Record(self._watcher, METHODS[path], request_id(headers.get(REQUEST_ID)))
        if (fault := self._refusal(path, headers)) is not None:
            record.make(fault.code)
            return _refusing(fault.code, fault.details)
        user_key = headers.get(USER_KEY) or ""

        async def handle(content: bytes, context: Any) -> Any:
            return await self._handle(path, content, Call(context.time_remaining(), None, user_key), context, record)

        return grpc.unary_unary_rpc_method_handler(handle)

    def _refusal(self, path: str, headers: dict[str, Any]) -> errors.RequestFault | None:
        """Why a call is not even read; None where it is."""
        if self._tokens is not None and (why := self._tokens.refusal(headers.get(AUTHORIZATION))) is not None:
            return errors.RequestFault(errors.UNAUTHENTICATED, why)
        return self._services.refusal(self._backlog.too_long()) if path == wire.PREDICT else None

    async def _handle(self, path: str, content: bytes, call: Call, context: Any, record: "_Record") -> Any:
        """The answer. A RequestFault becomes its status, any other exception INTERNAL with a line in the log."""
        try:
            if len(content) > _LARGE_BYTES:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._services.threads, self._whole, path, content, call, record)
            if path == wire.PREDICT:
                record.request = request = self._parsed(path, content)
                return await self._predict(request, call, record)
            return self._whole(path, content, call, record)
        except errors.RequestFault as error:
            fault = error
        except asyncio.CancelledError:
            # By gRPC: the caller is gone, the deadline has passed, or the server stops.
            call.leave()
            record.make(DEADLINE_EXCEEDED if call.remaining() == 0 else CANCELLED)
            raise
        except Exception as error:
            logger.exception("A request failed.")
            fault = errors.RequestFault(_INTERNAL, f"{type(error).__name__}: {error}")
        record.make(fault.code)
        trailing = ((wire.REASON_KEY, fault.reason),) if fault.reason else ()
        return await context.abort(grpc.StatusCode[fault.code], _details(fault.details), trailing)

    async def _predict(self, request: Any, call: Call, record: "_Record") -> bytes:
        waiting = _Waiting()
        waiting.begun = begun = self._services.begin(request, call, Told(_wake_all, waiting))
        await waiting.ended
        if begun.places > _LARGE_PLACES:
            # A small message may ask for a large answer.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._services.threads, _answered, begun, record)
        return _answered(begun, record)

    def _whole(self, path: str, content: bytes, call: Call, record: "_Record") -> bytes:
        """A call from its message to its answer, in this thread, which may wait for the model."""
        record.request = request = self._parsed(path, content)
        answer, response = self._methods[path].answer(request, call)
        record.response = response
        return _sendable(answer, record)

    def _parsed(self, path: str, content: bytes) -> Any:
        kind = self._methods[path].request
        try:
            return kind.FromString(content)
        except message.DecodeError as error:
            self._observer.on_refused(observe.MALFORMED)
            name = kind.DESCRIPTOR.name
            self._malformed.warning("A message of %d bytes is no %s: %s.", len(content), name, error)
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"The message is no {name}: {error}.") from error


class _Waiting:
    """A call that waits for the model, without a thread."""

    __slots__ = ("begun", "ended")

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """The model is done with it, or its turn came too late. The caller may be gone."""
        if self.begun is not None:
            self.begun.close()
        if not self.ended.done():
            self.ended.set_result(None)


def _wake_all(ended: list[_Waiting]) -> None:
    """From the thread that ran them: one word to the loop for all."""
    ended[0].ended.get_loop().call_soon_threadsafe(_wake, ended)


def _wake(ended: list[_Waiting]) -> None:
    for waiting in ended:
        waiting.wake()


class _Record:
    """What is known of a call so far."""

    __slots__ = ("_began", "_id", "_method", "_once", "_watcher", "request", "response")

    def __init__(self, watcher: Watcher, method: str, own_id: str) -> None:
        self._watcher = watcher
        self._method = method
        self._id = own_id
        self._began = time.perf_counter()
        self._once = iter((True,))
        self.request: Any = None
        self.response: Any = None

    def make(self, code: str = OK) -> None:
        """Tells the watcher of it, once: a thread may end a call just as it is given up."""
        if next(self._once, False):
            seconds = time.perf_counter() - self._began
            response = self.response if code == OK else None
            self._watcher.on_call(CallRecord(GRPC, self._id, self._method, code, seconds, self.request, response))


@functools.lru_cache(maxsize=64)
def _refusing(code: str, details: str) -> Any:
    return refusing(grpc.StatusCode[code], details)


def _message(response: Any) -> tuple[bytes, Any]:
    return bytes(response.SerializeToString()), response


def _answered(begun: Begun, record: "_Record") -> bytes:
    """The answer of a prediction that has ended."""
    answer, record.response = begun.answer()
    return _sendable(answer, record)


def _sendable(answer: bytes, record: "_Record") -> bytes:
    """An answer, told to the watcher.

    Raises:
        RequestFault: It is longer than gRPC may send: gRPC itself would refuse it where no watcher learns of it.
    """
    if len(answer) > wire.MAX_MESSAGE_BYTES:
        msg = f"The answer has {len(answer)} bytes, and a message may have {wire.MAX_MESSAGE_BYTES}. Ask for fewer "
        msg += "rows or items at a time, or for fewer outputs (`output_filter`)."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    record.make()
    return answer


def _details(text: str) -> str:
    """As gRPC can send it: half characters, as of a request that is no UTF-8, would make it fail."""
    return text.encode("utf-8", "replace").decode()[: errors.DETAILS_LENGTH]
