"""Paired differences from the reference arm, with their intervals: the picture that answers a study's question."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.page import style
from studies.results.summary import Summary

MEASURES = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta")
_COLUMNS = 3
# With more arms than this only NDCG is drawn; HR is in the table.
MANY = 14


def forest(summary: Summary) -> Figure:
    """A panel a measure, a line an arm; needs an arm with differences."""
    measures = MEASURES if len(summary.others) <= MANY else MEASURES[:_COLUMNS]
    rows = -(-len(measures) // _COLUMNS)
    figure = style.new_figure(11.5, rows * (1.1 + 0.23 * len(summary.others)))
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    for row in range(rows):
        own = measures[row * _COLUMNS : (row + 1) * _COLUMNS]
        reach = _reach(summary, own)
        for measure, axes in zip(own, panels[row], strict=True):
            _panel(axes, summary, measure, reach)
    # Once: under each panel a long name would run into the next one.
    figure.supxlabel(f"difference from {summary.reference}", color=style.SOFT, fontsize="medium")
    return figure


def _reach(summary: Summary, measures: Sequence[str]) -> float:
    """Of a row of panels, so that an equal length is an equal difference. Baselines that lose by far do not count."""
    trained = [arm for arm in summary.others if not arm.is_baseline] or summary.others
    known = [arm.against[name] for arm in trained for name in measures if name in arm.against]
    found = [abs(end) for interval in known for end in interval]
    return 1.08 * max(found, default=0.0) or 1.0


def _panel(axes: Axes, summary: Summary, measure: str, reach: float) -> None:
    looks = style.looks(summary)
    better = (-reach, 0.0) if style.lower_is_better(measure) else (0.0, reach)
    axes.axvspan(*better, color=style.BETTER, linewidth=0, zorder=0)
    axes.axvline(0, color=style.REFERENCE, linewidth=1.1)
    for place, arm in enumerate(summary.others):
        if (found := arm.against.get(measure)) is None:
            axes.text(0, place, " no targets", va="center", fontsize=7.5, color=style.SOFT)
            continue
        look = looks[arm.name]
        if abs(found.estimate) > reach:
            _beyond(axes, found.estimate, place, reach, look.colour)
            continue
        axes.errorbar(
            found.estimate,
            place,
            xerr=[[found.estimate - found.low], [found.high - found.estimate]],
            fmt=look.marker if not summary.grid else "o",
            color=look.colour,
            markerfacecolor=look.colour if found.excludes_zero else "white",
            markersize=5,
            elinewidth=1.6,
            capsize=0,
        )
    axes.set_xlim(-reach, reach)
    axes.set_title(style.name_of(measure, summary.k), loc="left")
    arrow = "← better" if style.lower_is_better(measure) else "better →"
    axes.set_xlabel(arrow, color=style.SOFT)
    style.plain_grid(axes)
    axes.locator_params(axis="x", nbins=4)
    style.names_on_y(axes, [arm.name for arm in summary.others], summary.reference)


def _beyond(axes: Axes, value: float, place: int, reach: float, colour: Any) -> None:
    """An arrow at the edge, with the value that lies beyond it."""
    edge = reach if value > 0 else -reach
    axes.plot(0.97 * edge, place, ">" if value > 0 else "<", color=colour, markersize=5)
    axes.text(0.9 * edge, place, f"{value:+.4f}", ha="right" if value > 0 else "left", va="center", fontsize=7.5)
