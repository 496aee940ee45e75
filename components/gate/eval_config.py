"""The gate's settings as TFMA understands them."""

import json

import tensorflow_model_analysis as tfma
from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config
from components.gate.origin import EVALUATION
from pnfrec_core import schema

_MODULE = "components.gate.metrics"


def make_eval_config(gate: config.GateConfig, with_baseline: bool = True) -> config_pb2.EvalConfig:
    """Settings for `Evaluator(eval_config=...)`: models, slices, metrics and their bounds.

    The baseline may always be named: where the pipeline has no blessed model yet, the Evaluator takes the baseline and
    every change threshold out again. Bounds hold for all examples together, not for slices.

    Args:
        gate: Bounds, list length and slices.
        with_baseline: False for an evaluation of one model alone: no baseline and no bound on changes.
    """
    models = [_model_spec(tfma.CANDIDATE_KEY)]
    if with_baseline:
        models.append(_model_spec(tfma.BASELINE_KEY, is_baseline=True))
    # All of a list or none of it: the interval of a difference needs both its parts.
    names = (*config.METRICS, *(config.DEFAULT_METRICS if gate.judges_default else ()))
    metrics = [_ranking_metric(metric, gate, with_baseline) for metric in names]
    metrics.append(_metric_config("RankingDetails", k=gate.k, code=EVALUATION.digest()))
    if gate.judges_default:
        metrics.append(_metric_config("RankingDetails", k=gate.k, name=config.DEFAULT_PREFIX + config.DETAILS))
    slices = [config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in gate.slices)]
    options = config_pb2.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False))
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=slices,
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
        options=options,
    )


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
    if name in gate.bounds or name in config.REQUIRED:
        # Without slicing specs a threshold would hold for every slice too.
        threshold = _threshold(name, gate.bounds.get(name), with_baseline)
        result.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)
    return result


def _metric_config(class_name: str, **arguments: int | str) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(class_name=class_name, module=_MODULE, config=json.dumps(arguments, sort_keys=True))


def _threshold(metric: str, bound: config.BoundConfig | None, with_baseline: bool) -> config_pb2.MetricThreshold:
    """Thresholds of `bound`; None asks for any value but NaN.

    A missing `min` or `max` becomes the end of the metric's range: that refuses nothing but NaN, and it makes the
    Evaluator judge a model of which only the change is bounded when there is no baseline yet (without any threshold it
    would write no blessing).
    """
    lowest, highest = config.value_range(metric)
    lower = (lowest if bound is None or bound.min is None else bound.min) - config.ROUNDING_SLACK
    upper = (highest if bound is None or bound.max is None else bound.max) + config.ROUNDING_SLACK
    result = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(
            lower_bound=wrappers_pb2.DoubleValue(value=lower), upper_bound=wrappers_pb2.DoubleValue(value=upper)
        )
    )
    if bound is not None and bound.max_loss is not None and with_baseline:
        tolerance = bound.max_loss + config.ROUNDING_SLACK
        rising = config.higher_is_better(metric)
        direction = (
            config_pb2.MetricDirection.HIGHER_IS_BETTER if rising else config_pb2.MetricDirection.LOWER_IS_BETTER
        )
        result.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                direction=direction, absolute=wrappers_pb2.DoubleValue(value=-tolerance if rising else tolerance)
            )
        )
    return result
