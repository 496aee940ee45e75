from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma

from components.gate import outputs

MODELS = ("candidate", "baseline")


def make_inputs(
    rank: list[int], items: list[list[int]], size: list[int], labels: Any, model: str = ""
) -> tfma.metrics.StandardMetricInputs:
    predictions: dict[str, Any] = {
        "rank": np.array(rank),
        "top_items": np.array(items),
        "catalogue_size": np.array(size),
    }
    values = {"predictions": predictions, "labels": labels}
    return tfma.metrics.StandardMetricInputs({key: {model: value} if model else value for key, value in values.items()})


@pytest.mark.parametrize("model", ["", "candidate"])
def test_reads_a_batch(model: str) -> None:
    items = [[1, 2, 3, 4], [2, 1, 4, 0], [0, 0, 0, 0]]
    inputs = make_inputs([1, 4, 0], items, [9, 9, 9], np.array([[1], [0], [1]]), model)
    found = outputs.read_outputs(inputs, model, k=3)
    assert found.group.tolist() == [1, 0, 1]
    assert found.place.tolist() == [1, 0, 0]  # rank 4 lies beyond k
    assert found.items.tolist() == [[1, 2, 3], [2, 1, 4], [0, 0, 0]]
    assert found.catalogue_size == 9


def test_reads_one_example() -> None:
    # As TFMA's unbatching hands it over: numbers in arrays of one, the list without its batch dimension.
    inputs = tfma.metrics.StandardMetricInputs(
        {
            "predictions": {"rank": np.array([2]), "top_items": np.array([5, 3]), "catalogue_size": np.array([9])},
            "labels": np.array([0]),
        }
    )
    found = outputs.read_outputs(inputs, "", k=2)
    assert [part.tolist() for part in found[:3]] == [[0], [2], [[5, 3]]]


def test_reads_the_rank_in_the_list_without_dislikes() -> None:
    inputs = make_inputs([1, 4], [[1, 2, 3]] * 2, [9, 9], np.array([1, 0]))
    with pytest.raises(ValueError, match="must return rank, top_items, catalogue_size, default_rank"):
        outputs.read_outputs(inputs, "", k=3, by_default=True)
    inputs[tfma.PREDICTIONS_KEY]["default_rank"] = np.array([5, 2])
    assert outputs.read_outputs(inputs, "", k=3, by_default=True).place.tolist() == [0, 2]
    assert outputs.read_outputs(inputs, "", k=3).place.tolist() == [1, 0]


def test_a_baseline_from_before_has_one_rank() -> None:
    earlier = [make_inputs([1, 4], [[1, 2, 3]] * 2, [9, 9], np.array([1, 0]), model) for model in MODELS]
    assert outputs.read_outputs(earlier[1], "baseline", k=3, by_default=True).place.tolist() == [1, 0]
    earlier[1][tfma.PREDICTIONS_KEY]["baseline"]["default_rank"] = np.array([5, 2])
    assert outputs.read_outputs(earlier[1], "baseline", k=3, by_default=True).place.tolist() == [0, 2], "and later two"
    with pytest.raises(ValueError, match="of model 'candidate' must return"):
        outputs.read_outputs(earlier[0], "candidate", k=3, by_default=True)


def test_a_list_may_be_as_short_as_the_catalogue() -> None:
    inputs = make_inputs([2], [[2, 1]], [2], np.array([1]))
    assert outputs.read_outputs(inputs, "", k=10).items.tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (make_inputs([1], [[1, 2]], [9], np.array([1])), r"`top_items` of the model holds 2 items, yet .* k = 3"),
        (make_inputs([1], [[1, 2, 10]], [9], np.array([1])), r"`top_items` .* must lie in 0..9. Received: 1 to 10."),
        (make_inputs([1], [[1, 2, -1]], [9], np.array([1])), "must lie in 0..9. Received: -1 to 2."),
        (make_inputs([1, 1], [[1, 2, 3]] * 2, [9, 8], np.array([1, 1])), "one positive number. Received: .8, 9."),
        (make_inputs([1], [[1, 2, 3]], [9], None), "needs one `target_is_positive` .0 or 1.. Received: none."),
        (make_inputs([1, 2], [[1, 2, 3]] * 2, [9, 9], np.array([1])), "Received: 1 for 2 examples"),
        (make_inputs([1], [[1, 2, 3]], [9], np.array([2])), "must be 0 or 1. Received: .2."),
        (
            tfma.metrics.StandardMetricInputs({"predictions": {"rank": np.array([1])}, "labels": np.array([1])}),
            "must return rank, top_items, catalogue_size. Received: .'rank'.",
        ),
        (
            tfma.metrics.StandardMetricInputs({"predictions": np.array([0.5]), "labels": np.array([1])}),
            "must return rank, top_items, catalogue_size. Received: ndarray.",
        ),
    ],
)
def test_refuses(inputs: tfma.metrics.StandardMetricInputs, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        outputs.read_outputs(inputs, "", k=3)


def test_counts_each_item_of_a_list_and_no_padding() -> None:
    answers = outputs.read_outputs(make_inputs([1, 1], [[1, 2, 0], [3, 1, 0]], [4, 4], np.array([1, 0])), "", k=3)
    exposure = outputs.add_exposure(None, answers, "")
    assert exposure.tolist() == [0, 2, 1, 1, 0]
    merged = outputs.merge_exposures(exposure, np.array([0, 0, 0, 1, 1]), "")
    assert merged is not None
    assert merged.tolist() == [0, 2, 1, 2, 1]
    assert exposure.tolist() == [0, 2, 1, 1, 0]


def test_notes_the_information_of_what_is_listed() -> None:
    inputs = make_inputs([1, 1], [[1, 2, 0], [3, 1, 0]], [4, 4], np.array([1, 0]))
    assert outputs.note_bits(None, outputs.read_outputs(inputs, "", k=3)) is None, "an export from before"
    inputs[tfma.PREDICTIONS_KEY]["top_information"] = np.array([[0.5, 2.5, 0.0, 9.0], [3.5, 0.5, 0.0, 9.0]])
    inputs[tfma.PREDICTIONS_KEY]["target_bucket"] = np.array([2, -1])
    answers = outputs.read_outputs(inputs, "", k=3)
    assert answers.target_bucket is not None
    assert answers.target_bucket.tolist() == [2, -1]
    bits = outputs.note_bits(None, answers)
    assert bits is not None
    assert bits.tolist() == [0.0, 0.5, 2.5, 3.5, 0.0]
    merged = outputs.merge_bits(bits, np.array([0.0, 0.5, 0.0, 0.0, 7.5]))
    assert merged is not None
    assert merged.tolist() == [0.0, 0.5, 2.5, 3.5, 7.5]
    assert outputs.merge_bits(None, None) is None


def test_counts_the_groups_of_the_list_that_is_looked_at() -> None:
    inputs = make_inputs([1, 1], [[1, 2, 3], [3, 1, 0]], [4, 4], np.array([1, 0]))
    assert outputs.read_outputs(inputs, "", k=3).pairs is None, "an export from before"
    inputs[tfma.PREDICTIONS_KEY]["top_groups"] = np.array([[7, 7, 7], [5, 7, 0]])
    found = outputs.read_outputs(inputs, "", k=2).pairs
    assert found is not None
    assert found.tolist() == [[0, 0, 2], [0, 0, 1]], "the third place is beyond k"


def test_one_model_has_one_catalogue() -> None:
    with pytest.raises(ValueError, match="Model 'candidate' gave two catalogue sizes: 4 and 5"):
        outputs.merge_exposures(np.zeros(5, np.int64), np.zeros(6, np.int64), "candidate")
