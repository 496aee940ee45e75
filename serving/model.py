"""One version of the SavedModel, in memory. The only module of this package that imports TensorFlow."""

import contextlib
import gc
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pnfrec_core import schema, versions
from serving import calls, errors, folders, jobs, requests, rows, tensors, warmup, wire
from serving.asked import Asked, Waits
from serving.batching import Batcher
from serving.limits import Limits

logger = logging.getLogger(__name__)

_SERVE_TAG: Final = "serve"
# Signatures of the file format, which answer nothing.
_INTERNAL: Final = "__"
# Warm-up goes over every width of the hash tables' work that a batch is likely to have.
_WARM_COLUMNS: Final = 64
# How many items, and the model's own weight of dislikes; of all other inputs 0 asks for nothing.
_WARM_SINGLE: Final = {schema.K: 10, schema.GAMMA: np.nan}


class LoadedModel:
    """A SavedModel in a session of its own, as TensorFlow Serving has it. Safe to use from several threads.

    A session, unlike the functions of `tf.saved_model.load`, gives all its memory back when it is closed.

    Args:
        path: The version's folder.
        version: Its number.
        batcher: What joins the calls of several threads; all versions share one.
        limits: What a request may ask for.

    Raises:
        ValueError: The SavedModel has no graph for serving, or no `serving_default` signature.
        tensorflow.errors.OpError: TensorFlow cannot read it.
        OSError: A file of it is missing.
    """

    checks_inputs: Final = True

    def __init__(
        self,
        path: Path,
        version: int,
        batcher: Batcher | None = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> None:
        self.path = path
        self.version = version
        folders.check_path(path)
        self.signatures = read_signatures(path)
        if schema.SERVING_SIGNATURE not in self.signatures.signature_def:
            names = ", ".join(sorted(self.signatures.signature_def)) or "none"
            msg = f"{path}: the SavedModel has no signature `{schema.SERVING_SIGNATURE}`. It has: {names}."
            raise ValueError(msg)
        self._limits = limits
        self._batcher = batcher or Batcher(limits)
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=_configuration(limits))
        try:
            with graph.as_default(), _no_deprecation():
                tf.compat.v1.saved_model.load(self._session, [_SERVE_TAG], str(path))
            self._served = {
                name: _Signature(self._session, signature)
                for name, signature in self.signatures.signature_def.items()
                if not name.startswith(_INTERNAL)
            }
        except BaseException:
            self._session.close()
            raise

    def close(self) -> None:
        """Gives the memory back. No call may run, nor come later."""
        self._session.close()
        self._served.clear()
        del self._session
        # The graph is in cycles, and holds memory that Python does not know of, so that it would not hurry. The server
        # has taken TensorFlow itself out of what is looked at (`serving.server`): that would be half a second.
        gc.collect()

    def warm_up(self) -> None:
        """Answers what the export put beside the model for this, and one row and a full batch of each signature.

        So the first caller waits for no graph, and a broken one never serves. These runs wait for no caller, nor does a
        caller wait for them.

        Raises:
            ValueError: A request of the file cannot be answered; the message tells which.
            RequestFault: A signature that ranks does not answer.
        """
        for served in self._served.values():
            if served.form.joins:
                for count in (1, self._limits.batch_rows):
                    served.run([_made_up(served, count)])
        for place, request in enumerate(warmup.read(self.path)):
            name = request.model_spec.signature_name or schema.SERVING_SIGNATURE
            try:
                served = self._signature(name)
                served.alone.run([requests.read_arrays(served.signature, served.form, request.inputs)])
            except errors.RequestFault as fault:
                msg = f"{warmup.file_of(self.path)}: request {place}, of the signature `{name}`, fails: {fault}"
                if name not in self._served or self._served[name].form.joins:
                    raise ValueError(msg) from fault
                logger.warning("%s", msg)

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, Any],
        output_filter: Iterable[str] = (),
        call: calls.Call = calls.Call(),  # noqa: B008 (waits for ever)
    ) -> dict[str, Any]:
        """Runs a signature, together with what other threads ask of it.

        Args:
            signature_name: "" is `serving_default`.
            inputs: Input name to `wire.TensorProto`.
            output_filter: Names of the outputs to return; none means all. All are ranked, since TensorFlow would take
                most of a second to make another graph of each choice.
            call: Until when an answer is wanted.

        Returns:
            Output name to `wire.TensorProto`, the values in the list of their type, as TensorFlow Serving sends them.

        Raises:
            RequestFault: The request does not fit the signature, the graph refuses its values, or it waited too long.
        """
        asked = self._read(signature_name, inputs, output_filter)
        outputs = self._batcher.run(asked.model, asked.request, asked.rows, call)
        return {name: requests.to_proto(outputs[name], dtype) for name, dtype in asked.wanted}

    def begin(
        self,
        signature_name: str,
        inputs: Mapping[str, Any],
        output_filter: Iterable[str],
        call: calls.Call,
        told: jobs.Told,
    ) -> Waits:
        """As `predict`, but returns at once: `told` learns when the answer is there, from another thread."""
        asked = self._read(signature_name, inputs, output_filter)
        return Waits(self._batcher.submit(asked.model, asked.request, asked.rows, call, told), asked.wanted)

    def _read(self, signature_name: str, inputs: Mapping[str, Any], output_filter: Iterable[str]) -> Asked:
        served = self._signature(signature_name or schema.SERVING_SIGNATURE)
        wanted = served.wanted
        if output_filter:
            names = requests.wanted_outputs(served.signature, output_filter)
            wanted = [(name, served.signature.outputs[name].dtype) for name in names]
        if served.form.joins:
            found = served.reader.read(inputs, self._limits)
            self._limits.check_k(found.largest_k, found.count)
            if found.count:
                return Asked(served, found, found.count, wanted)
        else:
            self._limits.check_inputs(inputs)
        return Asked(served.alone, requests.read_arrays(served.signature, served.form, inputs), 1, wanted)

    def run(self, signature_name: str, inputs: rows.Arrays) -> rows.Arrays:
        """Arrays of a signature's outputs by name, of arrays of its inputs, for callers in this process.

        Raises:
            RequestFault: There is no such signature, or the graph refuses the values.
        """
        return self._signature(signature_name).alone.outputs(inputs)

    def _signature(self, name: str) -> "_Signature":
        if name not in self._served:
            msg = f'Serving signature key "{name}" not found. Known: {", ".join(sorted(self._served))}.'
            raise errors.RequestFault(errors.FAILED_PRECONDITION, msg)
        return self._served[name]


