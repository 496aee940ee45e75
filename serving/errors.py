"""What can go wrong with a call: what the server answers instead of a result, and what the client makes of it."""

from typing import Any, Final

from serving import wire

# Names of the gRPC status codes that the server answers with on purpose.
INVALID_ARGUMENT: Final = "INVALID_ARGUMENT"
NOT_FOUND: Final = "NOT_FOUND"
FAILED_PRECONDITION: Final = "FAILED_PRECONDITION"
UNAVAILABLE: Final = "UNAVAILABLE"


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


class ServingError(RuntimeError):
    """A call that the server did not answer with a result. The subclasses say why."""


class ServerUnreachableError(ServingError):
    """Nothing answers at the address."""


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


class UnexpectedAnswerError(ServingError):
    """The answer does not hold what the SavedModel contract says (docs/reference/signatures.md)."""


def translate(error: Any, target: str, model_name: str, timeout: float) -> ServingError:
    """The exception that tells a reader what `error`, a grpc.RpcError of a call, means."""
    code, details = error.code().name, error.details()
    if code == UNAVAILABLE:
        metadata = dict(error.trailing_metadata() or ())
        if metadata.get(wire.REASON_KEY) == wire.REASON_NO_VERSION:
            return NoVersionError(f"{target}: {details}")
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
    if code == "CANCELLED":
        msg = f"{target} stopped while it answered: {details}. Ask again; another server may answer."
        return InterruptedCallError(msg)
    return ServingError(f"{target} failed with {code}: {details}")
