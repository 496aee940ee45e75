"""What a dislike does, by the gate from the exported model, is what a study measures with the trained one."""

from pathlib import Path

import numpy as np
import pytest

from pnfrec_core import schema
from pnfrec_keras.evaluation.exported import responsiveness_of
from pnfrec_keras.evaluation.responsiveness import nearest
from pnfrec_keras.examples.records import read_evaluation
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from studies.inference_rule import InferenceRule
from studies.run.further import further
from studies.run.inference import recommender
from tests.studies.run.made_up_model import LENGTH, VOCABULARY, K, make_model, write_examples

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def model() -> PNFRec:
    return make_model()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_examples(tmp_path / f"Split-{schema.TEST_SPLIT}", 40)
    return tmp_path


@pytest.mark.parametrize(("rule", "gamma"), [("like_odds", 1.0), ("difference", 0.7), ("like_odds", 0.0)])
def test_the_gate_has_the_number_of_the_study(
    tmp_path: Path, model: PNFRec, data: Path, rule: str, gamma: float
) -> None:
    folder, pattern = tmp_path / "model", str(data / "Split-test" / "*")
    export_saved_model(model, VOCABULARY, folder, rule=rule, gamma=gamma)
    arrays = read_evaluation(pattern, VOCABULARY, LENGTH)
    own = recommender(model, VOCABULARY, InferenceRule(rule=rule, gamma=[gamma]), gamma)
    relations = [nearest(np.array(model.item_embedding.embeddings))]
    study = further(own, arrays, data, schema.TEST_SPLIT, K, relations, 0.0)
    found = responsiveness_of(str(folder), pattern, K, 0)
    assert {name: found[name] for name in study.measures} == pytest.approx(study.measures, rel=1e-9)
    assert found["targets"] == np.count_nonzero(arrays.is_positive == 0) == 26
    moved = study.targets["response_near"][arrays.is_positive == 0]
    assert found["error"] == pytest.approx(moved.std(ddof=1) / np.sqrt(26), rel=1e-5)
    assert (found["response_near"] != 0) == (gamma > 0)


def test_of_many_targets_some_are_looked_at(tmp_path: Path, model: PNFRec, data: Path) -> None:
    folder, pattern = tmp_path / "model", str(data / "Split-test" / "*")
    export_saved_model(model, VOCABULARY, folder, rule="like_odds", gamma=1.0)
    whole = responsiveness_of(str(folder), pattern, K, 26)
    assert whole == responsiveness_of(str(folder), pattern, K, 0)
    some = responsiveness_of(str(folder), pattern, K, 5)
    assert some["targets"] == 5
    assert some["response_near"] != whole["response_near"]
