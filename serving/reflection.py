"""Server reflection (grpc.reflection.v1 and v1alpha): grpcurl and the like learn services and messages from the server.

As with `health`, the messages are made here: the package grpcio-reflection reads protobuf's default pool, which the
messages of this server are kept out of (see `_protocol`).
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from serving import _protocol

PACKAGES: Final = ("grpc.reflection.v1", "grpc.reflection.v1alpha")


class Reflection:
    """Answers what there is to call, out of the pool of `_protocol`."""

    def handlers(self) -> list[Any]:
        """What grpc.Server.add_generic_rpc_handlers takes."""
        return [self._handler(package) for package in PACKAGES]

    def _handler(self, package: str) -> Any:
        request = _protocol.message_class(f"{package}.ServerReflectionRequest")
        response = _protocol.message_class(f"{package}.ServerReflectionResponse")

        async def info(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
            del context
            async for each in requests:
                yield _answer(each, response)

        method = grpc.stream_stream_rpc_method_handler(
            info, request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )
        return grpc.method_handlers_generic_handler(f"{package}.ServerReflection", {"ServerReflectionInfo": method})


def _answer(request: Any, kind: Any) -> Any:
    answer = kind(valid_host=request.host, original_request=request)
    asked = request.WhichOneof("message_request")
    if asked == "list_services":
        for name in _protocol.SERVICE_NAMES:
            answer.list_services_response.service.add(name=name)
    elif asked == "file_by_filename":
        _add_files(answer, lambda: _protocol.POOL.FindFileByName(request.file_by_filename))
    elif asked == "file_containing_symbol":
        _add_files(answer, lambda: _protocol.POOL.FindFileContainingSymbol(request.file_containing_symbol))
    else:
        # Messages in the form of proto3 have no extensions.
        _refuse(answer, grpc.StatusCode.NOT_FOUND, "There are no extensions.")
    return answer


def _add_files(answer: Any, find: Callable[[], Any]) -> None:
    """The file that is asked for, and those that it needs."""
    try:
        todo = [find()]
    except KeyError:
        _refuse(answer, grpc.StatusCode.NOT_FOUND, "There is no such file or symbol here.")
        return
    seen: dict[str, bytes] = {}
    while todo:
        file = todo.pop()
        if file.name not in seen:
            seen[file.name] = file.serialized_pb
            todo += file.dependencies
    answer.file_descriptor_response.file_descriptor_proto.extend(seen.values())


def _refuse(answer: Any, code: Any, text: str) -> None:
    answer.error_response.error_code = code.value[0]
    answer.error_response.error_message = text
