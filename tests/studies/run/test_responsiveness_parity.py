"""What a dislike does, by the gate from the exported model, is what a study measures with the trained one."""

from pathlib import Path

import keras
import numpy as np
import pytest

from pnfrec_core import schema
from pnfrec_keras.evaluation.exported import responsiveness_of
from pnfrec_keras.evaluation.responsiveness import nearest
from pnfrec_keras.examples.records import read_evaluation
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from studies.inference_rule import InferenceRule
from studies.run.further import further
from studies.run.inference import recommender
from tests.pnfrec_keras.writing import evaluation_example, write_records

pytestmark = pytest.mark.tensorflow

ITEMS, LENGTH, K = 30, 5, 6
RANDOM = np.random.default_rng(0)
VOCABULARY = Vocabulary(
    *([f"i{number}" for number in range(ITEMS)], np.arange(ITEMS, 0, -1) + 9, RANDOM.integers(1, 9, ITEMS))
)


@pytest.fixture
def model() -> PNFRec:
    keras.utils.set_random_seed(6)
    made = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=K)
    weights = {name: RANDOM.normal(size=value.shape) for name, value in get_named_weights(made).items()}
    weights["item_embedding"][0] = 0
    set_named_weights(made, weights)
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    records = []
    for user in range(40):
        drawn = [f"i{item}" for item in RANDOM.permutation(ITEMS)[:8]]
        liked, disliked, target = drawn[:4], drawn[4 : 4 + user % 4], drawn[7]
        records.append(evaluation_example(liked, [*liked, *disliked], target, user % 3 == 0, f"u{user}"))
    for place, part in enumerate((records[:15], records[15:])):
        write_records(tmp_path / f"Split-{schema.TEST_SPLIT}" / f"data-{place}.gz", part)
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
