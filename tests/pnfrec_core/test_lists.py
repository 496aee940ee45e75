import math

import numpy as np
import pytest

from pnfrec_core import lists

# Of ten items the first is the head, the next four the middle, five the tail.
EXPOSURE = np.array([6, 3, 0, 0, 1, 2, 0, 0, 0, 0])


def test_every_metric_by_its_definition() -> None:
    bits = np.arange(1.0, 11.0)
    pairs = np.array([[9, 1, 2, 2], [0, 0, 1, 3]])
    found = lists.list_metrics(EXPOSURE, bits, np.array([2, 1, 1]), pairs)
    apart = np.abs(EXPOSURE[:, np.newaxis] - EXPOSURE[np.newaxis, :]).sum()
    assert found == pytest.approx(
        {
            "coverage": 4 / 10,
            "gini": apart / (2 * 10 * 12),  # half the mean difference of two items over the mean
            "novelty": (6 * 1 + 3 * 2 + 1 * 5 + 2 * 6) / 12,
            "diversity": (0 + 1 + 0 + 1) / 4,
            "list_head": 6 / 12,
            "list_middle": 4 / 12,
            "list_tail": 2 / 12,
            "target_head": 2 / 4,
            "target_middle": 1 / 4,
            "target_tail": 1 / 4,
            "miscalibration": (0 + (4 / 12 - 1 / 4) + (1 / 4 - 2 / 12)) / 2,
        }
    )
    assert set(found) == set(lists.LIST_METRICS)


@pytest.mark.parametrize(
    ("exposure", "expected"),
    [([1, 1, 1], 0.0), ([0, 0, 7], 2 / 3), ([5], 0.0), ([0, 1], 1 / 2), ([1, 3], 1 / 4), ([0, 0], math.nan)],
)
def test_gini(exposure: list[int], expected: float) -> None:
    assert lists.gini(np.array(exposure)) == pytest.approx(expected, nan_ok=True)
    assert lists.gini(np.array(exposure[::-1])) == pytest.approx(expected, nan_ok=True), "whatever the order"


def test_without_any_list_nothing_is_defined_but_coverage() -> None:
    found = lists.list_metrics(np.zeros(10, np.int64), np.ones(10), np.array([1, 0, 0]))
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"gini", "novelty", "diversity", "miscalibration", *lists.LIST_SHARES}
    assert (found["coverage"], found["target_head"]) == (0.0, 1.0)


def test_what_nobody_knows_is_not_defined() -> None:
    found = lists.list_metrics(EXPOSURE)
    assert {name for name, value in found.items() if math.isnan(value)} == {
        "novelty", "diversity", "miscalibration", *lists.TARGET_SHARES,
    }  # fmt: skip


def test_information_is_that_of_the_smoothed_share() -> None:
    found = lists.information([3, 0, 0])
    expected = [-math.log2(3.5 / 4.5), -math.log2(0.5 / 4.5), -math.log2(0.5 / 4.5)]
    assert found.tolist() == pytest.approx(expected, rel=1e-7)


def test_exposure_counts_places_of_lists_without_padding() -> None:
    assert lists.exposure_of(np.array([[2, 1, 0], [2, 0, 0]]), 3).tolist() == [1, 2, 0]
    assert lists.exposure_of(np.zeros((0, 3)), 2).tolist() == [0, 0]


def test_only_known_liked_targets_count() -> None:
    assert lists.targets_in_buckets([0, 2, 2, -1, 1], np.array([1, 1, 0, 1, 0])).tolist() == [1, 0, 1]
