"""The answers to TensorFlow Serving's three methods, over a `VersionWatcher`."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
from google.protobuf import message

from pnfrec_core import schema
from serving import batching, errors, observe, wire
from serving.calls import Call
from serving.limits import Limits
from serving.quiet import Quiet
from serving.versions import VersionWatcher

logger = logging.getLogger(__name__)

# gRPC sends the text in a header, and by default takes 8 KiB of headers.
_DETAILS_LENGTH = 2000


class ModelServices:
    """PredictionService (Predict, GetModelMetadata) and ModelService (GetModelStatus) of one model or several.

    Status codes and the wording of the common errors follow TensorFlow Serving, since clients test for both. Its other
    methods answer UNIMPLEMENTED.
    """

    def __init__(
        self,
        models: Mapping[str, VersionWatcher],
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        observer: observe.Observer = observe.NoObserver(),  # noqa: B008 (without a state)
    ) -> None:
        self._models = models
        self._limits = limits
        self._observer = observer
        self._running = 0
        self._lock = threading.Lock()
        self._malformed = Quiet(logger)

    def handlers(self) -> list[Any]:
        """What grpc.Server.add_generic_rpc_handlers takes."""
        methods = {
            wire.PREDICT: (self.predict, wire.PredictRequest, wire.PredictResponse),
            wire.GET_MODEL_METADATA: (
                self.metadata,
                wire.GetModelMetadataRequest,
                wire.GetModelMetadataResponse,
            ),
            wire.GET_MODEL_STATUS: (
                lambda request, _: self.status(request),
                wire.GetModelStatusRequest,
                wire.GetModelStatusResponse,
            ),
        }
        by_service: dict[str, dict[str, Any]] = {}
        for path, (answer, request, response) in methods.items():
            _, service, method = path.split("/")
            by_service.setdefault(service, {})[method] = grpc.unary_unary_rpc_method_handler(
                self._guarded(answer),
                request_deserializer=self._parser(request),
                response_serializer=response.SerializeToString,
            )
        return [grpc.method_handlers_generic_handler(service, found) for service, found in by_service.items()]

    def predict(self, request: Any, call: Call = Call()) -> Any:  # noqa: B008 (waits for ever)
        """The PredictResponse to a PredictRequest.

        Args:
            request: A `wire.PredictRequest`.
            call: Until when an answer is wanted.

        Raises:
            RequestFault: What the call is answered with instead.
        """
        self._limits.check_inputs(request.inputs)
        with self._place(), self._lease(request, call) as (version, servable):
            signature_name = request.model_spec.signature_name
            outputs = servable.predict(signature_name, request.inputs, request.output_filter, call)
        response = wire.PredictResponse()
        spec, found = response.model_spec, response.outputs
        spec.name, spec.signature_name = request.model_spec.name, signature_name or schema.SERVING_SIGNATURE
        spec.version.value = version
        for name, proto in outputs.items():
            found[name].CopyFrom(proto)
        return response

    def metadata(self, request: Any, call: Call = Call()) -> Any:  # noqa: B008 (waits for ever)
        """The GetModelMetadataResponse to a GetModelMetadataRequest; arguments and errors as of `predict`."""
        _require_model_spec(request)
        if not request.metadata_field:
            msg = "GetModelMetadataRequest must specify at least one metadata_field"
            raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
        for field in request.metadata_field:
            if field != wire.SIGNATURE_DEF_FIELD:
                raise errors.RequestFault(errors.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
        with self._lease(request, call) as (version, servable):
            signatures = servable.signatures
        response = wire.GetModelMetadataResponse(model_spec=wire.model_spec(request.model_spec.name, version))
        packed = response.metadata[wire.SIGNATURE_DEF_FIELD]
        packed.type_url, packed.value = wire.pack_signatures(signatures)
        return response

    def status(self, request: Any) -> Any:
        _require_model_spec(request)
        spec = request.model_spec
        versions = self._models.get(spec.name)
        if versions is None:
            raise errors.RequestFault(errors.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        states = versions.states()
        if spec.HasField("version") or spec.version_label:
            label = spec.version_label
            version = versions.version_of(label) if label else spec.version.value
            states = [state for state in states if state.version == version]
            if not states:
                msg = f"Could not find version {version} of model {spec.name}"
                raise errors.RequestFault(errors.NOT_FOUND, msg)
        elif not states:
            msg = f"No version of model {spec.name} has arrived yet in {versions.base}."
            raise errors.RequestFault(errors.UNAVAILABLE, msg, wire.REASON_NO_VERSION)
        response = wire.GetModelStatusResponse()
        for state in states:
            row = response.model_version_status.add(version=state.version, state=wire.STATE_NUMBERS[state.state])
            # Set even when all is well: TensorFlow Serving always sends a status.
            row.status.error_code = wire.CODE_NUMBERS[state.error_code]
            row.status.error_message = state.error
        return response

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """One of the calls that may run or wait. Probes and metadata need none: a busy server answers them."""
        with self._lock:
            full = self._running >= self._limits.max_concurrent
            self._running += not full
        if full:
            self._observer.on_refused(observe.TOO_MANY_CALLS)
            msg = f"{self._limits.max_concurrent} calls run or wait, which is all that this server takes "
            msg += "(`--max-concurrent`). Ask again a little later."
            raise errors.RequestFault(batching.RESOURCE_EXHAUSTED, msg)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    @contextlib.contextmanager
    def _lease(self, request: Any, call: Call) -> Iterator[tuple[int, Any]]:
        _require_model_spec(request)
        spec = request.model_spec
        version = int(spec.version.value) if spec.HasField("version") else None
        versions = self._models.get(spec.name)
        if versions is None:
            wanted = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            raise errors.RequestFault(errors.NOT_FOUND, f"Servable not found for request: {wanted}")
        with versions.lease(spec.name, version, spec.version_label, call.user_key) as leased:
            yield leased

    def _parser(self, request: Any) -> Callable[[bytes], Any]:
        """Parses a message, or makes the fault that says why not: gRPC would log a traceback a message."""

        def parse(content: bytes) -> Any:
            try:
                return request.FromString(content)
            except message.DecodeError as error:
                self._observer.on_refused(observe.MALFORMED)
                name = request.DESCRIPTOR.name
                self._malformed.warning("A message of %d bytes is no %s: %s.", len(content), name, error)
                return errors.RequestFault(errors.INVALID_ARGUMENT, f"The message is no {name}: {error}.")

        return parse

    def _guarded(self, answer: Callable[[Any, Call], Any]) -> Callable[[Any, Any], Any]:
        """Turns an errors.RequestFault into its status, any other exception into INTERNAL with a line in the log."""

        def handle(request: Any, context: Any) -> Any:
            try:
                if isinstance(request, errors.RequestFault):
                    raise request
                return answer(request, Call.of(context))
            except errors.RequestFault as fault:
                if fault.reason:
                    context.set_trailing_metadata(((wire.REASON_KEY, fault.reason),))
                context.abort(grpc.StatusCode[fault.code], _details(fault.details))
            except Exception as error:
                logger.exception("A request failed.")
                context.abort(grpc.StatusCode.INTERNAL, _details(f"{type(error).__name__}: {error}"))
            return None

        return handle


def _require_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise errors.RequestFault(errors.INVALID_ARGUMENT, "Missing ModelSpec")


def _details(text: str) -> str:
    """As gRPC can send it: half characters, as of a request that is no UTF-8, would make it fail."""
    return text.encode("utf-8", "replace").decode()[:_DETAILS_LENGTH]
