"""Rows of requests: read, joined, cut and put together again, against the arrays that the messages stand for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import errors, requests, rows, tensors, wire
from serving.limits import Limits

IDS = st.sampled_from([b"", b"a", b"bc", b"\x00"])


def signature(outputs: dict[str, Sequence[int]] | None = None, **inputs: tuple[int, Sequence[int]]) -> Any:
    made = wire.SignatureDef()
    for name, (dtype, shape) in inputs.items():
        made.inputs[name].dtype = dtype
        for size in shape:
            made.inputs[name].tensor_shape.dim.add(size=size)
    for name, shape in ({"count": [-1], "item_ids": [-1, -1]} if outputs is None else outputs).items():
        made.outputs[name].dtype = tensors.DT_INT32
        for size in shape:
            made.outputs[name].tensor_shape.dim.add(size=size)
    return made


TEXT, NUMBER = tensors.DT_STRING, tensors.DT_INT32
RANKING: dict[str, Any] = {
    "positive_item_ids": (TEXT, [-1, -1]),
    "exclude_item_ids": (TEXT, [-1, -1]),
    "k": (NUMBER, [-1]),
}


@pytest.mark.parametrize(
    ("made", "joins"),
    [
        (signature(**RANKING), True),
        (signature(**RANKING, per_group=(NUMBER, [-1]), gamma=(tensors.DT_FLOAT, [-1])), True),
        (signature({"user_vectors": [-1, 64]}, positive_item_ids=(TEXT, [-1, -1])), True),
        # Nothing tells how wide the answer to one caller is.
        (signature(positive_item_ids=(TEXT, [-1, -1])), False),
        # One row more would be another answer, or another shape.
        (signature({"items": [27, 64]}, **RANKING), False),
        (signature({"total": []}, **RANKING), False),
        (signature({"rank": [-1]}, examples=(TEXT, [-1])), False),
        (signature({"item_vectors": [27, 64]}), False),
        (signature(positive_item_ids=(TEXT, [-1, -1]), k=(NUMBER, [])), False),
        (signature(positive_item_ids=(TEXT, [-1, 50]), k=(NUMBER, [-1])), False),
    ],
)
def test_what_joins_is_told_by_the_signature(made: Any, joins: bool) -> None:
    assert rows.Form.of(made).joins is joins


def inputs_of(**values: Any) -> Any:
    return wire.PredictRequest(
        inputs={
            name: tensors.to_proto(value.tolist(), TEXT if value.dtype == object else NUMBER, value.shape)
            for name, value in values.items()
        }
    ).inputs


@st.composite
def matrices(draw: st.DrawFn, count: int) -> Any:
    width = draw(st.integers(0, 4))
    cells = draw(st.lists(IDS, min_size=count * width, max_size=count * width))
    array = np.empty((count, width), object)
    array[...] = np.array([*cells, b"end"], object)[:-1].reshape(count, width)
    return array


def without_padding(row: Sequence[bytes]) -> list[bytes]:
    return b"\n".join(row).rstrip(b"\n").split(b"\n") if b"".join(row) else []


@given(st.data())
def test_rows_are_those_of_the_request_without_the_padding_on_the_right(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    asked = {name: data.draw(matrices(count)) for name in ("positive_item_ids", "exclude_item_ids")}
    ks = np.array(data.draw(st.lists(st.integers(-3, 9), min_size=count, max_size=count)), np.int32)
    one = data.draw(st.booleans())
    form = rows.Form.of(signature(**RANKING))
    inputs = inputs_of(**asked, k=ks[:1] if one else ks)
    for read in (
        requests.Reader(signature(**RANKING), form).read(inputs, Limits()),
        requests.read_rows(signature(**RANKING), form, inputs),
    ):
        assert read.count == count
        assert {name: list(found) for name, found in read.ragged.items()} == {
            name: [without_padding(row) for row in array.tolist()] for name, array in asked.items()
        }
        assert read.single["k"].tolist() == ([ks[0]] * count if one else ks.tolist())
        assert read.single["k"].dtype == np.int32


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ([b"a"], [2, 3], [[b"a"] * 3, [b"a"] * 3]),
        ([b"a", b"b", b"c", b"d"], [3, 3], [[b"a", b"b", b"c"], [b"d"] * 3, [b"d"] * 3]),
        ([b"a", b"b", b"c", b""], [3, 3], [[b"a", b"b", b"c"], [], []]),
        ([], [2, 3], [[], []]),
        ([], [2, 0], [[], []]),
    ],
)
def test_the_last_value_stands_for_those_that_are_missing(
    values: list[bytes], shape: list[int], expected: list[list[bytes]]
) -> None:
    proto = wire.TensorProto(dtype=TEXT, string_val=values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    assert rows.trimmed(proto, *shape) == expected
    assert [[*row, *[b""] * (shape[1] - len(row))] for row in expected] == (tensors.to_lists(proto) or [[]] * shape[0])


def test_a_request_that_declares_much_and_sends_nothing_takes_no_memory() -> None:
    proto = wire.TensorProto(dtype=TEXT)
    for size in (4000, 4000):
        proto.tensor_shape.dim.add(size=size)
    assert sum(map(len, rows.trimmed(proto, 4000, 4000))) == 0


def some(*histories: Sequence[bytes], k: Sequence[int]) -> rows.Rows:
    return rows.Rows(len(histories), {"ids": histories}, {"k": np.array(k, np.int32)})


def test_joined_rows_are_padded_to_the_widest() -> None:
    arrays = rows.join([some([b"a", b"b"], k=[3]), some([], [b"c"], k=[1, 2])])
    assert arrays["ids"].tolist() == [[b"a", b"b"], [b"", b""], [b"c", b""]]
    assert (arrays["k"].tolist(), arrays["ids"].dtype) == ([3, 1, 2], object)
    assert rows.join([some([], k=[1])])["ids"].shape == (1, 0)


def test_answers_are_cut_and_put_together() -> None:
    form = rows.Form(("ids",), ("k",), ("item_ids",), True)
    parts = [some([b"a"], k=[1]), some([b"b"], [b"c"], k=[0, 2]), some([b"d"], k=[-4])]
    whole = {"item_ids": np.arange(12).reshape(4, 3), "count": np.arange(4), "vectors": np.ones((4, 5))}
    first, second, third = rows.cut(whole, parts, form)
    assert (first["item_ids"].tolist(), second["item_ids"].tolist()) == ([[0]], [[3, 4], [6, 7]])
    assert (third["item_ids"].shape, third["vectors"].shape) == ((1, 0), (1, 5))
    stacked = rows.stack([first, second])
    assert stacked["item_ids"].tolist() == [[0, 0], [3, 4], [6, 7]]
    assert stacked["count"].tolist() == [0, 1, 2]
    words = rows.stack([{"w": np.array([[b"x"]], object)}, {"w": np.array([[b"y", b"z"]], object)}])
    assert words["w"].tolist() == [[b"x", b""], [b"y", b"z"]]


@pytest.mark.parametrize("dtype", [tensors.DT_FLOAT, 2, 3, 4, 5, 6, tensors.DT_STRING, 9, 10, 17, 19, 22, 23])
def test_arrays_are_written_as_lists_are(dtype: int) -> None:
    values = [[b"a", b""]] if dtype == TEXT else [[True, False]] if dtype == tensors.DT_BOOL else [[3, 0]]
    array = np.array(values, requests.dtype_of(dtype))
    assert requests.to_proto(array, dtype) == tensors.to_proto(values, dtype)


def test_other_types_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="complex64 are not supported"):
        requests.dtype_of(8)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"k": np.array([1, 2, 3], np.int32)}, "Input `k` must have 1 or 2 rows, as `positive_item_ids` has 2"),
        ({"k": np.array([], np.int32)}, "Input `k` must have 1 or 2 rows, as `positive_item_ids` has 2. Received: 0"),
        ({"exclude_item_ids": np.array([[b"x"]], object)}, "Input `exclude_item_ids` must have 2 rows"),
    ],
)
def test_another_number_of_rows_is_refused_by_name(changed: dict[str, Any], said: str) -> None:
    two = np.array([[b"x"], [b"y"]], object)
    asked = {"positive_item_ids": two, "exclude_item_ids": two, "k": np.array([1], np.int32), **changed}
    form = rows.Form.of(signature(**RANKING))
    with pytest.raises(errors.RequestFault) as caught:
        requests.Reader(signature(**RANKING), form).read(inputs_of(**asked), Limits())
    assert said in caught.value.details
