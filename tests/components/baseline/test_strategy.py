"""Which model a candidate is compared with."""

from typing import Any

import pytest
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.baseline.strategy import LastBlessedOtherModel


def model(number: int) -> Any:
    artifact = standard_artifacts.Model()
    artifact.id = number
    return artifact


def blessing(number: int, of: int, blessed: bool) -> Any:
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = number
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, of)
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    return artifact


@pytest.mark.parametrize(
    ("blessings", "candidate", "expected"),
    [
        ([], 1, None),
        ([(11, 1, True)], 1, None),  # the candidate itself, run again
        ([(11, 1, True)], 2, 1),
        ([(11, 1, True), (12, 2, False)], 3, 1),  # a refused model is no baseline
        ([(11, 1, True), (12, 2, True)], 3, 2),
        ([(11, 1, True), (12, 2, True)], 2, 1),  # as when 2 was judged first
        ([(12, 2, True), (13, 1, True)], 3, 1),  # blessed last, though trained first
        ([(11, 9, True)], 1, None),  # a model that is gone
    ],
)
def test_the_last_blessed_model_that_is_another(
    blessings: list[tuple[int, int, bool]], candidate: int, expected: int | None
) -> None:
    inputs = {
        "model": [model(3), model(1), model(2)],
        "model_blessing": [blessing(*each) for each in blessings],
        "candidate": [model(candidate)],
    }
    found = LastBlessedOtherModel().resolve_artifacts(None, inputs)
    assert found is not None
    assert [artifact.id for artifact in found["model"]] == ([] if expected is None else [expected])
    judged = [a.get_int_custom_property("current_model_id") for a in found["model_blessing"]]
    assert judged == ([] if expected is None else [expected])
