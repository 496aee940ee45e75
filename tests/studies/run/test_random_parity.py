"""What was shown at random: a run has, from the exported model, the numbers that a study has from the trained one."""

from pathlib import Path

import keras
import numpy as np
import pytest
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components.gate import evaluator
from components.gate.config import BoundConfig, GateConfig
from components.gate.report.results import read_evaluation, read_random
from pnfrec_core import measures, schema
from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.evaluation.ranked import measure
from pnfrec_keras.examples import records
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from studies.inference_rule import InferenceRule
from studies.run.inference import recommender
from tests.components.gate import runs
from tests.components.gate.test_shown_at_random import node
from tests.pnfrec_keras.writing import evaluation_example, write_records

pytestmark = pytest.mark.tensorflow

ITEMS, LENGTH, K, GAMMA = 30, 5, 6, 1.0
RANDOM = np.random.default_rng(0)
VOCABULARY = Vocabulary(
    *([f"i{number}" for number in range(ITEMS)], np.arange(ITEMS, 0, -1) + 9, RANDOM.integers(1, 9, ITEMS))
)
USERS = {schema.TEST_SPLIT: 25, schema.TEST_RANDOM_SPLIT: 40}


def trained() -> PNFRec:
    keras.utils.set_random_seed(6)
    made = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=K)
    weights = {name: RANDOM.normal(size=value.shape) for name, value in get_named_weights(made).items()}
    weights["item_embedding"][0] = 0
    set_named_weights(made, weights)
    return made


def write_examples(folder: Path) -> None:
    for split, users in USERS.items():
        written = []
        for user in range(users):
            drawn = [f"i{item}" for item in RANDOM.permutation(ITEMS)[:8]]
            liked, disliked, target = drawn[:4], drawn[4 : 4 + user % 4], drawn[7]
            written.append(evaluation_example(liked, [*liked, *disliked], target, user % 3 == 0, f"u{user}"))
        for place, part in enumerate((written[:15], written[15:])):
            write_records(folder / f"Split-{split}" / f"data-{place}.gz", part)


def test_a_run_has_the_numbers_of_the_study(tmp_path: Path) -> None:
    model = trained()
    write_examples(tmp_path / "examples")
    export_saved_model(model, VOCABULARY, tmp_path / "model" / "Format-Serving", rule="like_odds", gamma=GAMMA)
    examples = runs.make_artifact(standard_artifacts.Examples, tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(list(USERS))
    evaluation = runs.make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(runs.BEAM_ARGS), tmp_dir=str(tmp_path / "tmp"), unique_id="parity"
    )
    evaluator.Executor(context).Do(
        {"examples": [examples], "model": [runs.make_artifact(standard_artifacts.Model, tmp_path / "model")]},
        {
            "evaluation": [evaluation],
            "blessing": [runs.make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")],
        },
        dict(node(GateConfig(bounds={"ndcg_p": BoundConfig(min=0.0)}, k=K)).exec_properties),
    )
    at_random, test = read_random(evaluation.uri), read_evaluation(evaluation.uri, has_baseline=False).overall
    assert at_random is not None

    own = recommender(model, VOCABULARY, InferenceRule(rule="like_odds", gamma=[GAMMA]), GAMMA)
    for split, found in ((schema.TEST_SPLIT, test), (schema.TEST_RANDOM_SPLIT, at_random)):
        arrays = records.read_evaluation(str(tmp_path / "examples" / f"Split-{split}" / "*"), VOCABULARY, LENGTH)
        ranked = evaluate.rank_all(own, arrays, K)
        study = measure(ranked, K, VOCABULARY.counts, VOCABULARY.group_numbers())
        told = {name: found.candidate[name] for name in measures.METRICS}
        assert told == pytest.approx(study, rel=1e-9, nan_ok=True)
        assert found.candidate["count_p"] + found.candidate["count_n"] == USERS[split]
    assert at_random.candidate["ndcg_delta"] != test.candidate["ndcg_delta"]
