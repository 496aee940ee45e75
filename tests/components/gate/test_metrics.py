import itertools
import pickle
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from apache_beam.testing import util
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config, metrics
from components.gate.tally import Summary
from pnfrec_core import measures
from tests.components.gate import world

CATALOGUE = {"candidate": 8, "baseline": 10}
MODELS = ["candidate", "baseline"]


def make_inputs(labels: list[int], answers: dict[str, list[world.Answer]]) -> tfma.metrics.StandardMetricInputs:
    """A batch as TFMA hands it to a metric of two models."""
    predictions = {
        model: {
            "rank": np.array([answer.rank for answer in batch]),
            "top_items": np.array([answer.items for answer in batch]),
            "catalogue_size": np.full(len(batch), CATALOGUE[model]),
        }
        for model, batch in answers.items()
    }
    group = np.array(labels).reshape(-1, 1)
    return tfma.metrics.StandardMetricInputs({"labels": dict.fromkeys(answers, group), "predictions": predictions})


def world_inputs(users: str) -> tfma.metrics.StandardMetricInputs:
    return make_inputs(
        [world.USERS[user][0] for user in users],
        {"candidate": [world.CANDIDATE[user] for user in users], "baseline": [world.BASELINE[user] for user in users]},
    )


def combine(combiner: metrics.RankingCombiner, batches: list[Any]) -> metrics.RankingAccumulator:
    accumulator = combiner.create_accumulator()
    for batch in batches:
        accumulator = combiner.add_input(accumulator, batch)
    return accumulator


def as_plain(outputs: dict[Any, Summary]) -> dict[str, Any]:
    return {
        key.model_name: (
            found.ranks.tolist(),
            found.lists.get("coverage"),
            None if found.pairs is None else found.pairs.tolist(),
        )
        for key, found in outputs.items()
    }


def test_counts_of_the_world() -> None:
    combiner = metrics.RankingCombiner(world.K, MODELS, "baseline")
    found = as_plain(combiner.extract_output(combine(combiner, [world_inputs("abcdefg")])))
    # Rows: group n, group p; columns: miss, rank 1, 2, 3. Pairs: [group][rank here][rank under the baseline].
    pairs = np.zeros((2, 4, 4), int)
    pairs[1, 1, 2] = pairs[1, 3, 0] = pairs[1, 0, 1] = pairs[1, 0, 0] = 1  # a, b, c, d
    pairs[0, 2, 1] = pairs[0, 0, 3] = pairs[0, 0, 0] = 1  # e, f, g
    assert found == {
        "candidate": ([[2, 0, 1, 0], [2, 1, 0, 1]], 5 / 8, pairs.tolist()),
        "baseline": ([[1, 1, 0, 1], [2, 1, 1, 0]], 6 / 10, None),
    }


ANSWERS = st.builds(world.Answer, st.integers(0, 12), st.lists(st.integers(0, 8), min_size=3, max_size=3).map(tuple))
EXAMPLES = st.lists(st.tuples(st.integers(0, 1), ANSWERS, ANSWERS), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(examples=EXAMPLES, data=st.data())
def test_no_order_of_merging_and_no_batching_changes_a_count(examples: list[Any], data: st.DataObject) -> None:
    combiner = metrics.RankingCombiner(world.K, MODELS, "baseline")

    def batch(part: list[Any]) -> Any:
        labels, candidate, baseline = zip(*part, strict=True)
        return make_inputs(list(labels), {"candidate": list(candidate), "baseline": list(baseline)})

    together = as_plain(combiner.extract_output(combine(combiner, [batch(examples)])))
    shuffled = data.draw(st.permutations(examples))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(examples)), max_size=4)))
    parts = [shuffled[start:end] for start, end in itertools.pairwise([0, *cuts, len(examples)])]
    accumulators = [combine(combiner, [batch([example]) for example in part]) for part in parts]
    before = pickle.dumps(accumulators)
    merged = combiner.merge_accumulators(pickle.loads(before))
    nested = combiner.merge_accumulators(
        [combiner.create_accumulator(), combiner.merge_accumulators(accumulators[::-1])]
    )
    assert as_plain(combiner.extract_output(merged)) == together
    assert as_plain(combiner.extract_output(nested)) == together
    assert pickle.dumps(accumulators) == before


