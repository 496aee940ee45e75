import dataclasses

import pytest

from components.gate.report import figure
from components.gate.report.content import Row
from components.gate.report.intervals import Interval

ROW = Row(
    metric="ndcg_p",
    value=0.5,
    examples=10,
    interval=Interval(0.25, 0.75),
    min=0.125,
    max=None,
    max_loss=0.25,
    baseline=0.625,
    change=-0.125,
    change_interval=None,
    verdict="ok",
    sentence="",
)


def test_limits() -> None:
    assert figure.limits(ROW) == [0.125, 0.375]  # the baseline may be missed by 0.25
    assert figure.limits(dataclasses.replace(ROW, metric="ndcg_n", min=None, max=0.5)) == [0.5, 0.875]
    assert figure.limits(dataclasses.replace(ROW, baseline=None)) == [0.125]


def test_rows_of_a_measure_share_a_scale_with_zero() -> None:
    delta = dataclasses.replace(ROW, metric="ndcg_delta", value=-0.5, interval=Interval(-1.0, 0.0), max_loss=None)
    other = dataclasses.replace(ROW, metric="hr_p", value=3.0, interval=None)
    assert figure.find_scale(ROW, (ROW, delta, other)) == (-1.0, 0.75)
    assert figure.find_scale(ROW, (ROW,)) == (0.0, 0.75)
    default = dataclasses.replace(delta, metric="default_ndcg_delta")
    assert figure.find_scale(ROW, (ROW, default, other)) == figure.find_scale(default, (ROW, default, other))
    assert figure.find_scale(default, (ROW, default, other)) == (-1.0, 0.75)
    nothing = dataclasses.replace(ROW, value=0.0, interval=None, min=None, max_loss=None, baseline=None)
    assert figure.find_scale(nothing, (nothing,)) == (0.0, 1.0)


def test_places() -> None:
    # 90 % of the width hold the scale, 5 % lie on either side: 0.25 of 0..1 is at 5 + 22.5.
    drawn = figure.draw(ROW, figure.Scale(0.0, 1.0))
    assert '<line class="zero" x1="5.0%" x2="5.0%"' in drawn
    assert '<line class="span" x1="27.5%" x2="72.5%"' in drawn
    assert '<circle class="dot" cx="50.0%"' in drawn
    assert '<circle class="last" cx="61.2%"' in drawn
    assert '<line class="bound" x1="16.2%" x2="16.2%"' in drawn
    assert '<line class="bound" x1="38.8%" x2="38.8%"' in drawn


@pytest.mark.parametrize(("field", "mark"), [("interval", "span"), ("baseline", "last")])
def test_what_is_unknown_is_not_drawn(field: str, mark: str) -> None:
    row = dataclasses.replace(ROW, **{field: None})  # type: ignore[arg-type]
    assert mark not in figure.draw(row, figure.Scale(0.0, 1.0))


def test_undefined_value_has_no_figure() -> None:
    assert figure.draw(dataclasses.replace(ROW, value=None), figure.Scale(0.0, 1.0)) == ""
