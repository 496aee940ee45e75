"""Answers that are written without a message: byte for byte what protobuf would write."""

from typing import Any

import numpy as np
import pytest

from pnfrec_core import schema
from serving import answers, requests, tensors, wire

SHAPES = [(), (0,), (1,), (3, 0), (1, 10), (2, 3), (2, 300)]
NUMBERS = sorted(requests._DTYPES)


def array(number: int, shape: tuple[int, ...]) -> Any:
    """Small and large values, of both signs where the type has them; short and long texts with bytes of zero."""
    random = np.random.default_rng(number)
    if number != tensors.DT_STRING:
        with np.errstate(all="ignore"):
            scale = 10.0 ** random.integers(0, 6, shape)
            return np.asarray(random.normal(size=shape) * scale).astype(requests.dtype_of(number))
    made = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        made[place] = b"\x00x" * int(random.integers(0, 200))
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_tensor_is_written_as_protobuf_writes_it(number: int, shape: tuple[int, ...]) -> None:
    made = array(number, shape)
    assert answers.tensor(made, number) == requests.to_proto(made, number).SerializeToString()


@pytest.mark.parametrize("values", [[0, 127], [128], [-1], [2**31 - 1], [-(2**31)]])
def test_numbers_of_one_byte_and_of_more_are_told_apart(values: list[int]) -> None:
    made = np.array(values, np.int32)
    assert list(wire.TensorProto.FromString(answers.tensor(made, tensors.DT_INT32)).int_val) == values


@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 16_383, 16_384, 100_000])
def test_a_text_of_any_length_comes_back(length: int) -> None:
    made = np.array([b"x" * length], dtype=object)
    assert list(wire.TensorProto.FromString(answers.tensor(made, tensors.DT_STRING)).string_val) == [b"x" * length]


def test_an_answer_is_the_message_with_what_was_asked_for_alone() -> None:
    request = wire.PredictRequest(model_spec=wire.model_spec("films"))
    outputs = {"count": np.array([2], np.int32), "scores": np.array([[0.5, 0.25]], np.float32)}
    types = [("count", tensors.DT_INT32)]
    answer = answers.Prediction(request, 7, None, outputs, types)
    expected = wire.PredictResponse(model_spec=wire.model_spec("films", 7, schema.SERVING_SIGNATURE))
    expected.outputs["count"].CopyFrom(tensors.to_proto([2], tensors.DT_INT32))
    assert answer.message() == expected
    assert (list(answer.outputs), answer.version) == (["count", "scores"], 7)
    request.model_spec.signature_name = "recommend"
    assert answers.Prediction(request, 8, None, outputs, types).message().model_spec == wire.model_spec(
        "films", 8, "recommend"
    )
