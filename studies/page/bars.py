"""Each measure of each arm: the mean over seeds, its standard deviation, and the single trials."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.page import style
from studies.results.summary import Summary

MEASURES = ("ndcg_p", "ndcg_n", "ndcg_delta", "coverage", "hr_p", "hr_n", "hr_delta")
_COLUMNS = 4


def bars(summary: Summary) -> Figure:
    """A panel a measure, a bar an arm; panels of a row share the arms."""
    height = 0.9 + 0.3 * len(summary.arms)
    figure = style.new_figure(12.5, 2 * height)
    panels = figure.subplots(2, _COLUMNS, sharey=True)
    for measure, axes in zip(MEASURES, panels.flat, strict=False):
        _panel(axes, summary, measure)
    panels.flat[-1].set_axis_off()
    return figure


def _panel(axes: Axes, summary: Summary, measure: str) -> None:
    looks = style.looks(summary)
    ends = [0.0]
    for place, arm in enumerate(summary.arms):
        if measure not in arm.mean:
            continue
        mean, sd = arm.mean[measure], arm.sd.get(measure)
        values = [trial[measure] for trial in arm.trials if measure in trial]
        axes.barh(place, mean, height=0.66, color=looks[arm.name].colour, alpha=0.75)
        axes.errorbar(mean, place, xerr=sd, fmt="none", ecolor="#1c2430", elinewidth=1.1, capsize=2.5)
        axes.plot(values, [place] * len(values), ".", color="#1c2430", markersize=2.5, alpha=0.6)
        ends += [mean - (sd or 0), mean + (sd or 0), *values]
    low, high = min(ends), max(ends)
    room = (high - low) or 1.0
    for place, arm in enumerate(summary.arms):
        text = f"{arm.mean[measure]:.4f}" if measure in arm.mean else "no targets"
        axes.text(high + 0.04 * room, place, text, va="center", fontsize=7.5, color=style.SOFT)
    axes.set_xlim(low - (0.04 * room if low < 0 else 0), high + 0.36 * room)
    axes.axvline(0, color=style.SOFT, linewidth=0.9)
    axes.set_title(style.name_of(measure, summary.k), loc="left")
    axes.set_xlabel(style.direction(measure), color=style.SOFT)
    style.plain_grid(axes)
    axes.locator_params(axis="x", nbins=4)
    style.names_on_y(axes, [arm.name for arm in summary.arms], summary.reference)
