import json

import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import json_format, text_format
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config, eval_config, thresholds
from pnfrec_core import measures
from pnfrec_core.provenance import code_version

GATE = config.GateConfig(
    bounds={
        "ndcg_p": config.BoundConfig(min=0.05, max_loss=0.01),
        "hr_n": config.BoundConfig(max=0.1, max_loss=0.02),
        "mrr_delta": config.BoundConfig(max_loss=0.03),
    },
    k=20,
)
SLACK = thresholds.TOLERANCE


def test_models() -> None:
    made = eval_config.make_eval_config(GATE)
    assert [(spec.name, spec.is_baseline) for spec in made.model_specs] == [("candidate", False), ("baseline", True)]
    assert {(spec.signature_name, spec.label_key, spec.model_type) for spec in made.model_specs} == {
        ("rank_examples", "target_is_positive", "tf_generic")
    }
    alone = eval_config.make_eval_config(GATE, with_baseline=False)
    assert [spec.name for spec in alone.model_specs] == ["candidate"]


def test_slices() -> None:
    made = eval_config.make_eval_config(GATE)
    assert [list(spec.feature_keys) for spec in made.slicing_specs] == [
        [], ["history_length_bucket"], ["target_popularity_bucket"],
    ]  # fmt: skip


def test_metrics() -> None:
    [spec] = eval_config.make_eval_config(GATE).metrics_specs
    found = [(metric.class_name, metric.module, json.loads(metric.config)) for metric in spec.metrics]
    module = "components.gate.metrics"
    assert found == [
        *(("RankingMetric", module, {"k": 20, "name": name}) for name in measures.METRICS),
        ("RankingDetails", module, {"k": 20, "code": code_version(*eval_config.SOURCES)}),
    ]


def test_a_bound_of_the_list_without_dislikes_brings_its_metrics() -> None:
    gate = config.GateConfig(bounds={"default_hr_n": config.BoundConfig(max=0.1, max_loss=0.02)}, k=20)
    made = tfma.utils.update_eval_config_with_defaults(eval_config.make_eval_config(gate), has_baseline=True)
    found = [(metric.class_name, json.loads(metric.config)) for metric in made.metrics_specs[0].metrics]
    assert found == [
        *(("RankingMetric", {"k": 20, "name": name}) for name in (*measures.METRICS, *config.DEFAULT_METRICS)),
        ("RankingDetails", {"k": 20, "code": code_version(*eval_config.SOURCES)}),
        ("RankingDetails", {"k": 20, "name": "default_ranking_details"}),
    ]
    thresholds = metric_specs.metric_thresholds_from_metrics_specs(made.metrics_specs, eval_config=made)
    assert sorted((key.name, key.is_diff) for key in thresholds if key.model_name == "candidate") == [
        ("default_hr_n", False), ("default_hr_n", True), ("hr_n", False), ("hr_p", False),
    ]  # fmt: skip


def test_thresholds_belong_to_their_metric_and_to_all_examples() -> None:
    made = tfma.utils.update_eval_config_with_defaults(eval_config.make_eval_config(GATE), has_baseline=True)
    thresholds = metric_specs.metric_thresholds_from_metrics_specs(made.metrics_specs, eval_config=made)
    found = {
        (key.name, key.is_diff): [(text_format.MessageToString(where), limit) for where, limit in limits]
        for key, limits in thresholds.items()
        if key.model_name == "candidate"
    }
    higher, lower = config_pb2.MetricDirection.HIGHER_IS_BETTER, config_pb2.MetricDirection.LOWER_IS_BETTER
    value, change = config_pb2.GenericValueThreshold, config_pb2.GenericChangeThreshold
    assert found == {
        ("ndcg_p", False): [("", value(lower_bound={"value": 0.05 - SLACK}, upper_bound={"value": 1.0 + SLACK}))],
        ("ndcg_p", True): [("", change(direction=higher, absolute={"value": -(0.01 + SLACK)}))],
        # No bound names it, but its group may not be empty.
        ("hr_p", False): [("", value(lower_bound={"value": 0.0 - SLACK}, upper_bound={"value": 1.0 + SLACK}))],
        ("hr_n", False): [("", value(lower_bound={"value": 0.0 - SLACK}, upper_bound={"value": 0.1 + SLACK}))],
        ("hr_n", True): [("", change(direction=lower, absolute={"value": 0.02 + SLACK}))],
        ("mrr_delta", False): [("", value(lower_bound={"value": -1.0 - SLACK}, upper_bound={"value": 1.0 + SLACK}))],
        ("mrr_delta", True): [("", change(direction=higher, absolute={"value": -(0.03 + SLACK)}))],
    }


@pytest.mark.parametrize("with_baseline", [True, False])
def test_without_a_baseline_only_values_are_bounded(with_baseline: bool) -> None:
    # As the Evaluator prepares the settings where no baseline was resolved.
    made = tfma.utils.update_eval_config_with_defaults(
        eval_config.make_eval_config(GATE, with_baseline), has_baseline=False, rubber_stamp=True
    )
    thresholds = metric_specs.metric_thresholds_from_metrics_specs(made.metrics_specs, eval_config=made)
    assert sorted((key.name, key.model_name, key.is_diff) for key in thresholds) == [
        ("hr_n", "", False), ("hr_p", "", False), ("mrr_delta", "", False), ("ndcg_p", "", False),
    ]  # fmt: skip


@pytest.mark.parametrize("with_baseline", [True, False])
def test_survives_json(with_baseline: bool) -> None:
    # TFX hands the settings to the executor as JSON.
    made = eval_config.make_eval_config(GATE, with_baseline)
    assert json_format.Parse(json_format.MessageToJson(made), config_pb2.EvalConfig()) == made
