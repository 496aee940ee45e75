"""Messages and method paths of TensorFlow Serving's gRPC API, without TensorFlow (see `_protocol` for the tables)."""

from collections.abc import Iterable
from typing import Any, Final

from serving import _protocol

TensorShapeProto: Any = _protocol.message_class("tensorflow.TensorShapeProto")
TensorProto: Any = _protocol.message_class("tensorflow.TensorProto")
TensorInfo: Any = _protocol.message_class("tensorflow.TensorInfo")
SignatureDef: Any = _protocol.message_class("tensorflow.SignatureDef")
ModelSpec: Any = _protocol.message_class("tensorflow.serving.ModelSpec")
PredictRequest: Any = _protocol.message_class("tensorflow.serving.PredictRequest")
PredictResponse: Any = _protocol.message_class("tensorflow.serving.PredictResponse")
SignatureDefMap: Any = _protocol.message_class("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest: Any = _protocol.message_class("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse: Any = _protocol.message_class("tensorflow.serving.GetModelMetadataResponse")
ModelVersionStatus: Any = _protocol.message_class("tensorflow.serving.ModelVersionStatus")
GetModelStatusRequest: Any = _protocol.message_class("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse: Any = _protocol.message_class("tensorflow.serving.GetModelStatusResponse")
ModelServerConfig: Any = _protocol.message_class("tensorflow.serving.ModelServerConfig")
PredictionLog: Any = _protocol.message_class("tensorflow.serving.PredictionLog")

# gRPC method paths are `/service/method`.
PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
PREDICT: Final = f"/{PREDICTION_SERVICE}/Predict"
GET_MODEL_METADATA: Final = f"/{PREDICTION_SERVICE}/GetModelMetadata"
GET_MODEL_STATUS: Final = f"/{MODEL_SERVICE}/GetModelStatus"

# The only metadata field that TensorFlow Serving knows, and what its value holds.
SIGNATURE_DEF_FIELD: Final = "signature_def"
SIGNATURE_DEF_MAP_URL: Final = "type.googleapis.com/tensorflow.serving.SignatureDefMap"

# Sent by our server beside UNAVAILABLE, which a client otherwise cannot tell from a server that is not there.
REASON_KEY: Final = "pnfrec-reason"
REASON_NO_VERSION: Final = "no-version-loaded"

# gRPC refuses messages above 4 MiB unless told otherwise: a batch of 10,000 histories of 50 ids is about 6 MB.
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024

TYPE_NUMBERS: Final = _protocol.DATA_TYPES
_TYPE_NAMES: Final = {number: name for name, number in _protocol.DATA_TYPES.items()}
_STATE_NAMES: Final = {number: name for name, number in _protocol.STATES.items()}
STATE_NUMBERS: Final = _protocol.STATES
CODE_NUMBERS: Final = _protocol.CODES
_CODE_NAMES: Final = {number: name for name, number in _protocol.CODES.items()}


def type_name(number: int) -> str:
    """The readable name of a DataType, such as "string" or "int32"."""
    return _TYPE_NAMES.get(number, f"DT_{number}").removeprefix("DT_").lower()


def type_constant(number: int) -> str:
    """The name of a DataType as its enum has it, such as "DT_STRING"."""
    return _TYPE_NAMES.get(number, f"DT_{number}")


def state_name(number: int) -> str:
    """The name of a ModelVersionStatus.State, such as "AVAILABLE"."""
    return _STATE_NAMES.get(number, f"STATE_{number}")


def code_name(number: int) -> str:
    """The name of a google.rpc.Code, such as "NOT_FOUND"."""
    return _CODE_NAMES.get(number, f"CODE_{number}")


def model_spec(name: str, version: int | None = None, signature: str = "", label: str | None = None) -> Any:
    """A ModelSpec. Without `version` and `label` the server picks the newest it has."""
    spec = ModelSpec(name=name, signature_name=signature)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def pack_signatures(signatures: Any) -> tuple[str, bytes]:
    """The type URL and the bytes of the `Any` that GetModelMetadata answers with."""
    return SIGNATURE_DEF_MAP_URL, signatures.SerializeToString()


def shape_of(shape: Any) -> tuple[int, ...] | None:
    """The sizes of a TensorShapeProto, -1 where free; None if even the rank is free."""
    return None if shape.unknown_rank else tuple(int(dim.size) for dim in shape.dim)


def shape_text(shape: Iterable[int] | None) -> str:
    """`[2, ?]`, or `[...]` where the rank is free."""
    if shape is None:
        return "[...]"
    return "[" + ", ".join("?" if size < 0 else str(size) for size in shape) + "]"
