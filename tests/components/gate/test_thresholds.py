"""The one definition of what a bound allows."""

import math

import pytest

from components.gate import thresholds
from components.gate.config import BoundConfig
from components.gate.thresholds import TOLERANCE, Threshold
from pnfrec_core import measures


def test_each_end_of_a_bound_is_a_threshold_of_its_own() -> None:
    bound = BoundConfig(min=0.25, max=0.75)
    assert thresholds.of_value(bound) == (
        Threshold("min", 0.25, low=0.25 - TOLERANCE, high=math.inf),
        Threshold("max", 0.75, low=-math.inf, high=0.75 + TOLERANCE),
    )
    assert thresholds.of_value(BoundConfig(max_loss=0.1)) == ()
    assert thresholds.of_change("ndcg_p", bound) is None


@pytest.mark.parametrize("metric", ["ndcg_p", "ndcg_delta", "coverage", "default_hr_p"])
def test_a_metric_that_should_rise_may_fall_by_its_loss(metric: str) -> None:
    found = thresholds.of_change(metric, BoundConfig(max_loss=0.25))
    assert found == Threshold("max_loss", 0.25, low=-0.25 - TOLERANCE, high=math.inf)
    assert [found.holds(change) for change in (-0.26, -0.25, 0.0, 1.0)] == [False, True, True, True]
    assert thresholds.worst_allowed(metric, 0.5, 0.25) == 0.25


@pytest.mark.parametrize("metric", ["hr_n", "default_ndcg_n"])
def test_false_positives_may_rise_by_their_loss(metric: str) -> None:
    found = thresholds.of_change(metric, BoundConfig(max_loss=0.25))
    assert found == Threshold("max_loss", 0.25, low=-math.inf, high=0.25 + TOLERANCE)
    assert [found.holds(change) for change in (0.26, 0.25, 0.0, -1.0)] == [False, True, True, True]
    assert thresholds.worst_allowed(metric, 0.5, 0.25) == 0.75


@pytest.mark.parametrize(
    "threshold",
    [Threshold("min", 0.1, low=0.1), Threshold("max", 0.1, high=0.1), Threshold("max_loss", 1.0, low=-1.0)],
)
def test_an_undefined_number_is_never_allowed(threshold: Threshold) -> None:
    assert not threshold.holds(math.nan)


def test_rounding_does_not_break_a_bound() -> None:
    (least,) = thresholds.of_value(BoundConfig(min=0.1))
    assert 0.3 - 0.2 < 0.1
    assert least.holds(0.3 - 0.2)
    assert not least.holds(0.1 - 1e-8)


@pytest.mark.parametrize(
    ("metric", "bound", "limits"),
    [
        ("ndcg_p", BoundConfig(min=0.25), (0.25, 1.0)),
        ("ndcg_p", BoundConfig(max=0.25), (0.0, 0.25)),
        ("ndcg_p", BoundConfig(max_loss=0.25), (0.0, 1.0)),
        ("hr_delta", BoundConfig(min=0.0), (0.0, 1.0)),
        ("hr_delta", BoundConfig(max_loss=0.25), (-1.0, 1.0)),
        ("hr_n", None, (0.0, 1.0)),
    ],
)
def test_a_value_without_a_bound_is_limited_by_its_range(
    metric: str, bound: BoundConfig | None, limits: tuple[float, float]
) -> None:
    assert thresholds.value_limits(metric, bound) == (limits[0] - TOLERANCE, limits[1] + TOLERANCE)


def test_one_metric_of_each_group_must_be_defined_without_a_bound() -> None:
    needed = [metric for metric in measures.METRICS if thresholds.must_be_defined(metric, None)]
    assert needed == ["hr_p", "hr_n"]
    assert thresholds.must_be_defined("coverage", BoundConfig(min=0.1))
