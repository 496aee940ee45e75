"""One version of the SavedModel, in memory. The only module of this package that imports TensorFlow."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pnfrec_core import schema, versions
from serving import errors, tensors, wire

logger = logging.getLogger(__name__)

_SERVE_TAG = "serve"


class LoadedModel:
    """A SavedModel that answers as TensorFlow Serving does. Safe to use from several threads.

    Args:
        path: The version's folder.
        version: Its number.

    Raises:
        ValueError: The SavedModel has no graph for serving, or no `serving_default` signature.
        tensorflow.errors.OpError: TensorFlow cannot read it.
        OSError: A file of it is missing.
    """

    def __init__(self, path: Path, version: int) -> None:
        self.path = path
        self.version = version
        self.signatures = read_signatures(path)
        if schema.SERVING_SIGNATURE not in self.signatures.signature_def:
            names = ", ".join(sorted(self.signatures.signature_def)) or "none"
            msg = f"{path}: the SavedModel has no signature `{schema.SERVING_SIGNATURE}`. It has: {names}."
            raise ValueError(msg)
        # Kept, because the functions below hold its variables and tables only weakly.
        self._saved_model = tf.saved_model.load(str(path), tags=[_SERVE_TAG])
        self._functions: Mapping[str, Any] = self._saved_model.signatures

    def warm_up(self) -> None:
        """Answers one request of each signature that ranks.

        So the first caller waits for no graph, and a broken one never serves.
        """
        for signature_name in (schema.SERVING_SIGNATURE, schema.NEGATIVES_SIGNATURE):
            if signature_name not in self.signatures.signature_def:
                continue
            inputs = {}
            for name, info in self.signatures.signature_def[signature_name].inputs.items():
                shape = [1 if size < 0 else size for size in wire.shape_of(info.tensor_shape) or ()]
                fill: Any = b"" if info.dtype == tensors.DT_STRING else 1
                inputs[name] = tf.constant(fill, dtype=tf.as_dtype(info.dtype), shape=shape)
            self._functions[signature_name](**inputs)

    def predict(
        self, signature_name: str, inputs: Mapping[str, Any], output_filter: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Runs a signature.

        Args:
            signature_name: "" is `serving_default`.
            inputs: Input name to `wire.TensorProto`.
            output_filter: Names of the outputs to return; none means all.

        Returns:
            Output name to `wire.TensorProto`, the values in the list of their type, as TensorFlow Serving sends them.

        Raises:
            RequestFault: The request does not fit the signature, or the graph refuses its values.
        """
        signature_name = signature_name or schema.SERVING_SIGNATURE
        if signature_name not in self._functions:
            msg = f'Serving signature key "{signature_name}" not found. Known: {", ".join(sorted(self._functions))}.'
            raise errors.RequestFault(errors.FAILED_PRECONDITION, msg)
        signature = self.signatures.signature_def[signature_name]
        wanted = _wanted_outputs(signature, output_filter)
        arguments = _arguments(signature, inputs)
        if signature_name in (schema.SERVING_SIGNATURE, schema.NEGATIVES_SIGNATURE):
            _check_rows({name: array.shape for name, array in arguments.items()})
        try:
            # Explicit types: numpy has no string type that TensorFlow would infer from an empty array.
            outputs = self._functions[signature_name](
                **{
                    name: tf.constant(array, dtype=tf.as_dtype(signature.inputs[name].dtype))
                    for name, array in arguments.items()
                }
            )
        except tf.errors.OpError as error:
            raise errors.RequestFault(wire.code_name(error.error_code), _graph_message(error.message)) from error
        return {name: _to_proto(outputs[name], signature.outputs[name].dtype) for name in wanted}


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


def _wanted_outputs(signature: Any, output_filter: Iterable[str]) -> list[str]:
    wanted = list(output_filter)
    for place, name in enumerate(wanted):
        if name not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            msg = f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}."
            raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
        if name in wanted[:place]:
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"duplicate output tensor alias: {name}")
    return wanted or sorted(signature.outputs)


def _arguments(signature: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays of the inputs, checked for names, types and shapes."""
    required, sent = set(signature.inputs), set(inputs)
    if required != sent:
        msg = (
            f"input size does not match signature: {len(sent)}!={len(required)}. "
            if len(sent) != len(required)
            else "input names do not match the signature. "
        )
        extra, missing = ",".join(sorted(sent - required)), ",".join(sorted(required - sent))
        msg += f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    return {name: _array(name, inputs[name], signature.inputs[name]) for name in sorted(required)}


def _array(name: str, proto: Any, info: Any) -> Any:
    """The values of one input as a numpy array (strings as objects)."""
    if proto.dtype != info.dtype:
        expected, received = wire.type_name(info.dtype), wire.type_name(proto.dtype)
        msg = f"Input `{name}` must be of type {expected}. Received: {received}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    expected_shape, shape = wire.shape_of(info.tensor_shape), wire.shape_of(proto.tensor_shape)
    if shape is None or not _fits(shape, expected_shape):
        msg = f"Input `{name}` must have the shape {wire.shape_text(expected_shape)}. "
        msg += f"Received: {wire.shape_text(shape)}."
        raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
    # Strings as objects: numpy's own byte strings lose trailing zero bytes.
    dtype = np.dtype(object) if info.dtype == tensors.DT_STRING else tf.as_dtype(info.dtype).as_numpy_dtype
    try:
        return np.array(tensors.flat_values(proto), dtype=dtype).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise errors.RequestFault(errors.INVALID_ARGUMENT, f"Input `{name}`: {error}") from error


def _fits(shape: tuple[int, ...], expected: tuple[int, ...] | None) -> bool:
    """True if `shape` is complete and agrees with `expected`, where -1 is any size and None any shape."""
    if expected is None:
        return min(shape, default=0) >= 0
    return len(shape) == len(expected) and all(
        size >= 0 and wanted in (-1, size) for size, wanted in zip(shape, expected, strict=True)
    )


def _check_rows(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """The rule that a signature cannot tell: as many rows in each input, or one `k` and one `gamma` for all."""
    rows = shapes.get(schema.POSITIVE_ITEM_IDS, ())[:1]
    for name in (schema.EXCLUDE_ITEM_IDS, schema.NEGATIVE_ITEM_IDS, schema.K, schema.GAMMA):
        allowed = {rows, (1,)} if name in (schema.K, schema.GAMMA) else {rows}
        received = shapes.get(name, rows)[:1]
        if rows and received not in allowed:
            msg = f"Input `{name}` must have {' or '.join(str(size) for (size,) in sorted(allowed))} rows, as "
            msg += f"`{schema.POSITIVE_ITEM_IDS}` has {rows[0]}. Received: {received[0]}."
            raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)


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


def _to_proto(tensor: Any, dtype: int) -> Any:
    array = tensor.numpy()
    return tensors.to_proto(array.tolist(), dtype, array.shape)
