"""What a study asks for beside ranks, from prepared data on disk."""

from pathlib import Path

import numpy as np
import pytest

from pnfrec_core import schema
from pnfrec_keras.evaluation.evaluate import Floats
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.records import read_evaluation
from pnfrec_keras.examples.vocabulary import Vocabulary
from studies.run.further import further, relations_of
from studies.run.targets import days_of, keys_of
from tests.pnfrec_keras.writing import evaluation_example, training_example, write_records

ONES = np.ones(5, np.int64)
VOCABULARY = Vocabulary(["a", "b", "c", "d", "e"], ONES, ONES, groups={"a": "x", "b": "x"})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Who likes a likes b. Users u and v have liked d; later u dislikes a and, too late, likes c; v likes b."""
    trained = [training_example(name, [*"abd"], ["e"]) for name in ("s", "t")]
    write_records(tmp_path / "Split-train" / "data.gz", trained)
    for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT):
        targets = [
            evaluation_example([*"d"], [*"d"], "a", 0, "u", day=100.0),
            evaluation_example([*"d"], [*"da"], "c", 1, "u", day=107.0),
            evaluation_example([*"d"], [*"d"], "b", 1, "v", day=50.5),
        ]
        for place, records in enumerate((targets[:2], targets[2:])):
            write_records(tmp_path / f"Split-{split}" / f"data-{place}.gz", records)
    return tmp_path


def responsive(arrays: EvaluationArrays) -> Floats:
    """Items in their order, but b behind e for who dislikes a."""
    scores = np.tile([0.0, 9.0, 8.0, 7.0, 6.0, 5.0], (len(arrays), 1))
    assert arrays.negative is not None
    scores[(arrays.negative == 1).any(axis=1), 2] = 4.0
    return scores


def test_what_is_asked_for_is_told_of_each_target(data: Path) -> None:
    arrays = read_evaluation(str(data / "Split-test" / "*"), VOCABULARY, 4)
    assert days_of(data, "test").tolist() == [100.0, 107.0, 50.5]
    assert keys_of(data, "test").user.tolist() == ["u", "u", "v"]
    relations = relations_of(data, VOCABULARY, 4, None)
    assert [relation.kind for relation in relations] == ["coliked", "group"], "a baseline has no item vectors"
    found = further(responsive, arrays, data, "test", 1, relations, 7.0)
    # Of b, c, e the first becomes the last; c, next to it, goes from 2 to 1. Co-liked with a: b, and d, which was seen.
    expected = np.log2(3) + 1.0
    assert found.targets["response_group"][0] == pytest.approx(expected)
    assert found.targets["response_coliked"][0] == pytest.approx(expected)
    assert np.isnan(found.targets["response_group"][1:]).all()
    assert found.measures["response_group"] == pytest.approx(expected)
    np.testing.assert_array_equal(found.targets["later_listed"], [1.0, np.nan, 0.0])
    assert (found.measures["later_hr_n"], found.measures["later_hr_p"]) == (1.0, 0.0)
    assert found.measures["later_places_n"] == 0.5


def test_nothing_is_told_that_is_not_asked_for(data: Path) -> None:
    arrays = read_evaluation(str(data / "Split-test" / "*"), VOCABULARY, 4)
    assert further(responsive, arrays, data, "test", 1, [], 0.0) == ({}, {})