def test_nothing_seen() -> None:
    combiner = metrics.RankingCombiner(2, [""])
    found = combiner.extract_output(combiner.merge_accumulators([]))
    assert as_plain(found) == {"": ([[0, 0, 0], [0, 0, 0]], None, None)}


def test_in_a_beam_pipeline() -> None:
    combiner = metrics.RankingCombiner(world.K, MODELS, "baseline")
    expected = as_plain(combiner.extract_output(combine(combiner, [world_inputs("abcdefg")])))

    def check(found: Any) -> None:
        assert [as_plain(part) for part in found] == [expected]

    with beam.Pipeline(runner="DirectRunner") as pipeline:
        batches = [world_inputs(users) for users in ("ab", "c", "defg")]
        util.assert_that(pipeline | beam.Create(batches) | beam.CombineGlobally(combiner), check)


def config_of(wanted: list[Any]) -> config_pb2.EvalConfig:
    configs = [metric_specs.config_from_metric(metric) for metric in wanted]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(name="candidate"), config_pb2.ModelSpec(name="baseline", is_baseline=True)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=configs, model_names=MODELS)],
    )


def test_metric_config_round_trip() -> None:
    for metric in (metrics.RankingMetric(name="ndcg_delta", k=7), metrics.RankingDetails(k=7)):
        [spec] = config_of([metric]).metrics_specs
        rebuilt = metric_specs.metric_instance(spec.metrics[0])
        assert type(rebuilt) is type(metric)
        assert rebuilt.get_config() == metric.get_config()
    assert metrics.RankingMetric(name="ndcg_delta", k=7).get_config() == {"name": "ndcg_delta", "k": 7}


def test_all_metrics_share_one_computation() -> None:
    eval_config = config_of(
        [metrics.RankingMetric(name=name, k=3) for name in measures.METRICS] + [metrics.RankingDetails(3)]
    )
    computations = metric_specs.to_computations(eval_config.metrics_specs, eval_config=eval_config)
    combined = {one for one in computations if isinstance(one, tfma.metrics.MetricComputation)}
    derived = {one for one in computations if isinstance(one, tfma.metrics.DerivedMetricComputation)}
    assert (len(combined), len(derived)) == (1, len(measures.METRICS) + 1)


def test_the_list_without_dislikes_has_a_computation_of_its_own() -> None:
    default = [metrics.RankingMetric(name=name, k=3) for name in config.DEFAULT_METRICS]
    details = [metrics.RankingDetails(3), metrics.RankingDetails(3, name="default_ranking_details")]
    eval_config = config_of([metrics.RankingMetric(name="ndcg_p", k=3), *default, *details])
    computations = metric_specs.to_computations(eval_config.metrics_specs, eval_config=eval_config)
    combined = {one for one in computations if isinstance(one, tfma.metrics.MetricComputation)}
    derived = {one for one in computations if isinstance(one, tfma.metrics.DerivedMetricComputation)}
    assert (len(combined), len(derived)) == (2, len(config.DEFAULT_METRICS) + 3)


def test_computations_of_different_k_are_kept_apart() -> None:
    eval_config = config_of([metrics.RankingMetric(name="hr_p", k=1), metrics.RankingMetric(name="hr_n", k=2)])
    computations = metric_specs.to_computations(eval_config.metrics_specs, eval_config=eval_config)
    assert len({one for one in computations if isinstance(one, tfma.metrics.MetricComputation)}) == 2


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (metrics.RankingMetric(name="ndgc_p"), "Unknown metric 'ndgc_p'. Known: hr_p, "),
        (metrics.RankingMetric(name="ndcg_p", k=0), "`k` must be at least 1. Received: 0."),
    ],
)
def test_wrong_arguments_are_refused(metric: metrics.RankingMetric, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric.computations(model_names=[""])
