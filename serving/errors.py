"""What can go wrong with a call: what the server answers instead of a result, and what the client makes of it."""

import os
from typing import Any, Final

from serving import wire

# Names of the gRPC status codes that the server answers with on purpose.
INVALID_ARGUMENT: Final = "INVALID_ARGUMENT"
NOT_FOUND: Final = "NOT_FOUND"
FAILED_PRECONDITION: Final = "FAILED_PRECONDITION"
UNAVAILABLE: Final = "UNAVAILABLE"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"

# An error may quote what was asked. gRPC sends it in a header, and by default takes 8 KiB of headers.
DETAILS_LENGTH: Final = 2000

# What gRPC says of a handshake that failed, and what it means.
_HANDSHAKES: Final = (
    ("CERTIFICATE_VERIFY_FAILED", "the client does not trust the server's certificate. Name what signed it (`ca`)."),
    ("not in peer certificate", "the server's certificate bears another name. Call it by one that it bears."),
    ("Hostname Verification", "the server's certificate bears another name. Call it by one that it bears."),
    ("WRONG_VERSION_NUMBER", "the server speaks without TLS. Ask without certificates, or start it with them."),
    ("SSL_ERROR", "the handshake failed."),
)
_CLOSED: Final = ("Socket closed", "Connection reset by peer", "Broken pipe")


class RequestFault(Exception):  # noqa: N818 - the errors of this module are the client's
    """Raised inside the server: the status that a request is answered with.

    Args:
        code: Name of a gRPC status code.
        details: For the reader of the answer.
        reason: Sent as `wire.REASON_KEY` where the code alone is ambiguous.
    """

    def __init__(self, code: str, details: str, reason: str = "") -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.reason = reason


class ServerStartError(OSError):
    """The server cannot listen on its address."""


class ServerDiedError(RuntimeError):
    """A part of a running server ended by itself, and the rest of it was stopped."""


class ServingError(RuntimeError):
    """A call that the server did not answer with a result. The subclasses say why."""


class ServerUnreachableError(ServingError):
    """Nothing answers at the address."""


class CertificateError(ServerUnreachableError):
    """The two sides do not trust each other's certificate, or one of them speaks without TLS."""


class UnauthenticatedError(ServingError):
    """The server asks for a token, and was given none or one that it does not know."""


class NotPermittedError(ServingError):
    """The server, or what stands before it, knows who asks and does not let them."""


class NoVersionError(ServingError):
    """The server is there but has no model version loaded yet."""


class ModelNotFoundError(ServingError):
    """The server does not serve a model of this name, or not this version of it."""


class InvalidRequestError(ServingError):
    """The server refused the request; the message names the input."""


class DeadlineError(ServingError):
    """No answer within the time limit."""


class ServerBusyError(ServingError):
    """The server runs as many calls as it takes, and refused this one at once."""


class InterruptedCallError(ServingError):
    """The server stopped, or was told to, while it answered."""


class ForkedClientError(ServingError):
    """The client was made in another process, whose connection this one cannot use."""


class UnimplementedError(ServingError):
    """The server does not have this method."""


class UnexpectedAnswerError(ServingError):
    """The answer does not hold what the SavedModel contract says (docs/reference/signatures.md)."""


def require_process(process: int, target: str) -> None:
    """Refuses a call in another process than the client's own.

    Raises:
        ForkedClientError: The threads of a connection do not come along in a fork: the call would wait for an answer
            that nobody reads.
    """
    if os.getpid() != process:
        msg = (
            f"This client of {target} was made in process {process}, and this is its fork {os.getpid()}. Make a "
            "client after the fork, in each process."
        )
        raise ForkedClientError(msg)


def translate(error: Any, target: str, model_name: str, timeout: float) -> ServingError:
    """The exception that tells a reader what `error`, a grpc.RpcError of a call, means."""
    code, details = error.code().name, error.details()
    if code == UNAVAILABLE:
        # Not dict(...), which takes asyncio's pairs for keys.
        metadata = {key: value for key, value in error.trailing_metadata() or ()}  # noqa: C416
        if metadata.get(wire.REASON_KEY) == wire.REASON_NO_VERSION:
            return NoVersionError(f"{target}: {details}")
        if trouble := _trouble_with_tls(str(details)):
            return CertificateError(f"No secure connection to {target}: {trouble} gRPC says: {details}")
        msg = (
            f"No server answers at {target}. Start one with `pnfrec serve --base FOLDER --port PORT`, or name the "
            f"address of another. gRPC says: {details}"
        )
        return ServerUnreachableError(msg)
    if code == NOT_FOUND:
        msg = (
            f"{target} does not serve this model or version. Asked for: {model_name!r}. The server says: {details}. "
            "Check the model name (`pnfrec serve --model-name`) and the version."
        )
        return ModelNotFoundError(msg)
    if code == "DEADLINE_EXCEEDED":
        msg = (
            f"{target} gave no answer within {timeout:g} s. Raise the time limit, or look at the server's load and log."
        )
        return DeadlineError(msg)
    if code in (INVALID_ARGUMENT, FAILED_PRECONDITION, "OUT_OF_RANGE"):
        return InvalidRequestError(f"{target} refused the request: {details}")
    if code == "RESOURCE_EXHAUSTED":
        msg = (
            f"{target} is busy, or the message is too large: {details}. Ask again a little later, send fewer calls at "
            "a time, or start the server with a larger `--max-concurrent`."
        )
        return ServerBusyError(msg)
    if code == UNAUTHENTICATED:
        msg = f"{target} does not know who asks: {details}. Give the client a token that the server knows (`token`, "
        return UnauthenticatedError(f"{msg}`--token-file`).")
    if code == "PERMISSION_DENIED":
        msg = f"{target} does not let this client in: {details}. Ask whoever runs the server, or the proxy before it."
        return NotPermittedError(msg)
    if code == "UNIMPLEMENTED":
        return UnimplementedError(f"{target} does not have this method: {details}")
    if code == "CANCELLED":
        msg = f"{target} stopped while it answered: {details}. Ask again; another server may answer."
        return InterruptedCallError(msg)
    return ServingError(f"{target} failed with {code}: {details}")


def _trouble_with_tls(details: str) -> str:
    """What is wrong with the secure connection; "" where gRPC says nothing of one."""
    if meaning := next((meaning for sign, meaning in _HANDSHAKES if sign in details), ""):
        return meaning
    # Somebody took the connection and closed it at once: each side learns of the other's refusal in this way only.
    if details.startswith("failed to connect") and any(sign in details for sign in _CLOSED):
        return (
            "who listens there closed the connection at once. If it asks for TLS, connect with it (`credentials`, "
            "`--tls`); if it asks for a certificate of the client, give one that it trusts (`cert` and `key`)."
        )
    return ""
