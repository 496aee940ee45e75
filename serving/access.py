"""Who is let in: tokens of a file, looked at before a request is read."""

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import grpc

from serving.connection import AUTHORIZATION, read_tokens
from serving.errors import ServerStartError
from serving.file_changes import Followed

logger = logging.getLogger(__name__)

_SCHEME: Final = "bearer "
MISSING: Final = "this server asks for a token: send `authorization: Bearer TOKEN`"
UNKNOWN: Final = "the token is not one that this server knows"


class Tokens:
    """The tokens of a file, any of which lets a client in: two at a time make a change without a gap.

    The file is looked at again with each call, and read where it changed; a file that cannot be read then leaves the
    tokens as they are. No token is ever logged.

    Args:
        path: One token a line; `#` begins a remark.

    Raises:
        ServerStartError: The file cannot be read, or holds no token.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            self._digests = Followed([path], lambda: _digests(read_tokens(path)), "The tokens stay as they were")
            if self._path.stat().st_mode & 0o007:
                logger.warning("Every user of this machine may read the tokens of %s: `chmod o= %s`.", path, path)
        except (OSError, ValueError) as error:
            msg = f"The server cannot use `token_file`: {error}"
            raise ServerStartError(msg) from error

    def refusal(self, header: str | bytes | None) -> str | None:
        """Why a call is not let in; None where it is.

        Args:
            header: The value of `authorization`; None where there is none.
        """
        if self._digests.refresh():
            logger.info("Read %d tokens anew from %s.", len(self._digests.held), self._path)
        if isinstance(header, bytes):
            header = header.decode("latin-1")
        if header is None or header[: len(_SCHEME)].lower() != _SCHEME:
            return MISSING
        (given,) = _digests([header[len(_SCHEME) :].strip()])
        # All are compared, and each in constant time, so that the time tells nothing about any of them.
        known = [hmac.compare_digest(given, digest) for digest in self._digests.held]
        return None if any(known) else UNKNOWN


class LetIn(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Methods of gRPC for those who have a token: others are refused, UNAUTHENTICATED, and their message is not read.

    Args:
        handler: Whose methods.
        tokens: Who is let in.
    """

    def __init__(self, handler: Any, tokens: Tokens) -> None:
        self._handler = handler
        self._tokens = tokens

    def service(self, details: Any) -> Any:
        """What answers the call: its own handler, or a refusal."""
        handler = self._handler.service(details)
        if handler is None:
            return None
        why = self._tokens.refusal(header_of(details.invocation_metadata, AUTHORIZATION))
        return handler if why is None else refusing(grpc.StatusCode.UNAUTHENTICATED, why)


def header_of(metadata: Iterable[Any], name: str) -> Any:
    """The value of a header; None where there is none."""
    return next((value for key, value in metadata if key == name), None)


def refusing(code: Any, details: str, told: Callable[[], None] = lambda: None) -> Any:
    """A handler that answers a call of one answer, or of a stream, with a status. What was sent is not read.

    Args:
        code: The grpc.StatusCode.
        details: The text beside it.
        told: Is called before.
    """

    async def refuse(_: Any, context: Any) -> None:
        told()
        await context.abort(code, details)

    # As if a stream were asked for, of which nothing is taken: gRPC would read a single message before it calls.
    return grpc.stream_stream_rpc_method_handler(refuse)


def _digests(tokens: Iterable[str]) -> list[bytes]:
    # Of one length, so that a comparison tells no length either.
    return [hashlib.sha256(token.encode("latin-1", "replace")).digest() for token in tokens]
