from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.api import types

from components.gate import eval_config, extractors
from tests.components.gate import runs

BATCH: dict[str, Any] = {
    "features": {
        "bucket": np.array([[b"low"], [b"high"], [b"low"]], dtype=object),
        "user_id": np.array([[b"a"], [b"b"], [b"c"]], dtype=object),
    },
    "labels": {"candidate": np.array([[1], [0], [1]])},
    "predictions": {"candidate": {"rank": np.array([1, 2, 3]), "top_items": np.array([[1, 2], [3, 4], [5, 6]])}},
}


def as_plain(part: dict[str, Any]) -> Any:
    answers = part["predictions"]["candidate"]
    return (
        part["_slice_key_types"].tolist(),
        part["labels"]["candidate"].tolist(),
        answers["rank"].tolist(),
        answers["top_items"].tolist(),
    )


def test_one_batch_for_all_and_one_for_each_value() -> None:
    assert tfma.SLICE_KEY_TYPES_KEY == "_slice_key_types"
    assert [as_plain(part) for part in extractors.slice_batch(BATCH, ["bucket"])] == [
        ([()], [1, 0, 1], [1, 2, 3], [[1, 2], [3, 4], [5, 6]]),
        ([(("bucket", "high"),)], [0], [2], [[3, 4]]),
        ([(("bucket", "low"),)], [1, 1], [1, 3], [[1, 2], [5, 6]]),
    ]


def variable(rows: list[int], values: Any, examples: int = 3) -> Any:
    """A column as TFMA reads it under a schema."""
    indices = np.array([[row, 0] for row in rows])
    return types.VarLenTensorValue(np.array(values), indices, np.array([examples, 1]))


def test_columns_of_variable_length() -> None:
    under_schema = {
        **BATCH,
        "features": {"bucket": variable([0, 1, 2], [b"low", b"high", b"low"])},
        "labels": {"candidate": variable([0, 1, 2], [1, 0, 1])},
    }
    found = [as_plain(part) for part in extractors.slice_batch(under_schema, ["bucket"])]
    assert found == [as_plain(part) for part in extractors.slice_batch(BATCH, ["bucket"])]


@pytest.mark.parametrize("labels", [None, variable([0, 2], [1, 1]), variable([0, 0, 2], [1, 1, 1]), np.ones((3, 2))])
def test_every_example_needs_one_label(labels: Any) -> None:
    with pytest.raises(ValueError, match="one value of the feature `target_is_positive`"):
        list(extractors.slice_batch({**BATCH, "labels": labels}, []))


def test_every_example_needs_a_value() -> None:
    with pytest.raises(ValueError, match="one value of the feature `age`"):
        list(extractors.slice_batch(BATCH, ["age"]))


def test_replaces_taking_batches_apart(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("first")
    made = eval_config.make_eval_config(run.case.gate, with_baseline=False)
    model = tfma.default_eval_shared_model(f"{run.model.uri}/Format-Serving", eval_config=made)
    stages = [one.stage_name for one in extractors.custom_extractors(model, made, None)]
    stock = [one.stage_name for one in tfma.default_extractors(eval_shared_model=model, eval_config=made)]
    assert stock[-2:] == ["ExtractUnbatchedInputs", "ExtractSliceKeys"]
    assert stages == [*stock[:-2], "ExtractSliceKeys"]
