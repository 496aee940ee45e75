"""From counts of ranks and of listed items to the named metrics. Pure numpy: what TFMA adds up is in `metrics`."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.gate import config
from pnfrec_core import lists, measures


@dataclasses.dataclass(frozen=True)
class Summary:
    """What one model did on the examples of one slice.

    Attributes:
        ranks: Examples by group (row 1 is the positive one) and rank; column 0 counts the misses. int64, shape (2, k +
            1).
        lists: Value of each of `lists.LIST_METRICS`; empty before the first example, and where nobody looks at items.
        pairs: Examples by group, rank here and rank under the baseline, shape (2, k + 1, k + 1); None without a
            baseline.
    """

    ranks: npt.NDArray[np.int64]
    lists: Mapping[str, float] = dataclasses.field(default_factory=dict)
    pairs: npt.NDArray[np.int64] | None = None


def metric_value(summary: Summary, metric: str) -> float:
    """Value of one of `measures.METRICS`: NaN where the group, or for the lists what they need, is empty."""
    if metric in lists.LIST_METRICS:
        return summary.lists.get(metric, math.nan)
    measure, group = measures.split_metric(metric)
    if group == measures.DELTA:
        return _mean(summary, measure, measures.POSITIVE_GROUP) - _mean(summary, measure, measures.NEGATIVE_GROUP)
    return _mean(summary, measure, group)


def details(summary: Summary) -> dict[str, float]:
    """Group sizes and standard errors by the names that `config` gives them; those of changes only with `pairs`."""
    k = summary.ranks.shape[1] - 1
    values = {config.count_name(group): float(summary.ranks[row].sum()) for group, row in measures.GROUPS.items()}
    for measure in measures.MEASURES:
        gains = measures.gain_table(measure, k)
        for group, row in measures.GROUPS.items():
            values[config.error_name(measure, group)] = _standard_error(summary.ranks[row], gains)
            if summary.pairs is not None:
                change = gains[:, np.newaxis] - gains[np.newaxis, :]  # (rank here, rank under the baseline)
                error = _standard_error(summary.pairs[row].ravel(), change.ravel())
                values[config.change_error_name(measure, group)] = error
    return values


def _mean(summary: Summary, measure: str, group: str) -> float:
    return measures.mean_of_counts(summary.ranks[measures.GROUPS[group]], measure)


def _standard_error(counts: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> float:
    """Of the mean of `values`, each of which was seen `counts` times; NaN below 2 observations."""
    total = int(counts.sum())
    if total < 2:
        return math.nan
    mean = float(counts @ values) / total
    squares = float(counts @ np.square(values - mean))
    return math.sqrt(squares / (total - 1) / total)
