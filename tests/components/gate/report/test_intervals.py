import math

import pytest

from components.gate.report import intervals


@pytest.mark.parametrize(
    ("hits", "examples", "expected"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3 (score).
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson(hits: int, examples: int, expected: tuple[float, float]) -> None:
    assert intervals.wilson(hits / examples, examples) == pytest.approx(expected, abs=5e-5)


def test_wilson_without_examples() -> None:
    assert intervals.wilson(math.nan, 0) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10.
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ],
)
def test_newcombe(first: tuple[int, int], second: tuple[int, int], expected: tuple[float, float]) -> None:
    found = intervals.newcombe(first[0] / first[1], first[1], second[0] / second[1], second[1])
    assert found == pytest.approx(expected, abs=5e-5)


def test_newcombe_needs_both_groups() -> None:
    assert intervals.newcombe(0.5, 10, math.nan, 0) is None


def test_normal() -> None:
    assert intervals.normal(0.1, 0.02) == pytest.approx((0.1 - 0.0391993, 0.1 + 0.0391993), abs=1e-6)
    # Errors of 0.03 and 0.04 make one of 0.05.
    assert intervals.normal(0.1, 0.03, 0.04) == pytest.approx((0.1 - 0.0979982, 0.1 + 0.0979982), abs=1e-6)


@pytest.mark.parametrize("errors", [(0.0,), (math.nan,), (0.01, 0.0), (math.nan, 0.01)])
def test_normal_is_unknown_without_spread(errors: tuple[float, ...]) -> None:
    assert intervals.normal(0.1, *errors) is None


def test_clip() -> None:
    assert intervals.clip(intervals.Interval(-0.1, 1.2), 0, 1) == (0, 1)
    assert intervals.clip(None, 0, 1) is None
