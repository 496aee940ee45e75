"""From counts of ranks to the named metrics. Pure numpy: what TFMA adds up is in `metrics`."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from components.gate import config
from pnfrec_core import measures

POSITIVE, NEGATIVE = 1, 0
_GROUPS = {"p": POSITIVE, "n": NEGATIVE}


@dataclasses.dataclass(frozen=True)
class Summary:
    """What one model did on the examples of one slice.

    Attributes:
        ranks: Examples by group (row 1 is the positive one) and rank; column 0 counts the misses. int64, shape (2, k +
            1).
        recommended: Distinct items that appear in anyone's list.
        catalogue_size: Items that the model knows; 0 before the first example.
        pairs: Examples by group, rank here and rank under the baseline, shape (2, k + 1, k + 1); None without a
            baseline.
    """

    ranks: npt.NDArray[np.int64]
    recommended: int
    catalogue_size: int
    pairs: npt.NDArray[np.int64] | None = None


def metric_value(summary: Summary, metric: str) -> float:
    """Value of one of `config.METRICS`: NaN where the group, or for coverage the catalogue, is empty."""
    if metric == "coverage":
        return summary.recommended / summary.catalogue_size if summary.catalogue_size else math.nan
    measure, group = metric.rsplit("_", 1)
    if group == "delta":
        return _mean(summary, measure, "p") - _mean(summary, measure, "n")
    return _mean(summary, measure, group)


def details(summary: Summary) -> dict[str, float]:
    """Group sizes and standard errors by the names that `config` gives them; those of changes only with `pairs`."""
    k = summary.ranks.shape[1] - 1
    values = {f"count_{group}": float(summary.ranks[row].sum()) for group, row in _GROUPS.items()}
    for measure in config.MEASURES:
        gains = measures.gain_table(measure, k)
        for group, row in _GROUPS.items():
            values[f"{measure}_{group}_se"] = _standard_error(summary.ranks[row], gains)
            if summary.pairs is not None:
                change = gains[:, np.newaxis] - gains[np.newaxis, :]  # (rank here, rank under the baseline)
                values[f"{measure}_{group}_change_se"] = _standard_error(summary.pairs[row].ravel(), change.ravel())
    return values


def _mean(summary: Summary, measure: str, group: str) -> float:
    counts = summary.ranks[_GROUPS[group]]
    total = int(counts.sum())
    if not total:
        return math.nan
    return float(counts @ measures.gain_table(measure, len(counts) - 1)) / total


def _standard_error(counts: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> float:
    """Of the mean of `values`, each of which was seen `counts` times; NaN below 2 observations."""
    total = int(counts.sum())
    if total < 2:
        return math.nan
    mean = float(counts @ values) / total
    squares = float(counts @ np.square(values - mean))
    return math.sqrt(squares / (total - 1) / total)
