"""Our messages against the stock classes of TensorFlow and tensorflow-serving-api, tensors against TensorFlow's."""

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import any_pb2, descriptor_pb2, wrappers_pb2
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
    status_pb2,
)
from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

from serving import _protocol, tensors, wire

SOURCE = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig
STOCK = {
    "google.protobuf.Any": any_pb2.Any,
    "google.protobuf.Int64Value": wrappers_pb2.Int64Value,
    "tensorflow.TensorShapeProto": tensor_shape_pb2.TensorShapeProto,
    "tensorflow.TensorShapeProto.Dim": tensor_shape_pb2.TensorShapeProto.Dim,
    "tensorflow.TensorProto": tensor_pb2.TensorProto,
    "tensorflow.TensorInfo": meta_graph_pb2.TensorInfo,
    "tensorflow.SignatureDef": meta_graph_pb2.SignatureDef,
    "tensorflow.serving.ModelSpec": model_pb2.ModelSpec,
    "tensorflow.serving.PredictRequest": predict_pb2.PredictRequest,
    "tensorflow.serving.PredictResponse": predict_pb2.PredictResponse,
    "tensorflow.serving.SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "tensorflow.serving.GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "tensorflow.serving.GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "tensorflow.serving.PredictLog": prediction_log_pb2.PredictLog,
    "tensorflow.serving.PredictionLog": prediction_log_pb2.PredictionLog,
    "tensorflow.serving.StatusProto": status_pb2.StatusProto,
    "tensorflow.serving.GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "tensorflow.serving.ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "tensorflow.serving.GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "tensorflow.serving.FileSystemStoragePathSourceConfig": SOURCE,
    "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy": SOURCE.ServableVersionPolicy,
    "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest": (
        SOURCE.ServableVersionPolicy.Latest
    ),
    "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.All": SOURCE.ServableVersionPolicy.All,
    "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific": (
        SOURCE.ServableVersionPolicy.Specific
    ),
    "tensorflow.serving.ModelConfig": model_server_config_pb2.ModelConfig,
    "tensorflow.serving.ModelConfigList": model_server_config_pb2.ModelConfigList,
    "tensorflow.serving.ModelServerConfig": model_server_config_pb2.ModelServerConfig,
}


def fields(message: Any) -> dict[str, tuple[Any, ...]]:
    """Name to (number, type, label, type name, oneof) of each field."""
    proto = descriptor_pb2.DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return {
        field.name: (
            field.number,
            field.type,
            field.label,
            field.type_name,
            proto.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None,
        )
        for field in proto.field
    }


def test_every_message_is_compared() -> None:
    assert set(STOCK) == set(_protocol.MESSAGE_NAMES)


@pytest.mark.parametrize("name", _protocol.MESSAGE_NAMES)
def test_fields_equal_those_of_the_stock_message(name: str) -> None:
    ours, stock = fields(_protocol.message_class(name)), fields(STOCK[name])
    # TensorFlow 2.16 and 2.21 differ in which fields they know; ours may know one that the older does not.
    shared = {field: stock[field] for field in ours if field in stock}
    assert {field: ours[field] for field in shared} == shared
    assert set(ours) - set(stock) <= ({"defaults"} if name.endswith("SignatureDef") else set())


def test_enum_numbers_equal_the_stock_ones() -> None:
    assert {name: types_pb2.DataType.Value(name) for name in _protocol.DATA_TYPES} == _protocol.DATA_TYPES
    states = get_model_status_pb2.ModelVersionStatus.State
    assert dict(states.items()) == _protocol.STATES
    codes = status_pb2.StatusProto.DESCRIPTOR.fields_by_name["error_code"].enum_type
    assert {name: codes.values_by_name[name].number for name in _protocol.CODES} == _protocol.CODES
    assert codes.full_name == "tensorflow.error.Code"


def test_stock_messages_parse_our_bytes() -> None:
    request = wire.PredictRequest(model_spec=wire.model_spec("pnfrec", 7, "serving_default"), output_filter=["scores"])
    request.inputs["positive_item_ids"].CopyFrom(tensors.to_proto([["1", "é"], ["2", ""]], tensors.DT_STRING))
    request.inputs["k"].CopyFrom(tensors.to_proto([10], tensors.DT_INT32))
    stock = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    expected = predict_pb2.PredictRequest(output_filter=["scores"])
    expected.model_spec.name = "pnfrec"
    expected.model_spec.version.value = 7
    expected.model_spec.signature_name = "serving_default"
    expected.inputs["positive_item_ids"].CopyFrom(tf.make_tensor_proto([["1", "é"], ["2", ""]]))
    expected.inputs["k"].dtype = types_pb2.DT_INT32
    expected.inputs["k"].tensor_shape.dim.add(size=1)
    expected.inputs["k"].int_val.append(10)
    assert stock == expected


def test_we_parse_the_bytes_of_stock_messages_and_keep_what_we_do_not_know() -> None:
    stock = predict_pb2.PredictRequest()
    stock.model_spec.name = "pnfrec"
    stock.inputs["k"].CopyFrom(tf.make_tensor_proto([3, 4], dtype=tf.int32))
    stock.inputs["k"].version_number = 1
    stock.predict_streamed_options.request_state = 1
    ours = wire.PredictRequest.FromString(stock.SerializeToString())
    assert (ours.model_spec.name, tensors.to_lists(ours.inputs["k"])) == ("pnfrec", [3, 4])
    assert not ours.model_spec.HasField("version")
    assert predict_pb2.PredictRequest.FromString(ours.SerializeToString()) == stock


