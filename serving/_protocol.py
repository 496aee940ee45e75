"""The protobuf types of TensorFlow Serving's API that this package speaks, in a descriptor pool of their own.

Packages, names and field numbers are those of TensorFlow 2.16 to 2.21 and TensorFlow Serving 2.16 to 2.19 (in
`tensorflow/core/framework`, `tensorflow/core/protobuf`, `tensorflow_serving/apis`). The tests compare each field with
the stock classes. Fields left out here travel on as unknown fields.

The pool is private because the default pool refuses a second definition of a name: so these types and TensorFlow's own
can live in one process. Nothing but protobuf is needed, so the client starts without TensorFlow.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from serving import _probe_tables

_SCALARS: Final = {
    "double": 1,
    "float": 2,
    "int64": 3,
    "uint64": 4,
    "int32": 5,
    "bool": 8,
    "string": 9,
    "bytes": 12,
    "uint32": 13,
}
_MESSAGE: Final = 11
_ENUM: Final = 14
_OPTIONAL: Final = 1
_REPEATED: Final = 3

# A field is (name, number, type). A type is a scalar, the full name of a message, `enum NAME`, `repeated TYPE`,
# `map TYPE` (keys are strings) or `oneof NAME: TYPE`. `Outer.Inner` names a nested message.
Field = tuple[str, int, str]
Messages = dict[str, list[Field]]

_MODEL: Final = "tensorflow.serving.ModelSpec"
_POLICY: Final = "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy"
_TENSOR: Final = "tensorflow.TensorProto"
_SHAPE: Final = "tensorflow.TensorShapeProto"

DATA_TYPES: Final = {
    "DT_INVALID": 0,
    "DT_FLOAT": 1,
    "DT_DOUBLE": 2,
    "DT_INT32": 3,
    "DT_UINT8": 4,
    "DT_INT16": 5,
    "DT_INT8": 6,
    "DT_STRING": 7,
    "DT_COMPLEX64": 8,
    "DT_INT64": 9,
    "DT_BOOL": 10,
    "DT_QINT8": 11,
    "DT_QUINT8": 12,
    "DT_QINT32": 13,
    "DT_BFLOAT16": 14,
    "DT_QINT16": 15,
    "DT_QUINT16": 16,
    "DT_UINT16": 17,
    "DT_COMPLEX128": 18,
    "DT_HALF": 19,
    "DT_RESOURCE": 20,
    "DT_VARIANT": 21,
    "DT_UINT32": 22,
    "DT_UINT64": 23,
}
STATES: Final = {"UNKNOWN": 0, "START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}
# google.rpc.Code, which gRPC, TensorFlow and absl share. Enum values live in the scope of the enclosing package.
CODES: Final = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}

_GOOGLE: Messages = {
    "Any": [("type_url", 1, "string"), ("value", 2, "bytes")],
    "Int64Value": [("value", 1, "int64")],
}
_TENSORFLOW: Messages = {
    "TensorShapeProto": [("dim", 2, f"repeated {_SHAPE}.Dim"), ("unknown_rank", 3, "bool")],
    "TensorShapeProto.Dim": [("size", 1, "int64"), ("name", 2, "string")],
    "TensorProto": [
        ("dtype", 1, "enum tensorflow.DataType"),
        ("tensor_shape", 2, _SHAPE),
        ("version_number", 3, "int32"),
        ("tensor_content", 4, "bytes"),
        ("half_val", 13, "repeated int32"),
        ("float_val", 5, "repeated float"),
        ("double_val", 6, "repeated double"),
        ("int_val", 7, "repeated int32"),
        ("string_val", 8, "repeated bytes"),
        ("int64_val", 10, "repeated int64"),
        ("bool_val", 11, "repeated bool"),
        ("uint32_val", 16, "repeated uint32"),
        ("uint64_val", 17, "repeated uint64"),
    ],
    "TensorInfo": [
        ("name", 1, "oneof encoding: string"),
        ("dtype", 2, "enum tensorflow.DataType"),
        ("tensor_shape", 3, _SHAPE),
    ],
    "SignatureDef": [
        ("inputs", 1, "map tensorflow.TensorInfo"),
        ("outputs", 2, "map tensorflow.TensorInfo"),
        ("method_name", 3, "string"),
        ("defaults", 4, f"map {_TENSOR}"),
    ],
}
_SERVING: Messages = {
    "ModelSpec": [
        ("name", 1, "string"),
        ("version", 2, "oneof version_choice: google.protobuf.Int64Value"),
        ("version_label", 4, "oneof version_choice: string"),
        ("signature_name", 3, "string"),
    ],
    "PredictRequest": [
        ("model_spec", 1, _MODEL),
        ("inputs", 2, f"map {_TENSOR}"),
        ("output_filter", 3, "repeated string"),
    ],
    "PredictResponse": [("model_spec", 2, _MODEL), ("outputs", 1, f"map {_TENSOR}")],
    "SignatureDefMap": [("signature_def", 1, "map tensorflow.SignatureDef")],
    "GetModelMetadataRequest": [("model_spec", 1, _MODEL), ("metadata_field", 2, "repeated string")],
    "GetModelMetadataResponse": [("model_spec", 1, _MODEL), ("metadata", 2, "map google.protobuf.Any")],
    "StatusProto": [("error_code", 1, "enum tensorflow.error.Code"), ("error_message", 2, "string")],
    "GetModelStatusRequest": [("model_spec", 1, _MODEL)],
    "ModelVersionStatus": [
        ("version", 1, "int64"),
        ("state", 2, "enum tensorflow.serving.ModelVersionStatus.State"),
        ("status", 3, "tensorflow.serving.StatusProto"),
    ],
    "PredictLog": [
        ("request", 1, "tensorflow.serving.PredictRequest"),
        ("response", 2, "tensorflow.serving.PredictResponse"),
    ],
    "PredictionLog": [("predict_log", 6, "oneof log_type: tensorflow.serving.PredictLog")],
    "GetModelStatusResponse": [("model_version_status", 1, "repeated tensorflow.serving.ModelVersionStatus")],
    # What a models.config says. Fields left out here are refused by their name, since nothing obeys them.
    "FileSystemStoragePathSourceConfig": [],
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy": [
        ("latest", 100, f"oneof policy_choice: {_POLICY}.Latest"),
        ("all", 101, f"oneof policy_choice: {_POLICY}.All"),
        ("specific", 102, f"oneof policy_choice: {_POLICY}.Specific"),
    ],
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest": [("num_versions", 1, "uint32")],
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.All": [],
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific": [("versions", 1, "repeated int64")],
    "ModelConfig": [
        ("name", 1, "string"),
        ("base_path", 2, "string"),
        ("model_platform", 4, "string"),
        ("model_version_policy", 7, _POLICY),
        ("version_labels", 8, "map int64"),
    ],
    "ModelConfigList": [("config", 1, "repeated tensorflow.serving.ModelConfig")],
    "ModelServerConfig": [("model_config_list", 1, "oneof config: tensorflow.serving.ModelConfigList")],
}


def _add_enum(parent: Any, name: str, values: dict[str, int]) -> None:
    enum = parent.enum_type.add(name=name)
    for value_name, number in values.items():
        enum.value.add(name=value_name, number=number)


def _add_map_entry(message: Any, full_name: str, field_name: str, value_type: str) -> str:
    """Adds the nested entry type that a map field stands for and returns its full name."""
    name = "".join(part.capitalize() for part in field_name.split("_")) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_SCALARS["string"], label=_OPTIONAL)
    if value_type in _SCALARS:
        entry.field.add(name="value", number=2, type=_SCALARS[value_type], label=_OPTIONAL)
    else:
        entry.field.add(name="value", number=2, type=_MESSAGE, label=_OPTIONAL, type_name=f".{value_type}")
    return f"{full_name}.{name}"


def _add_field(message: Any, full_name: str, field: Field) -> None:
    name, number, kind = field
    new = message.field.add(name=name, number=number, label=_OPTIONAL)
    if kind.startswith("oneof "):
        oneof, kind = kind[len("oneof ") :].split(": ")
        names = [declared.name for declared in message.oneof_decl]
        if oneof not in names:
            message.oneof_decl.add(name=oneof)
            names.append(oneof)
        new.oneof_index = names.index(oneof)
    if kind.startswith("map "):
        kind = "repeated " + _add_map_entry(message, full_name, name, kind[len("map ") :])
    if kind.startswith("repeated "):
        new.label, kind = _REPEATED, kind[len("repeated ") :]
    if kind in _SCALARS:
        new.type = _SCALARS[kind]
    elif kind.startswith("enum "):
        new.type, new.type_name = _ENUM, f".{kind[len('enum ') :]}"
    else:
        new.type, new.type_name = _MESSAGE, f".{kind}"


def _file(name: str, package: str, messages: Messages, depends: list[str]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=depends)
    made: dict[str, Any] = {}
    for path, fields in messages.items():
        outer, _, inner = path.rpartition(".")
        message = made[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=path)
        made[path] = message
        for field in fields:
            _add_field(message, f"{package}.{path}", field)
    if package == "tensorflow":
        _add_enum(file, "DataType", DATA_TYPES)
    if package == "tensorflow.error":
        _add_enum(file, "Code", CODES)
    if "ModelVersionStatus" in made:
        _add_enum(made["ModelVersionStatus"], "State", STATES)
    if "HealthCheckResponse" in made:
        _add_enum(made["HealthCheckResponse"], "ServingStatus", _probe_tables.SERVING_STATUSES)
    for service, methods in _probe_tables.SERVICES.get(package, {}).items():
        added = file.service.add(name=service)
        for method, request, response, requests, responses in methods:
            added.method.add(
                name=method,
                input_type=f".{package}.{request}",
                output_type=f".{package}.{response}",
                client_streaming=requests,
                server_streaming=responses,
            )
    return file


_FILES: Final = {
    "google.protobuf": _GOOGLE,
    "tensorflow": _TENSORFLOW,
    "tensorflow.error": {},
    "tensorflow.serving": _SERVING,
    **_probe_tables.FILES,
}


def _build_pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    depends: list[str] = []
    for package, messages in _FILES.items():
        name = f"pnfrec/{package}.proto"
        pool.AddSerializedFile(_file(name, package, messages, depends).SerializeToString())
        depends.append(name)
    return pool


POOL: Final = _build_pool()
SERVICE_NAMES: Final = tuple(
    f"{package}.{name}" for package, services in _probe_tables.SERVICES.items() for name in services
)
MESSAGE_NAMES: Final = tuple(
    f"{package}.{path}"
    for package, messages in _FILES.items()
    if package not in _probe_tables.FILES
    for path in messages
)


def message_class(full_name: str) -> Any:
    """The class of a message of `MESSAGE_NAMES`, or of `_probe_tables`."""
    descriptor = POOL.FindMessageTypeByName(full_name)
    factory: Any = message_factory
    if hasattr(factory, "GetMessageClass"):  # protobuf >= 4.22
        return factory.GetMessageClass(descriptor)
    return factory.MessageFactory(POOL).GetPrototype(descriptor)
