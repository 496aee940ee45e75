"""A call that came over HTTP, answered by the same object as those of gRPC, and told to the same watchers."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

from pnfrec_core import schema
from pnfrec_core.model_marks import CANARY, STABLE
from serving import errors, wire
from serving.calls import Call
from serving.records import METHODS, OK, REST, CallRecord, Watcher
from serving.rest import forms

logger = logging.getLogger(__name__)

# gRPC's codes as HTTP tells them.
STATUSES: Final = {
    OK: 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 503,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
INTERNAL: Final = 500
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_MOST_VERSION: Final = 2**63 - 1


class Calls:
    """The methods of the model for HTTP.

    Args:
        services: `serving.service.ModelServices`.
        watcher: Is told of each call.
    """

    def __init__(self, services: Any, watcher: Watcher) -> None:
        self._services = services
        self._watcher = watcher
        self._signatures: tuple[bytes, Any] = (b"", wire.SignatureDefMap())

    def predict(self, spec: Any, content: bytes, request_id: str, call: Call) -> tuple[int, dict[str, Any]]:
        """Status and document of a prediction."""
        request = wire.PredictRequest()

        def ask() -> Any:
            body = forms.Body(content)
            request.model_spec.CopyFrom(spec)
            request.model_spec.signature_name = body.signature
            found = self._signatures_of(spec, call).signature_def
            name = body.signature or schema.SERVING_SIGNATURE
            if name in found:
                body.fill(request, found[name])
            # Without the signature the request goes on as it is: the answer says which there are.
            response = self._services.predict(request, call)
            return response, forms.answer(body.form, response.outputs)

        return self._told(wire.PREDICT, request, request_id, ask, spec.name)

    def ranked(self, spec: Any, request: Any, request_id: str, call: Call) -> tuple[int, dict[str, Any], Any]:
        """Status, document of a failure, and the PredictResponse to a request that was made here, None if it failed."""
        request.model_spec.MergeFrom(spec)
        answers: list[Any] = []

        def ask() -> Any:
            answers.append(self._services.predict(request, call))
            return answers[0], {}

        status, document = self._told(wire.PREDICT, request, request_id, ask, spec.name)
        return status, document, answers[0] if answers else None

    def has_signature(self, spec: Any, name: str) -> bool:
        """Whether the version that a ModelSpec asks for has a signature; False while it is not loaded."""
        try:
            return name in self._signatures_of(spec).signature_def
        except errors.RequestFault:
            return False

    def labels(self, model_name: str) -> dict[str, int | None]:
        """The version of the labels `stable` and `canary`, where they are set; None where that version is not there."""
        found: dict[str, int | None] = {}
        for label in (STABLE, CANARY):
            request = wire.GetModelStatusRequest(model_spec=wire.model_spec(model_name, label=label))
            try:
                found[label] = int(self._services.status(request).model_version_status[0].version)
            except errors.RequestFault as fault:
                if fault.code == errors.NOT_FOUND:
                    found[label] = None
        return found

    def metadata(self, spec: Any, request_id: str) -> tuple[int, dict[str, Any]]:
        """Status and document of the signatures."""
        request = _metadata_request(spec)

        def ask() -> Any:
            response = self._services.metadata(request)
            found = response.model_spec
            named = {"name": found.name, "signature_name": found.signature_name, "version": str(found.version.value)}
            document = {"signature_def": forms.signatures(self._parsed(response))}
            return response, {"model_spec": named, "metadata": document}

        return self._told(wire.GET_MODEL_METADATA, request, request_id, ask, spec.name)

    def status(self, spec: Any, request_id: str) -> tuple[int, dict[str, Any]]:
        """Status and document of the versions, the newest first."""
        request = wire.GetModelStatusRequest(model_spec=spec)

        def ask() -> Any:
            response = self._services.status(request)
            rows = [
                {
                    "version": str(row.version),
                    "state": wire.state_name(row.state),
                    "status": {
                        "error_code": wire.code_name(row.status.error_code),
                        "error_message": row.status.error_message,
                    },
                }
                for row in response.model_version_status
            ]
            return response, {"model_version_status": rows}

        return self._told(wire.GET_MODEL_STATUS, request, request_id, ask, spec.name)

    def refused(
        self, code: str, text: str, request_id: str, model: str = "", method: str = wire.PREDICT
    ) -> tuple[int, dict[str, Any]]:
        """Status and document of a call that is not looked at; `model` as its path names it."""

        def refuse() -> Any:
            raise errors.RequestFault(code, text)

        return self._told(method, None, request_id, refuse, model)

    def busy(self, request_id: str, model: str) -> tuple[int, dict[str, Any]]:
        """Status and document of a call for which there is no place."""
        fault = self._services.refusal(full=True)
        return self.refused(fault.code, fault.details, request_id, model)

    def _told(
        self, path: str, request: Any, request_id: str, ask: Callable[[], Any], model: str
    ) -> tuple[int, dict[str, Any]]:
        began = time.perf_counter()
        response, code = None, OK
        try:
            response, document = ask()
        except errors.RequestFault as fault:
            code, document = fault.code, {"error": fault.details[: errors.DETAILS_LENGTH]}
        except Exception as error:
            code, document = "INTERNAL", {"error": f"{type(error).__name__}: {error}"}
            logger.exception("A request failed.")
        seconds = time.perf_counter() - began
        # A body that is none leaves the request as it was made.
        read = request if request is not None and request.HasField("model_spec") else None
        self._watcher.on_call(CallRecord(REST, request_id, METHODS[path], code, seconds, read, response, model))
        return STATUSES.get(code, INTERNAL), document

    def _signatures_of(self, spec: Any, call: Call = Call()) -> Any:  # noqa: B008 (waits for ever)
        return self._parsed(self._services.metadata(_metadata_request(spec), call))

    def _parsed(self, response: Any) -> Any:
        """The SignatureDefMap of a GetModelMetadataResponse; read once a version."""
        packed = response.metadata[wire.SIGNATURE_DEF_FIELD].value
        known, found = self._signatures
        if packed != known:
            found = wire.SignatureDefMap.FromString(packed)
            self._signatures = packed, found
        return found


def spec_of(name: str, version: str | None, label: str | None) -> Any:
    """The ModelSpec of a path.

    Raises:
        RequestFault: INVALID_ARGUMENT: the version is no number.
    """
    if version is not None and (not _NUMBER.fullmatch(version) or int(version) > _MOST_VERSION):
        msg = f"A version is a number in the digits 0 to 9. Received: {version[:60]!r}."
        raise forms.fault(msg)
    return wire.model_spec(name, None if version is None else int(version), label=label)


def _metadata_request(spec: Any) -> Any:
    return wire.GetModelMetadataRequest(model_spec=spec, metadata_field=[wire.SIGNATURE_DEF_FIELD])
