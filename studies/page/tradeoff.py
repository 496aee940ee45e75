"""What an arm pays for its hits: NDCG of liked targets against NDCG of disliked ones, with the Pareto front."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from studies.page import style
from studies.results.summary import Summary

# With more arms than this only those of the front, the reference and the chosen cell are named.
MANY = 12
# Where a name may stand beside its point, in points of type, the best place first.
_PLACES = (
    *((7, 5), (7, -11), (-7, 5), (-7, -11), (0, 9), (0, -16), (14, 13), (-14, 13), (14, -19), (-14, -19)),
    *((9, -3), (-9, -3)),
)


def front(cost: Sequence[float], gain: Sequence[float]) -> list[int]:
    """Places of the points that no other beats: none has as low a cost and as high a gain, and one of them better."""
    order = sorted(range(len(cost)), key=lambda place: (cost[place], -gain[place]))
    found: list[int] = []
    for place in order:
        if (
            not found
            or gain[place] > gain[found[-1]]
            or (cost[place], gain[place]) == (cost[found[-1]], gain[found[-1]])
        ):
            found.append(place)
    return sorted(found)


def tradeoff(summary: Summary) -> Figure:
    """Arms as large points, their trials as small ones; needs an arm with both groups of targets."""
    figure = style.new_figure(8.2, 5.6)
    axes = figure.subplots()
    looks = style.looks(summary)
    arms = [arm for arm in summary.arms if {"ndcg_p", "ndcg_n"} <= arm.mean.keys()]
    xs, ys = ([arm.mean[name] for arm in arms] for name in ("ndcg_n", "ndcg_p"))
    for arm, x, y in zip(arms, xs, ys, strict=True):
        look = looks[arm.name]
        if len(arm.trials) > 1 and len(arms) <= MANY:
            own = [[trial[name] for trial in arm.trials] for name in ("ndcg_n", "ndcg_p")]
            axes.plot(*own, look.marker, color=look.colour, markersize=3.2, alpha=0.4, linewidth=0, label="_trials")
        axes.plot(x, y, look.marker, color=look.colour, markersize=8, markeredgecolor="white", label=arm.name, zorder=4)
    best = sorted(front(xs, ys), key=lambda place: xs[place])
    axes.step([xs[place] for place in best], [ys[place] for place in best], where="post", color=style.SOFT, linewidth=1)
    axes.set_xlabel(f"{style.name_of('ndcg_n', summary.k)}: false positives (lower is better)")
    axes.set_ylabel(f"{style.name_of('ndcg_p', summary.k)} (higher is better)")
    axes.margins(0.12)
    style.plain_grid(axes, "both")
    named = set(range(len(arms)))
    if len(arms) > MANY:
        chosen = summary.chosen()
        wanted = {summary.reference, *([chosen.name] if chosen else [])}
        named = {*best, *(place for place, arm in enumerate(arms) if arm.name in wanted)}
    order = sorted(named, key=lambda place: (arms[place].name != summary.reference, place not in best, place))
    names = [(arms[place].name, xs[place], ys[place]) for place in order]
    if len(summary.grid) == 2:
        _key(axes, summary)
    _name(axes, names, list(zip(xs, ys, strict=True)), drop=len(arms) > MANY)
    return figure


def _key(axes: Axes, summary: Summary) -> None:
    """What colour and form of a mark stand for in a grid."""
    looks = style.looks(summary)
    (row_key, rows), (column_key, columns) = summary.grid.items()
    found: dict[tuple[int, int], tuple[Any, str, str]] = {}
    for arm in summary.arms:
        if arm.cell is not None and arm.name != summary.reference:
            look = looks[arm.name]
            found.setdefault((0, rows.index(arm.cell[0])), (look.colour, "o", f"{row_key} {arm.cell[0]}"))
            found.setdefault((1, columns.index(arm.cell[1])), (style.SOFT, look.marker, f"{column_key} {arm.cell[1]}"))
    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=0, label=label)
        for _, (colour, marker, label) in sorted(found.items(), key=lambda each: each[0])
    ]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)


def _name(
    axes: Axes,
    names: Sequence[tuple[str, float, float]],
    points: Sequence[tuple[float, float]],
    *,
    drop: bool,
) -> None:
    """Puts each name at the first place beside its point where it covers nothing, or else where it covers least.

    `drop`: leave such a name out instead.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    # Where the axes lie is known only after they have been laid out, with room for the key on the right.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    frame = axes.get_window_extent()
    pixels = axes.transData.transform(np.array(points))
    taken = [Bbox.from_extents(x - 6, y - 6, x + 6, y + 6) for x, y in pixels]
    for text, x, y in names:
        label = axes.annotate(text, (x, y), (0, 0), textcoords="offset points", fontsize=8, zorder=5)
        costs = []
        for across, up in _PLACES:
            _move(label, across, up)
            box = label.get_window_extent()
            outside = not (frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)
            costs.append(sum(box.overlaps(other) for other in taken) + 3 * outside)
        _move(label, *_PLACES[costs.index(min(costs))])
        if drop and min(costs):
            label.remove()
        else:
            taken.append(label.get_window_extent())


def _move(label: "object", across: float, up: float) -> None:
    label.set_position((across, up))  # type: ignore[attr-defined]
    label.set_horizontalalignment("left" if across > 0 else "right" if across < 0 else "center")  # type: ignore[attr-defined]
