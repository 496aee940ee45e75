"""Gains of ranks, by hand."""

import itertools
import math

import numpy as np
import pytest

from pnfrec_core import lists, measures


def test_gain_tables_are_the_definitions() -> None:
    assert measures.gain_table("hr", 3).tolist() == [0.0, 1.0, 1.0, 1.0]
    assert measures.gain_table("mrr", 3).tolist() == [0.0, 1.0, 0.5, 1 / 3]
    # 1 / log2(rank + 1): log2(2) = 1, log2(3), log2(4) = 2.
    assert measures.gain_table("ndcg", 3).tolist() == pytest.approx([0.0, 1.0, 1 / math.log2(3), 0.5])


def test_misses_are_worth_nothing() -> None:
    ranks = [0, 1, 10, 11, 1_000_000]
    assert measures.hit(ranks, 10).tolist() == [0, 1, 1, 0, 0]
    assert measures.mrr(ranks, 10).tolist() == [0, 1, 0.1, 0, 0]
    assert measures.ndcg(ranks, 10).tolist() == pytest.approx([0, 1, 1 / math.log2(11), 0, 0])


@pytest.mark.parametrize("measure", measures.MEASURES)
def test_a_longer_list_is_never_worth_less(measure: str) -> None:
    ranks = np.arange(0, 30)
    worth = [measures.gains(ranks, measure, k) for k in range(1, 25)]
    assert all((longer >= shorter).all() for shorter, longer in itertools.pairwise(worth))


def test_wrong_arguments_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"`k` must be at least 1. Received: 0."):
        measures.gain_table("hr", 0)
    with pytest.raises(ValueError, match=r"one of hr, ndcg, mrr. Received: 'map'"):
        measures.gain_table("map", 5)


def test_metric_names_are_those_of_the_spec() -> None:
    assert measures.METRICS == (
        "hr_p", "hr_n", "hr_delta", "ndcg_p", "ndcg_n", "ndcg_delta", "mrr_p", "mrr_n", "mrr_delta",
        "coverage", "gini", "novelty", "diversity", "miscalibration", "list_head", "list_middle", "list_tail",
        "target_head", "target_middle", "target_tail",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "higher", "value_range", "groups"),
    [
        ("ndcg_p", True, (0, 1), ("p",)),
        ("hr_n", False, (0, 1), ("n",)),
        ("mrr_delta", True, (-1, 1), ("p", "n")),
        ("coverage", True, (0, 1), ("p", "n")),
        ("gini", False, (0, 1), ("p", "n")),
        ("novelty", True, (0, 64), ("p", "n")),
        ("diversity", True, (0, 1), ("p", "n")),
        ("miscalibration", False, (0, 1), ("p", "n")),
        ("list_head", False, (0, 1), ("p", "n")),
        ("list_tail", True, (0, 1), ("p", "n")),
        ("target_tail", True, (0, 1), ("p",)),
        ("default_hr_p", True, (0, 1), ("p",)),
        ("default_hr_n", False, (0, 1), ("n",)),
        ("default_ndcg_delta", True, (-1, 1), ("p", "n")),
    ],
)
def test_direction_range_and_groups(
    metric: str, higher: bool, value_range: tuple[float, float], groups: tuple[str, ...]
) -> None:
    assert measures.higher_is_better(metric) is higher
    assert measures.value_range(metric) == value_range
    assert measures.groups_of(metric) == groups


def test_means_of_the_groups() -> None:
    # Group p: rank 1 and a miss. Group n: ranks 2 and 11, the latter beyond the list.
    found = measures.group_means([1, 2, 0, 11], np.array([1, 0, 1, 0]), 10)
    ndcg_n = 1 / math.log2(3) / 2
    assert found == pytest.approx(
        {
            "hr_p": 0.5,
            "hr_n": 0.5,
            "hr_delta": 0.0,
            "ndcg_p": 0.5,
            "ndcg_n": ndcg_n,
            "ndcg_delta": 0.5 - ndcg_n,
            "mrr_p": 0.5,
            "mrr_n": 0.25,
            "mrr_delta": 0.25,
        }
    )
    assert (*found, *lists.LIST_METRICS) == measures.METRICS


def test_a_group_without_targets_has_no_mean() -> None:
    found = measures.group_means([1, 2], np.array([1, 1]), 10)
    assert [metric for metric, value in found.items() if math.isnan(value)] == [
        "hr_n", "hr_delta", "ndcg_n", "ndcg_delta", "mrr_n", "mrr_delta",
    ]  # fmt: skip
    assert math.isnan(measures.mean_of_counts(np.zeros(11, np.int64), "hr"))


@pytest.mark.parametrize("measure", measures.MEASURES)
def test_ranks_and_counts_of_ranks_have_the_same_mean(measure: str) -> None:
    ranks = np.random.default_rng(1).integers(0, 15, 200)
    counts = np.bincount(np.where(ranks <= 10, ranks, 0), minlength=11)
    expected = measures.group_means(ranks, np.ones(200, np.int64), 10)[f"{measure}_p"]
    assert measures.mean_of_counts(counts, measure) == pytest.approx(expected)
