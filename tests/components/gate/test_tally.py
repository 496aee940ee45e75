import math

import numpy as np
import pytest

from components.gate import tally
from pnfrec_core import lists, measures

# k = 3. Group p (row 1): 1 miss, 2 at rank 1, 1 at rank 3. Group n (row 0): 3 misses, 1 at rank 2.
RANKS = np.array([[3, 0, 1, 0], [1, 2, 0, 1]], np.int64)
COUNTS = ("count_p", "count_n")
ERRORS = ("hr_p_se", "hr_n_se", "ndcg_p_se", "ndcg_n_se", "mrr_p_se", "mrr_n_se")
CHANGE_ERRORS = tuple(name.replace("_se", "_change_se") for name in ERRORS)
NDCG_2 = 0.6309297535714574  # 1 / log2(3)


def test_values_of_each_metric() -> None:
    found = tally.Summary(RANKS, {"coverage": 6 / 24, "gini": 0.5})
    expected = {
        "hr_p": 3 / 4,
        "hr_n": 1 / 4,
        "hr_delta": 2 / 4,
        "ndcg_p": (1 + 1 + 1 / 2) / 4,  # rank 3: 1 / log2(4)
        "ndcg_n": NDCG_2 / 4,
        "ndcg_delta": 2.5 / 4 - NDCG_2 / 4,
        "mrr_p": (1 + 1 + 1 / 3) / 4,
        "mrr_n": (1 / 2) / 4,
        "mrr_delta": (2 + 1 / 3) / 4 - 1 / 8,
        "coverage": 6 / 24,
        "gini": 0.5,
        **dict.fromkeys(lists.LIST_METRICS[2:], math.nan),
    }
    values = {metric: tally.metric_value(found, metric) for metric in measures.METRICS}
    assert values == pytest.approx(expected, nan_ok=True)


def test_empty_group_and_empty_catalogue_are_nan() -> None:
    only_positive = np.array([[0, 0, 0, 0], [1, 2, 0, 1]], np.int64)
    found = tally.Summary(only_positive)
    undefined = [metric for metric in measures.METRICS if math.isnan(tally.metric_value(found, metric))]
    assert undefined == [
        "hr_n", "hr_delta", "ndcg_n", "ndcg_delta", "mrr_n", "mrr_delta", *lists.LIST_METRICS,
    ]  # fmt: skip


def test_standard_errors() -> None:
    # MRR of p: 0, 1, 1, 1/3 with mean 7/12; squared deviations (49 + 25 + 25 + 9) / 144 = 108/144;
    # variance of the mean = (108/144) / 3 / 4 = 1/16. HR of n: 0, 0, 0, 1: mean 1/4, squares 3/4, / 3 / 4 = 1/16.
    found = tally.details(tally.Summary(RANKS))
    assert set(found) == {*COUNTS, *ERRORS}
    assert (found["count_p"], found["count_n"]) == (4.0, 4.0)
    assert found["mrr_p_se"] == pytest.approx(1 / 4)
    assert found["hr_n_se"] == pytest.approx(1 / 4)


def test_standard_error_needs_two_examples() -> None:
    one = tally.details(tally.Summary(np.array([[0, 0], [0, 1]], np.int64)))
    assert (one["count_p"], one["count_n"]) == (1.0, 0.0)
    assert math.isnan(one["hr_p_se"])
    assert math.isnan(one["hr_n_se"])


def test_change_is_paired_by_example() -> None:
    # k = 1. Group p: 3 examples hit by both, 1 only here. Changes of HR: 0, 0, 0, 1, so the error is 1/4 as above,
    # though each model's own HR has errors of 0 and 1/4. Unpaired, the error would be the same here, but not in group
    # n: group n: 2 hit by both, 2 missed by both. No change at all, although each model's own error is not 0.
    pairs = np.zeros((2, 2, 2), np.int64)
    pairs[1, 1, 1], pairs[1, 1, 0] = 3, 1
    pairs[0, 1, 1], pairs[0, 0, 0] = 2, 2
    found = tally.details(tally.Summary(pairs.sum(axis=2), pairs=pairs))
    assert set(found) == {*COUNTS, *ERRORS, *CHANGE_ERRORS}
    assert found["hr_p_change_se"] == pytest.approx(1 / 4)
    assert found["hr_p_se"] == 0.0
    assert found["hr_n_change_se"] == 0.0
    assert found["hr_n_se"] == pytest.approx(math.sqrt(1 / 12))  # squares 4 * 1/4 = 1, / 3 / 4
