"""The body of a request: read in bounded time and memory."""

import asyncio
import zlib
from typing import Final

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request

from serving import errors
from serving.calls import CANCELLED, DEADLINE_EXCEEDED
from serving.settings import RestSettings

_PLAIN: Final = ("", "identity")
_GZIP: Final = ("gzip", "x-gzip")
# What tells zlib to look for gzip's header.
_GZIP_BITS: Final = 31
# Of a longer one a thousand times as much may come, for which other requests are not to wait.
_SHORT_BYTES: Final = 1024
# Statuses that say more than the code of the fault, by its reason.
_TOO_LONG, _TOO_SLOW, _ENCODED = "too-long", "too-slow", "encoded"
_STATUSES: Final = {_TOO_LONG: 413, _TOO_SLOW: 408, _ENCODED: 415}


async def read_body(request: Request, settings: RestSettings) -> bytes:
    """The body of a request, unpacked if it came in gzip, as TensorFlow Serving takes it too.

    Raises:
        RequestFault: It is longer than `max_body_bytes`, packed or not, or takes longer than `timeout_seconds`; it is
            packed otherwise, or broken; the client goes away, or the server stops. See `status_of`.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in (*_PLAIN, *_GZIP):
        msg = f"A body may be plain or in gzip. Received: `Content-Encoding: {encoding[:60]}`."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg, _ENCODED)
    try:
        with anyio.fail_after(settings.timeout_seconds):
            content = await _received(request, settings.max_body_bytes)
        if encoding in _GZIP:
            content = await _unpacked(content, settings.max_body_bytes)
    except TimeoutError as error:
        msg = f"The body did not come within {settings.timeout_seconds:g} s (`rest.timeout_seconds`)."
        raise errors.RequestFault(DEADLINE_EXCEEDED, msg, _TOO_SLOW) from error
    except ClientDisconnect as error:
        msg = "The client went away before it had sent its request."
        raise errors.RequestFault(CANCELLED, msg) from error
    except asyncio.CancelledError as error:
        msg = "The server stopped before the request was there."
        raise errors.RequestFault(CANCELLED, msg) from error
    return content


def status_of(fault: errors.RequestFault, status: int) -> int:
    """The status that tells of a body more than that of the code."""
    return _STATUSES.get(fault.reason, status)


def is_left(fault: errors.RequestFault) -> bool:
    """Whether a part of the body is still to come, so that the connection is of no more use."""
    return fault.reason in _STATUSES


async def _received(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_long(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_long(most)
        parts.append(part)
    return b"".join(parts)


async def _unpacked(content: bytes, most: int) -> bytes:
    return _unpack(content, most) if len(content) < _SHORT_BYTES else await to_thread.run_sync(_unpack, content, most)


def _unpack(content: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_BITS)
    try:
        found = unpacking.decompress(content, most + 1)
    except zlib.error as error:
        msg = f"The body is not gzip, as its `Content-Encoding` says: {error}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg) from error
    if len(found) > most:
        raise _too_long(most)
    if not unpacking.eof or unpacking.unused_data:
        msg = "The body in gzip is cut off, or something comes after it."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    return found


def _too_long(most: int) -> errors.RequestFault:
    msg = f"The body is longer than {most} bytes (`rest.max_body_bytes`). Send fewer rows at a time."
    return errors.RequestFault(errors.INVALID_ARGUMENT, msg, _TOO_LONG)
