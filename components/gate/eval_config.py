"""The gate's settings as TFMA understands them."""

import json
import math

import tensorflow_model_analysis as tfma
from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config, thresholds
from components.gate.origin import EVALUATION
from components.gate.slices import SliceBound
from pnfrec_core import measures, schema

_MODULE = "components.gate.metrics"
_SLICE_MODULE = "components.gate.slice_metric"


def make_eval_config(gate: config.GateConfig, with_baseline: bool = True) -> config_pb2.EvalConfig:
    """Settings for `Evaluator(eval_config=...)`: models, slices, metrics and their bounds.

    The baseline may always be named: where the pipeline has no blessed model yet, the Evaluator takes the baseline and
    every change threshold out again. `bounds` hold for all examples together, `slice_bounds` for one slice each.

    Args:
        gate: Bounds, list length and slices.
        with_baseline: False for an evaluation of one model alone: no baseline and no bound on changes.
    """
    metrics = [_ranking_metric(metric, gate, with_baseline) for metric in _names(gate)]
    metrics += [*_details(gate), *(_slice_metric(each, gate, with_baseline) for each in gate.each_slice_bound)]
    slices = [config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in gate.slices)]
    return _eval_config(metrics, slices, with_baseline)


def make_unjudged_config(gate: config.GateConfig) -> config_pb2.EvalConfig:
    """The same models and measures without a slice and without a bound, for examples that nothing is judged by.

    Args:
        gate: Its `k`, and which lists it looks at.
    """
    metrics = [_metric_config("RankingMetric", k=gate.k, name=metric) for metric in _names(gate)]
    return _eval_config([*metrics, *_details(gate)], [config_pb2.SlicingSpec()], with_baseline=True)


def _eval_config(
    metrics: list[config_pb2.MetricConfig], slices: list[config_pb2.SlicingSpec], with_baseline: bool
) -> config_pb2.EvalConfig:
    models = [_model_spec(tfma.CANDIDATE_KEY)]
    if with_baseline:
        models.append(_model_spec(tfma.BASELINE_KEY, is_baseline=True))
    options = config_pb2.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False))
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=slices,
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
        options=options,
    )


def _names(gate: config.GateConfig) -> tuple[str, ...]:
    # All of a list or none of it: the interval of a difference needs both its parts.
    return (*measures.METRICS, *(config.DEFAULT_METRICS if gate.judges_default else ()))


def _details(gate: config.GateConfig) -> list[config_pb2.MetricConfig]:
    found = [_metric_config("RankingDetails", k=gate.k, code=EVALUATION.digest())]
    if gate.judges_default:
        found.append(_metric_config("RankingDetails", k=gate.k, name=config.DEFAULT_PREFIX + config.DETAILS))
    return found


def _model_spec(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=is_baseline,
        signature_name=schema.RANK_SIGNATURE,
        label_key=schema.TARGET_IS_POSITIVE,
        model_type="tf_generic",  # keeps TFMA from loading the model through Keras 2
    )


def _ranking_metric(name: str, gate: config.GateConfig, with_baseline: bool) -> config_pb2.MetricConfig:
    result = _metric_config("RankingMetric", k=gate.k, name=name)
    bound = gate.bounds.get(name)
    if thresholds.must_be_defined(name, bound):
        # Without slicing specs a threshold would hold for every slice too.
        threshold = _threshold(name, bound, with_baseline)
        result.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)
    return result


def _slice_metric(each: SliceBound, gate: config.GateConfig, with_baseline: bool) -> config_pb2.MetricConfig:
    low, high = thresholds.value_limits(each.metric, each.bound)
    result = _metric_config(
        "SliceMetric",
        _SLICE_MODULE,
        k=gate.k,
        name=each.name,
        metric=each.metric,
        least=gate.slice_min_targets,
        stand_in=(low + high) / 2,
    )
    threshold = _threshold(each.metric, each.bound, with_baseline)
    result.per_slice_thresholds.add(
        slicing_specs=[config_pb2.SlicingSpec(feature_values={each.feature: each.value})], threshold=threshold
    )
    return result


def _metric_config(class_name: str, module: str = _MODULE, **arguments: float | str) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(class_name=class_name, module=module, config=json.dumps(arguments, sort_keys=True))


def _threshold(metric: str, bound: config.BoundConfig | None, with_baseline: bool) -> config_pb2.MetricThreshold:
    """Thresholds of `bound`; None allows any value but NaN.

    There is always a threshold of the value: it makes the Evaluator judge a model of which only the change is bounded
    when there is no baseline yet (without any threshold it would write no blessing).
    """
    low, high = thresholds.value_limits(metric, bound)
    result = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(
            lower_bound=wrappers_pb2.DoubleValue(value=low), upper_bound=wrappers_pb2.DoubleValue(value=high)
        )
    )
    change = thresholds.of_change(metric, bound) if bound is not None and with_baseline else None
    if change is not None:
        # TFMA takes the one end that a change has, and from the direction which end that is.
        rising = math.isfinite(change.low)
        directions = config_pb2.MetricDirection
        result.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                direction=directions.HIGHER_IS_BETTER if rising else directions.LOWER_IS_BETTER,
                absolute=wrappers_pb2.DoubleValue(value=change.low if rising else change.high),
            )
        )
    return result
