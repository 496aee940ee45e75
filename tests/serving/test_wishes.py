"""What the client makes of allow-lists, caps of groups and the wish for an explanation."""

from typing import Any

import pytest

from pnfrec_core import schema
from serving import contract, tensors, wire
from serving.dialogue import Dialogue


def inputs_of(request: Any) -> dict[str, Any]:
    """Rows without what pads them to one of the fixed widths."""
    found = {name: tensors.to_lists(proto) for name, proto in request.inputs.items()}
    for name, value in found.items():
        if name.endswith("_ids"):
            assert {len(row) for row in value} in ({0}, {8})
            found[name] = [[item for item in row if item] for row in value]
    return found


def requests(*, rows: int = 3, size: int = 1024, **wishes: Any) -> list[Any]:
    asked = {"allows": None, "max_per_group": 0, "explain": False, **wishes}
    found = Dialogue("m", rows_per_call=size).predictions(
        [["a"]] * rows, None, 5, None, None, contract.Wishes.of(**asked)
    )
    return [request for request, _ in found]


def test_who_wishes_nothing_asks_the_signature_that_every_model_has() -> None:
    (request,) = requests(max_per_group=[0, 0, 0])
    assert request.model_spec.signature_name == schema.SERVING_SIGNATURE
    assert schema.ALLOW_ITEM_IDS not in request.inputs


def test_a_request_with_wishes() -> None:
    (request,) = requests(allows=[["x", "y"], None, ["z"]], max_per_group=2)
    assert request.model_spec.signature_name == schema.RECOMMEND_SIGNATURE
    found = inputs_of(request)
    assert found[schema.ALLOW_ITEM_IDS] == [[b"x", b"y"], [], [b"z"]]
    assert found[schema.MAX_PER_GROUP] == [2, 2, 2]
    # No dislikes, and the model's own weight of them.
    assert found[schema.NEGATIVE_ITEM_IDS] == [[], [], []]
    assert all(value != value for value in found[schema.GAMMA])


def test_an_explanation_alone_restricts_nothing() -> None:
    (request,) = requests(explain=True)
    assert inputs_of(request)[schema.ALLOW_ITEM_IDS] == [[], [], []]


def test_the_parts_of_a_large_batch_have_their_own_wishes() -> None:
    first, second = requests(allows=[["x"], None, ["z"]], max_per_group=[1, 2, 3], size=2)
    assert inputs_of(first)[schema.ALLOW_ITEM_IDS] == [[b"x"], []]
    assert inputs_of(first)[schema.MAX_PER_GROUP] == [1, 2]
    assert inputs_of(second)[schema.ALLOW_ITEM_IDS] == [[b"z"]]
    assert inputs_of(second)[schema.MAX_PER_GROUP] == [3]
    assert [inputs_of(each)[schema.MAX_PER_GROUP] for each in requests(max_per_group=[4], size=2)] == [[4, 4], [4]]


@pytest.mark.parametrize("size", [2, 1024])
@pytest.mark.parametrize("empty", [[], [""]])
def test_an_empty_stock_is_not_the_whole_catalogue(empty: list[str], size: int) -> None:
    with pytest.raises(ValueError, match=r"Row \d of `allow` allows nothing"):
        requests(allows=[["x"], empty, None], size=size)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"allows": [["x"]]}, "1 of `allow`"),
        ({"max_per_group": [1, 2]}, "2 of `max_per_group`"),
        ({"max_per_group": 1.5}, "`max_per_group` must be a whole number"),
    ],
)
@pytest.mark.parametrize("size", [2, 1024])
def test_wishes_of_other_rows_are_refused(wishes: dict[str, Any], said: str, size: int) -> None:
    with pytest.raises(ValueError, match=said):
        requests(size=size, **wishes)


def test_the_answer_tells_what_was_asked() -> None:
    response = wire.PredictResponse()
    values: dict[str, tuple[Any, int]] = {
        schema.OUTPUT_ITEM_IDS: ([["a", "b"]], tensors.DT_STRING),
        schema.OUTPUT_SCORES: ([[2.0, 0.0]], tensors.DT_FLOAT),
        schema.OUTPUT_COUNT: ([1], tensors.DT_INT32),
        schema.OUTPUT_FALLBACK: ([False], tensors.DT_BOOL),
        schema.OUTPUT_KNOWN_ITEMS: ([1], tensors.DT_INT32),
        schema.OUTPUT_SCORES_WITHOUT_RULE: ([[2.5, 0.0]], tensors.DT_FLOAT),
        schema.OUTPUT_GROUPS: ([["é", ""]], tensors.DT_STRING),
        schema.OUTPUT_UNKNOWN_ALLOWED: ([3], tensors.DT_INT32),
    }
    for name, (value, dtype) in values.items():
        response.outputs[name].CopyFrom(tensors.to_proto(value, dtype))
    (found,) = contract.read_response(response, 1)
    assert found == contract.Recommendations([("a", 2.0)], False, 1, 0, [2.5], ["é"], 3)


@pytest.mark.parametrize(("length", "width"), [(0, 0), (1, 8), (8, 8), (9, 16), (512, 512), (513, 513), (9_999, 9_999)])
def test_requests_have_few_widths(length: int, width: int) -> None:
    """So that servers can join them. Beyond those a row is not made wider: a limit of the server might refuse it."""
    spec = wire.model_spec("m")
    request = contract.build_request([["a"] * length, []], None, 5, spec)
    assert [dim.size for dim in request.inputs[schema.POSITIVE_ITEM_IDS].tensor_shape.dim] == [2, width]
