"""The answers to TensorFlow Serving's three methods, over a `VersionWatcher`."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

from pnfrec_core import schema
from serving import batching, errors, observe, wire
from serving.answers import Prediction
from serving.calls import Call
from serving.jobs import Told
from serving.limits import Limits
from serving.slots import Slot
from serving.versions import VersionWatcher

# Threads beyond those of the calls that may run, since a call that was given up may still hold one.
_SPARE_THREADS = 16


class ModelServices:
    """PredictionService (Predict, GetModelMetadata) and ModelService (GetModelStatus) of one model or several.

    Status codes and the wording of the common errors follow TensorFlow Serving, since clients test for both. Its other
    methods answer UNIMPLEMENTED.

    Args:
        models: What follows the versions of each, by the name of the model.
        limits: What is taken at once.
        observer: Is told of calls that are refused.
        workers: How many `threads`, if more than the `max_concurrent` of `limits`.

    Attributes:
        threads: For calls that wait in a thread.
    """

    def __init__(
        self,
        models: Mapping[str, VersionWatcher],
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        observer: observe.Observer = observe.NoObserver(),  # noqa: B008 (without a state)
        workers: int | None = None,
    ) -> None:
        self._models = models
        self._limits = limits
        self._observer = observer
        self._running = 0
        self._lock = threading.Lock()
        self.threads = futures.ThreadPoolExecutor(
            max(workers or 0, limits.max_concurrent) + _SPARE_THREADS, "pnfrec-calls"
        )
        # Others, since each of those may wait for one of these.
        self._of_servables = futures.ThreadPoolExecutor(limits.max_concurrent, "pnfrec-calls-servable")

    def close(self) -> None:
        """Ends the threads, once no call comes any more."""
        self.threads.shutdown(wait=False)
        self._of_servables.shutdown(wait=False)

    def refusal(self, full: bool = False) -> errors.RequestFault | None:
        """What a prediction is answered with now, whatever it asks; None while there is a place for it.

        Args:
            full: Whether more calls wait than the server takes, of which it knows nothing else yet.
        """
        if not full and self._running < self._limits.max_concurrent:
            return None
        self._observer.on_refused(observe.TOO_MANY_CALLS)
        msg = f"{self._limits.max_concurrent} calls run or wait, which is all that this server takes "
        msg += "(`--max-concurrent`). Ask again a little later."
        return errors.RequestFault(batching.RESOURCE_EXHAUSTED, msg)

    def predict(self, request: Any, call: Call = Call()) -> Any:  # noqa: B008 (waits for ever)
        """The PredictResponse to a PredictRequest.

        Args:
            request: A `wire.PredictRequest`.
            call: Until when an answer is wanted.

        Raises:
            RequestFault: What the call is answered with instead.
        """
        with self._place(), self._lease(request, call) as (version, servable):
            self._check(servable, request)
            signature_name = request.model_spec.signature_name
            outputs = servable.predict(signature_name, request.inputs, request.output_filter, call)
        return _response(request, version, outputs)

    def begin(self, request: Any, call: Call, told: Told) -> "Begun":
        """As `predict`, but returns at once; `told` learns, from another thread, when the answer is there.

        Then, and not before, `Begun.close` has to be called, whether or not the answer is still wanted.
        """
        self._take_place()
        try:
            versions, slot = self._take_version(request, call)
        except BaseException:
            self._leave_place()
            raise

        def close() -> None:
            versions.give_back(slot)
            self._leave_place()

        begun = Begun(request, slot.version, close)
        try:
            self._check(slot.servable, request)
            begin = getattr(slot.servable, "begin", None) or self._in_thread(slot.servable)
            spec = request.model_spec
            begun.waits = begin(spec.signature_name, request.inputs, request.output_filter, call, told)
        except BaseException:
            begun.close()
            raise
        return begun

    def answer(self, request: Any, call: Call) -> tuple[bytes, Any]:
        """What `Begun.answer` gives, for a caller that waits in its thread."""
        ended = threading.Event()
        begun = self.begin(request, call, Told(lambda _: ended.set(), None))
        ended.wait()
        begun.close()
        return begun.answer()

    def _check(self, servable: Any, request: Any) -> None:
        """Raises a RequestFault for a request beyond the limits, unless the servable does where it reads it."""
        if not getattr(servable, "checks_inputs", False):
            self._limits.check_inputs(request.inputs)

    def _in_thread(self, servable: Any) -> Any:
        """The `begin` of a servable that has none."""

        def begin(*arguments: Any) -> Any:
            *asked, told = arguments
            future = self._of_servables.submit(servable.predict, *asked)
            future.add_done_callback(lambda _: told.post([told.token]))
            return _Thread(future)

        return begin

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
        self._take_place()
        try:
            yield
        finally:
            self._leave_place()

    def _take_place(self) -> None:
        with self._lock:
            if (fault := self.refusal()) is not None:
                raise fault
            self._running += 1

    def _leave_place(self) -> None:
        with self._lock:
            self._running -= 1

    @contextlib.contextmanager
    def _lease(self, request: Any, call: Call) -> Iterator[tuple[int, Any]]:
        versions, slot = self._take_version(request, call)
        try:
            yield slot.version, slot.servable
        finally:
            versions.give_back(slot)

    def _take_version(self, request: Any, call: Call) -> tuple[VersionWatcher, Slot]:
        _require_model_spec(request)
        spec = request.model_spec
        version = int(spec.version.value) if spec.HasField("version") else None
        versions = self._models.get(spec.name)
        if versions is None:
            wanted = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            raise errors.RequestFault(errors.NOT_FOUND, f"Servable not found for request: {wanted}")
        return versions, versions.take(spec.name, version, spec.version_label, call.user_key)


class Begun:
    """A prediction that waits for the model, or has its answer.

    Args:
        request: What was asked.
        version: Which version answers.
        close: Gives back what the call holds: its place, and the version.
    """

    def __init__(self, request: Any, version: int, close: Callable[[], None]) -> None:
        self._request = request
        self._version = version
        self.close = close
        self.waits: Any = None

    @property
    def places(self) -> int:
        """How many items the lists of the answer have room for; 0 where that cannot be told."""
        return int(getattr(self.waits, "places", 0))

    def answer(self) -> tuple[bytes, Any]:
        """The answer as it is sent, and what a `CallRecord` takes for it; raises as `ModelServices.predict`."""
        answer = self.waits.answer(self._request, self._version)
        return answer.content if isinstance(answer, Prediction) else answer.SerializeToString(), answer


class _Thread:
    """The answer of a servable that answers in a thread."""

    def __init__(self, future: "futures.Future[Any]") -> None:
        self._future = future

    def answer(self, request: Any, version: int) -> Any:
        return _response(request, version, self._future.result())


def _response(request: Any, version: int, outputs: Mapping[str, Any]) -> Any:
    asked, response = request.model_spec, wire.PredictResponse()
    spec = response.model_spec
    spec.name, spec.signature_name = asked.name, asked.signature_name or schema.SERVING_SIGNATURE
    spec.version.value = version
    for name, proto in outputs.items():
        response.outputs[name].CopyFrom(proto)
    return response


def _require_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise errors.RequestFault(errors.INVALID_ARGUMENT, "Missing ModelSpec")