NUMERIC = [
    (tf.float32, [[1.5, -2.25], [0.1, 3e38]]),
    (tf.float64, [0.1, 1e300]),
    (tf.float16, [0.5, -65504.0]),
    (tf.int32, [[-(2**31), 2**31 - 1]]),
    (tf.int16, [-3, 4]),
    (tf.int8, [-128, 127]),
    (tf.uint8, [0, 255]),
    (tf.uint16, [65535]),
    (tf.int64, [-(2**63), 2**63 - 1]),
    (tf.uint32, [2**32 - 1]),
    (tf.uint64, [2**64 - 1]),
    (tf.bool, [[True], [False]]),
]


@pytest.mark.parametrize(("dtype", "values"), NUMERIC, ids=lambda value: getattr(value, "name", ""))
def test_tensors_agree_with_tensorflow_both_ways(dtype: tf.DType, values: list[Any]) -> None:
    array = np.array(values, dtype=dtype.as_numpy_dtype)
    written = tensor_pb2.TensorProto.FromString(
        tensors.to_proto(array.tolist(), dtype.as_datatype_enum).SerializeToString()
    )
    np.testing.assert_array_equal(tf.make_ndarray(written), array)
    assert tf.make_ndarray(written).dtype == array.dtype
    stock = tf.make_tensor_proto(array)
    raw = tensor_pb2.TensorProto(dtype=stock.dtype, tensor_shape=stock.tensor_shape, tensor_content=array.tobytes())
    for proto in (stock, raw):
        assert tensors.to_lists(wire.TensorProto.FromString(proto.SerializeToString())) == array.tolist()


def test_strings_agree_with_tensorflow_both_ways() -> None:
    values = [["é".encode(), b"\x00\xff\x00"], [b"", b"x"]]
    written = tensor_pb2.TensorProto.FromString(tensors.to_proto(values, tensors.DT_STRING).SerializeToString())
    assert written == tf.make_tensor_proto(values)
    stock = wire.TensorProto.FromString(tf.make_tensor_proto(values).SerializeToString())
    assert tensors.to_lists(stock) == values


@pytest.mark.parametrize(
    ("shape", "lists"), [([1, 0], [[]]), ([0, 3], []), ([2, 0, 4], [[], []]), ([2, 2, 0], [[[], []], [[], []]])]
)
def test_empty_tensors_keep_their_shape(shape: list[int], lists: list[Any]) -> None:
    proto = tensors.to_proto(lists, tensors.DT_STRING, shape)
    assert [dim.size for dim in proto.tensor_shape.dim] == shape
    assert tensors.to_lists(proto) == lists
    stock = tensor_pb2.TensorProto.FromString(proto.SerializeToString())
    assert tf.make_ndarray(stock).shape == tuple(shape)


def test_a_short_list_repeats_its_last_value_and_an_empty_one_means_zeros() -> None:
    short = tf.make_tensor_proto(7, shape=[2, 2], dtype=tf.int32)
    assert len(short.int_val) == 1
    assert tensors.to_lists(wire.TensorProto.FromString(short.SerializeToString())) == [[7, 7], [7, 7]]
    empty = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=short.tensor_shape)
    assert tensors.to_lists(wire.TensorProto.FromString(empty.SerializeToString())) == [[b"", b""], [b"", b""]]


def test_scalars_have_no_axis() -> None:
    proto = tensors.to_proto(True, tensors.DT_BOOL)
    assert (len(proto.tensor_shape.dim), tensors.to_lists(proto)) == (0, True)


@pytest.mark.parametrize(
    ("values", "shape", "message"),
    [
        ([["a"], ["b", "c"]], None, "rows of equal length: expected 1. Received: 2"),
        ([["a"], "b"], None, "rows of equal length: expected 1. Received: 'b'"),
        (["a", ["b"]], None, "values at one depth. Received a list of 1"),
        (["a"], [2], r"shape \[2\] needs 2 values. Received: 1"),
    ],
)
def test_lists_that_are_no_tensor_are_refused(values: list[Any], shape: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tensors.to_proto(values, tensors.DT_STRING, shape)


def tensor(dtype: int, shape: list[int], **values: Any) -> Any:
    proto = wire.TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (tensor(tensors.DT_INT32, [2], int_val=[1, 2, 3]), r"shape \[2\] holds 2 values. Received: 3"),
        (tensor(tensors.DT_INT32, [2], tensor_content=b"1234567"), "needs 8 bytes. Received: 7"),
        (tensor(tensors.DT_INT32, [-1]), r"complete shape. Received: \[\?\]"),
        (tensor(tensors.DT_STRING, [2**30, 2**30]), "may hold 16777216 values"),
        (tensor(tensors.DT_STRING, [2**40, 0]), "may hold 16777216 values"),
        (tensor(types_pb2.DT_COMPLEX64, [1]), "type complex64 are not supported"),
    ],
)
def test_tensors_that_cannot_be_read_are_refused(proto: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tensors.to_lists(proto)


def test_the_client_needs_neither_tensorflow_nor_numpy() -> None:
    script = """
        import sys
        BLOCKED = {"tensorflow", "tensorflow_serving", "numpy", "keras", "tfx", "apache_beam", "pyarrow", "pandas"}

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in BLOCKED:
                    raise ImportError("blocked: " + name)

        sys.meta_path.insert(0, Blocker())
        import serving.client, serving.query, serving.commands
        from serving import wire
        request = serving.contract.build_request([["x"], []], None, 3, wire.model_spec("pnfrec"))
        print(wire.PredictRequest.FromString(request.SerializeToString()) == request, BLOCKED & set(sys.modules))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "True set()\n", "")
