"""What was shown at random: a run has, from the exported model, the numbers that a study has from the trained one."""

from pathlib import Path

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
from pnfrec_keras.export.saved_model import export_saved_model
from studies.inference_rule import InferenceRule
from studies.run.inference import recommender
from tests.components.gate import runs
from tests.components.gate.test_shown_at_random import node
from tests.studies.run.made_up_model import LENGTH, VOCABULARY, K, make_model, write_examples

pytestmark = pytest.mark.tensorflow

GAMMA = 1.0
USERS = {schema.TEST_SPLIT: 25, schema.TEST_RANDOM_SPLIT: 40}


def test_a_run_has_the_numbers_of_the_study(tmp_path: Path) -> None:
    model = make_model()
    for split, users in USERS.items():
        write_examples(tmp_path / "examples" / f"Split-{split}", users)
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
