"""TFMA metrics of ranking: HR, NDCG and MRR of both groups, their differences, and what the lists hold.

A model answers `rank_examples` with the rank of each example's target and the recommended list. The combiner counts
ranks and recommended items (integers, so that no order of merging changes a result); every named metric is derived
from those counts. TFMA's own ranking metrics drop queries without a hit, which a miss must not be.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.gate import config, outputs, tally
from pnfrec_core import lists, popularity

# Results whose name begins with one underscore stay inside TFMA.
_COUNTS_NAME = "_rank_counts"


class RankingMetric(tfma.metrics.Metric):
    """One of HR@k, NDCG@k and MRR@k of a group, of its difference p - n, or of the lists (spec, section 6).

    An example whose target has rank r in 1..k counts 1 (HR), 1 / log2(r + 1) (NDCG) or 1 / r (MRR), any other 0; the
    metric is the mean over the group's examples. What the lists of all hold is measured by `pnfrec_core.lists`. No
    example gives NaN.

    Args:
        name: One of `measures.METRICS`, or of `config.DEFAULT_METRICS` for the list of `serving_default`.
        k: Length of the list.
    """

    def __init__(self, name: str, k: int = 10) -> None:
        super().__init__(_ranking_metric, name=name, k=k)


class RankingDetails(tfma.metrics.Metric):
    """Sizes of the groups and standard errors of their means, and of their paired change against the baseline.

    Args:
        k: Length of the list.
        name: Of the metric, with `config.DEFAULT_PREFIX` for the list of `serving_default`; its values have the names
            of `config.count_name`, `error_name` and `change_error_name`, with the same prefix.
        code: Changes nothing, but makes the settings of another code's evaluation others: TFX compares them.
    """

    def __init__(self, k: int = 10, name: str = config.DETAILS, code: str = "") -> None:
        del code
        super().__init__(_ranking_details, name=name, k=k)


metric_types.register_metric(RankingMetric)
metric_types.register_metric(RankingDetails)


def _ranking_metric(
    name: str, k: int, eval_config: config_pb2.EvalConfig | None = None, model_names: list[str] | None = None
) -> list[Any]:
    if name not in config.MEASURED:
        msg = f"Unknown metric {name!r}. Known: {', '.join(config.MEASURED)}."
        raise ValueError(msg)
    models = model_names or [""]
    keys = [tfma.metrics.MetricKey(name=name, model_name=model) for model in models]
    derive = functools.partial(_derive_metric, name=name, k=k, model_names=models)
    return [
        shared_computation(k, eval_config, models, config.is_default(name)),
        tfma.metrics.DerivedMetricComputation(keys=keys, result=derive),
    ]


def _ranking_details(
    name: str, k: int, eval_config: config_pb2.EvalConfig | None = None, model_names: list[str] | None = None
) -> list[Any]:
    models = model_names or [""]
    keys = [tfma.metrics.MetricKey(name=name, model_name=model) for model in models]
    by_default = config.is_default(name)
    derive = functools.partial(_derive_details, k=k, model_names=models, by_default=by_default)
    return [
        shared_computation(k, eval_config, models, by_default),
        tfma.metrics.DerivedMetricComputation(keys=keys, result=derive),
    ]


def shared_computation(
    k: int, eval_config: config_pb2.EvalConfig | None, model_names: list[str], by_default: bool
) -> Any:
    """The one pass over the examples; TFMA drops the equal copies that every metric brings."""
    if k < 1:
        msg = f"`k` must be at least 1. Received: {k}."
        raise ValueError(msg)
    specs = eval_config.model_specs if eval_config is not None else []
    baselines = [spec.name for spec in specs if spec.is_baseline and spec.name in model_names]
    return tfma.metrics.MetricComputation(
        keys=[counts_key(model, k, by_default) for model in model_names],
        preprocessors=None,
        combiner=RankingCombiner(k, model_names, baselines[0] if baselines else None, by_default),
    )


def counts_key(model_name: str, k: int, by_default: bool) -> Any:
    # The name holds k and the list: metrics of different ones must not be taken for the same computation.
    which = "_default" if by_default else ""
    return tfma.metrics.MetricKey(name=f"{_COUNTS_NAME}{which}_{k}", model_name=model_name)


def _derive_metric(metrics: Mapping[Any, Any], name: str, k: int, model_names: list[str]) -> dict[Any, float]:
    by_default, measured = config.is_default(name), name.removeprefix(config.DEFAULT_PREFIX)
    return {
        tfma.metrics.MetricKey(name=name, model_name=model): tally.metric_value(
            metrics[counts_key(model, k, by_default)], measured
        )
        for model in model_names
    }


def _derive_details(metrics: Mapping[Any, Any], k: int, model_names: list[str], by_default: bool) -> dict[Any, float]:
    prefix = config.DEFAULT_PREFIX if by_default else ""
    return {
        tfma.metrics.MetricKey(name=prefix + name, model_name=model): value
        for model in model_names
        for name, value in tally.details(metrics[counts_key(model, k, by_default)]).items()
    }


class RankingAccumulator:
    """Counts of ranks and of recommended items, a row for each model.

    Attributes:
        ranks: Examples by model, group and rank (0: miss), int64, shape (models, 2, k + 1).
        pairs: Examples by model, group, rank and rank under the baseline, shape (models, 2, k + 1, k + 1), or None.
        exposure: By model, in how many lists each item index stands, shape (catalogue size + 1,); None before any
            example.
        bits: By model, the self-information of these items, of the same shape; None also where the model does not tell.
        targets: By model, liked targets in each bucket of popularity, int64, shape (models, 3); 0 where it does not
            tell.
        groups: By model, lists and pairs of one group in them (`diversity.count_pairs`), int64, shape (models, 2, k +
            1); 0 where it does not tell.
    """

    __slots__ = ("bits", "exposure", "groups", "pairs", "ranks", "targets")

    def __init__(self, models: int, k: int, paired: bool) -> None:
        self.ranks: outputs.Integers = np.zeros((models, 2, k + 1), np.int64)
        self.pairs: outputs.Integers | None = np.zeros((models, 2, k + 1, k + 1), np.int64) if paired else None
        self.exposure: list[outputs.Integers | None] = [None] * models
        self.bits: list[outputs.Floats | None] = [None] * models
        self.targets: outputs.Integers = np.zeros((models, len(popularity.BUCKETS)), np.int64)
        self.groups: outputs.Integers = np.zeros((models, 2, k + 1), np.int64)


class RankingCombiner(beam.CombineFn):
    """Adds up what the models answered; an input holds one example or a batch of them.

    Args:
        k: Length of the list.
        model_names: Models to read; `""` where there is one.
        baseline: The one of them that the others are compared with example by example, if any.
        by_default: Whether to count the ranks of the list of `serving_default`.
    """

    def __init__(self, k: int, model_names: list[str], baseline: str | None = None, by_default: bool = False) -> None:
        super().__init__()
        self._by_default = by_default
        self._k = k
        self._model_names = model_names
        self._baseline = model_names.index(baseline) if baseline is not None else None

    def create_accumulator(self) -> RankingAccumulator:
        return RankingAccumulator(len(self._model_names), self._k, paired=self._baseline is not None)

    def add_input(self, accumulator: RankingAccumulator, element: Any) -> RankingAccumulator:
        if outputs.is_empty(element, self._model_names[0]):
            return accumulator
        places = []
        for row, model in enumerate(self._model_names):
            answers = outputs.read_outputs(element, model, self._k, self._by_default)
            np.add.at(accumulator.ranks[row], (answers.group, answers.place), 1)
            if not self._by_default:  # of whose list the model reports only the target's place
                self._add_lists(accumulator, row, answers)
            places.append((answers.group, answers.place))
        if accumulator.pairs is not None and self._baseline is not None:
            for row, (group, place) in enumerate(places):
                np.add.at(accumulator.pairs[row], (group, place, places[self._baseline][1]), 1)
        return accumulator

    def _add_lists(self, accumulator: RankingAccumulator, row: int, answers: outputs.RankOutputs) -> None:
        model = self._model_names[row]
        accumulator.exposure[row] = outputs.add_exposure(accumulator.exposure[row], answers, model)
        accumulator.bits[row] = outputs.note_bits(accumulator.bits[row], answers)
        if answers.target_bucket is not None:
            accumulator.targets[row] += lists.targets_in_buckets(answers.target_bucket, answers.group)
        if answers.pairs is not None:
            accumulator.groups[row] += answers.pairs

    def merge_accumulators(self, accumulators: Iterable[RankingAccumulator]) -> RankingAccumulator:
        result = self.create_accumulator()
        for other in accumulators:
            result.ranks += other.ranks
            if result.pairs is not None and other.pairs is not None:
                result.pairs += other.pairs
            result.targets += other.targets
            result.groups += other.groups
            for row, model in enumerate(self._model_names):
                merged = outputs.merge_exposures(result.exposure[row], other.exposure[row], model)
                result.exposure[row] = merged
                result.bits[row] = outputs.merge_bits(result.bits[row], other.bits[row])
        return result

    def extract_output(self, accumulator: RankingAccumulator) -> dict[Any, tally.Summary]:
        result = {}
        for row, model in enumerate(self._model_names):
            paired = accumulator.pairs is not None and row != self._baseline
            result[counts_key(model, self._k, self._by_default)] = tally.Summary(
                ranks=accumulator.ranks[row],
                lists=_list_metrics(accumulator, row),
                pairs=accumulator.pairs[row] if accumulator.pairs is not None and paired else None,
            )
        return result


def _list_metrics(accumulator: RankingAccumulator, row: int) -> dict[str, float]:
    exposure, bits = accumulator.exposure[row], accumulator.bits[row]
    if exposure is None:
        return {}
    told = None if bits is None else bits[1:]
    return lists.list_metrics(exposure[1:], told, accumulator.targets[row], accumulator.groups[row])
