"""The TFMA metric that a bound on one slice is held against."""

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config, slices, tally
from components.gate.metrics import counts_key, shared_computation
from pnfrec_core import measures


class SliceMetric(tfma.metrics.Metric):
    """A metric under the name of one bound, which too few targets cannot break.

    TFMA holds a threshold against every slice that it names, however few examples the slice has. Where fewer than
    `least` targets stand behind the metric, this one gives a value within its bounds, to candidate and baseline alike,
    so that neither the value nor its change fails.

    Args:
        name: Of the bound (`slices.SliceBound.name`), which no other metric has.
        metric: One of `config.BOUNDABLE`.
        least: Targets from which on the bound is judged.
        stand_in: A value within the bounds.
        k: Length of the list.
    """

    def __init__(self, name: str, metric: str, least: int, stand_in: float, k: int = 10) -> None:
        super().__init__(_slice_metric, name=name, metric=metric, least=least, stand_in=stand_in, k=k)


metric_types.register_metric(SliceMetric)


def _slice_metric(
    name: str,
    metric: str,
    least: int,
    stand_in: float,
    k: int,
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: list[str] | None = None,
) -> list[Any]:
    models = model_names or [""]
    keys = [tfma.metrics.MetricKey(name=name, model_name=model) for model in models]
    derive = functools.partial(_derive, name=name, metric=metric, least=least, stand_in=stand_in, k=k, models=models)
    return [
        shared_computation(k, eval_config, models, config.is_default(metric)),
        tfma.metrics.DerivedMetricComputation(keys=keys, result=derive),
    ]


def _derive(
    metrics: Mapping[Any, Any], name: str, metric: str, least: int, stand_in: float, k: int, models: list[str]
) -> dict[Any, float]:
    by_default, measured = config.is_default(metric), metric.removeprefix(config.DEFAULT_PREFIX)
    found = {}
    for model in models:
        summary = metrics[counts_key(model, k, by_default)]
        sizes = [int(summary.ranks[measures.GROUPS[group]].sum()) for group in ("p", "n")]
        is_judged = slices.targets_of(measured, *sizes) >= least
        value = tally.metric_value(summary, measured) if is_judged else stand_in
        found[tfma.metrics.MetricKey(name=name, model_name=model)] = value
    return found
