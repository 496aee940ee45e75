"""Studies of a grid: a heat map a measure over two keys, a line a measure over one."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from studies.page import style
from studies.results.summary import ArmSummary, Summary

# The choice is made on the first; then what it brings on the test targets.
CHOICE = "validation:ndcg_p"
MAPS = ((CHOICE, "ndcg_p", "ndcg_n", "ndcg_delta"), ("hr_p", "hr_n", "hr_delta", "coverage"))
LINES = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta", CHOICE, "coverage")
BEST, CHOSEN = "#D55E00", "#000000"


def value_of(arm: ArmSummary, measure: str) -> float:
    """Mean of a measure, on validation where it begins with "validation:"; NaN if it is undefined."""
    split, _, name = measure.rpartition(":")
    return (arm.validation if split else arm.mean).get(name, float("nan"))


def title(measure: str, k: int) -> str:
    """Of a panel."""
    split, _, name = measure.rpartition(":")
    return f"{'Validation ' if split else ''}{style.name_of(name, k)}"


def table(summary: Summary, measure: str) -> npt.NDArray[np.float64]:
    """Values of a measure: rows are the first key of the grid, columns the second. NaN where there is no trial."""
    rows, columns = summary.grid.values()
    found = np.full((len(rows), len(columns)), np.nan)
    for arm in summary.arms:
        if arm.cell is not None:
            found[rows.index(arm.cell[0]), columns.index(arm.cell[1])] = value_of(arm, measure)
    return found


def best_cell(values: npt.NDArray[np.float64], measure: str) -> tuple[int, int] | None:
    """Row and column of the best value, the first of equals; None if all are NaN."""
    if np.isnan(values).all():
        return None
    flat = int((np.nanargmin if style.lower_is_better(measure) else np.nanargmax)(values))
    row, column = divmod(flat, values.shape[1])
    return int(row), int(column)


def heat_maps(summary: Summary, measures: Sequence[str]) -> Figure:
    """A map a measure, two beside each other; needs a grid of two keys."""
    rows, columns = summary.grid.values()
    height = 1.0 + 0.36 * len(rows)
    figure = style.new_figure(max(8.0, 2 * (1.6 + 0.72 * len(columns))), height * -(-len(measures) // 2))
    panels = figure.subplots(-(-len(measures) // 2), 2, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for measure, axes in zip(measures, panels.flat, strict=False):
        axes.set_axis_on()
        _map(axes, summary, measure)
    return figure


def _map(axes: Axes, summary: Summary, measure: str) -> None:
    (row_key, rows), (column_key, columns) = summary.grid.items()
    values = table(summary, measure)
    name = style.MAP + ("_r" if style.lower_is_better(measure) else "")
    mesh = axes.pcolormesh(values, cmap=name, edgecolors="white", linewidth=1.2)
    significant = _significant(summary, measure)
    shades = mpl.colormaps[name]
    for place in np.ndindex(*values.shape):
        value = values[place]
        if np.isnan(value):
            text, colour = "-", style.SOFT
        else:
            text = f"{value:.4f}{'*' if significant[place] else ''}"
            red, green, blue, _ = shades(mesh.norm(value))
            colour = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else "white"
        axes.text(place[1] + 0.5, place[0] + 0.5, text, ha="center", va="center", fontsize=8, color=colour)
    chosen = summary.chosen()
    if chosen is not None and chosen.cell is not None:
        _frame(axes, (rows.index(chosen.cell[0]), columns.index(chosen.cell[1])), CHOSEN, "-", 0.045)
    if (best := best_cell(values, measure)) is not None:
        _frame(axes, best, BEST, (0, (3, 1.5)), 0.1)
    axes.set_title(f"{title(measure, summary.k)}: {style.direction(measure)}", loc="left")
    axes.set_xticks(np.arange(len(columns)) + 0.5, map(str, columns))
    axes.set_yticks(np.arange(len(rows)) + 0.5, map(str, rows))
    axes.set_xlabel(column_key)
    axes.set_ylabel(row_key)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _frame(axes: Axes, place: tuple[int, int], colour: str, style_of_line: object, inset: float) -> None:
    row, column = place
    axes.add_patch(
        Rectangle(
            (column + inset, row + inset),
            1 - 2 * inset,
            1 - 2 * inset,
            fill=False,
            edgecolor=colour,
            linewidth=2.2,
            linestyle=style_of_line,  # type: ignore[arg-type]
            path_effects=[patheffects.withStroke(linewidth=4, foreground="white")] if style_of_line == "-" else None,
        )
    )


def _significant(summary: Summary, measure: str) -> npt.NDArray[np.bool_]:
    rows, columns = summary.grid.values()
    found = np.zeros((len(rows), len(columns)), bool)
    for arm in summary.arms:
        if arm.cell is not None and measure in arm.against:
            found[rows.index(arm.cell[0]), columns.index(arm.cell[1])] = arm.against[measure].excludes_zero
    return found


def lines(summary: Summary) -> Figure:
    """A panel a measure: mean and SD over the values of the one key of the grid; other arms as level lines."""
    figure = style.new_figure(12.5, 5.6)
    panels = figure.subplots(2, 4)
    for measure, axes in zip(LINES, panels.flat, strict=True):
        _line(axes, summary, measure)
    return figure


def _line(axes: Axes, summary: Summary, measure: str) -> None:
    ((key, values),) = summary.grid.items()
    looks = style.looks(summary)
    cells = [arm for arm in summary.arms if arm.cell is not None]
    places = [values.index(arm.cell[0]) for arm in cells if arm.cell is not None]
    split, _, name = measure.rpartition(":")
    sds = [0.0 if split else arm.sd.get(name, 0.0) for arm in cells]
    means = [value_of(arm, measure) for arm in cells]
    axes.errorbar(places, means, yerr=sds, color=style.COLOURS[0], marker="o", markersize=4, capsize=2.5, linewidth=1.4)
    for arm in summary.arms:
        if arm.cell is None and not np.isnan(value_of(arm, measure)):
            axes.axhline(
                value_of(arm, measure), color=looks[arm.name].colour, linestyle="--", linewidth=1, label=arm.name
            )
    chosen = summary.chosen()
    if chosen is not None and chosen.cell is not None:
        axes.axvline(values.index(chosen.cell[0]), color=CHOSEN, linewidth=0.9, linestyle=":")
    axes.set_xticks(range(len(values)), map(str, values))
    axes.set_xlabel(key)
    axes.set_title(f"{title(measure, summary.k)}\n{style.direction(measure)}", loc="left")
    style.plain_grid(axes, "y")
    if measure == LINES[0] and axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5)