class _Alone:
    """A signature that is asked with one request at a time, as it is."""

    joins = False

    def __init__(self, session: Any, signature: Any) -> None:
        self._inputs = sorted(signature.inputs)
        self._outputs = sorted(signature.outputs)
        # All outputs at once: another choice would be another graph.
        self._call = session.make_callable(
            [signature.outputs[name].name for name in self._outputs],
            feed_list=[signature.inputs[name].name for name in self._inputs],
        )

    def run(self, parts: Sequence[rows.Arrays]) -> list[rows.Arrays]:
        return [self.outputs(parts[0])]

    def outputs(self, arrays: rows.Arrays) -> rows.Arrays:
        """Arrays of the outputs by name."""
        try:
            found = self._call(*(arrays[name] for name in self._inputs))
        except tf.errors.OpError as error:
            raise errors.RequestFault(wire.code_name(error.error_code), _graph_message(error.message)) from error
        except UnicodeDecodeError as error:
            # What the graph says quotes bytes of the request that are no UTF-8.
            said = _graph_message(bytes(error.object).decode("utf-8", "replace"))
            raise errors.RequestFault(errors.INVALID_ARGUMENT, said) from error
        return {name: np.asarray(value) for name, value in zip(self._outputs, found, strict=True)}


class _Signature:
    """A signature: rows of several calls at once where its form allows."""

    def __init__(self, session: Any, signature: Any) -> None:
        self.signature = signature
        self.form = rows.Form.of(signature)
        self.joins = self.form.joins
        self.wanted = [(name, signature.outputs[name].dtype) for name in requests.wanted_outputs(signature, ())]
        self.reader = requests.Reader(signature, self.form)
        self.alone = _Alone(session, signature)

    def run(self, parts: Sequence[rows.Rows]) -> list[rows.Arrays]:
        return rows.cut(self.alone.outputs(rows.join(parts)), parts, self.form)


def read_signatures(path: Path) -> Any:
    """The signatures of the graph for serving, as a `wire.SignatureDefMap`.

    Raises:
        ValueError: The file is no SavedModel, or has no graph tagged "serve".
        OSError: The file cannot be read.
    """
    file = path / versions.SAVED_MODEL_FILE
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString(file.read_bytes())
    except Exception as error:  # DecodeError; its class differs between protobuf's implementations
        if isinstance(error, OSError):
            raise
        msg = f"{file} is not a SavedModel: {error}. Is the copy complete?"
        raise ValueError(msg) from error
    for graph in saved_model.meta_graphs:
        if _SERVE_TAG in graph.meta_info_def.tags:
            signatures = wire.SignatureDefMap()
            for name in graph.signature_def:
                signatures.signature_def[name].ParseFromString(graph.signature_def[name].SerializeToString())
            return signatures
    tags = [sorted(graph.meta_info_def.tags) for graph in saved_model.meta_graphs]
    msg = f"{file} has no graph with the tag `{_SERVE_TAG}`. It has the tags: {tags}."
    raise ValueError(msg)


def _configuration(limits: Limits) -> Any:
    """Every run in the thread that asks for it, and on `model_threads` processors."""
    configuration = tf.compat.v1.ConfigProto(
        inter_op_parallelism_threads=-1, intra_op_parallelism_threads=limits.model_threads
    )
    # By default TensorFlow takes all memory of a GPU, which a training beside the server needs.
    configuration.gpu_options.allow_growth = True
    return configuration


@contextlib.contextmanager
def _no_deprecation() -> Iterator[None]:
    """TensorFlow warns that its sessions are of version 1, which is why they are used here."""
    log = tf.get_logger()
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _made_up(served: _Signature, count: int) -> rows.Rows:
    """Rows without a known item, which ask for nothing that a model might refuse."""
    single = {}
    for name in served.form.single:
        number = served.signature.inputs[name].dtype
        fill: Any = _WARM_SINGLE.get(name, b"" if number == tensors.DT_STRING else 0)
        single[name] = np.full(count, fill, dtype=requests.dtype_of(number))
    ids = {name: [b"?" if name == schema.POSITIVE_ITEM_IDS else b""] * _WARM_COLUMNS for name in served.form.ragged}
    return rows.Rows(count, {name: [each] * count for name, each in ids.items()}, single)


def _graph_message(message: str) -> str:
    """What TensorFlow says, without the headings and the Python stacks that it puts around it."""
    noise = (
        "Graph execution error",
        "Detected at node",
        "<stack traces unavailable>",
        "Original stack trace",
        " ",
        "\t",
    )
    said = [line for line in message.splitlines() if line and not line.startswith(noise)]
    return " ".join(said) or message
