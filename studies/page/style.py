"""What all pictures share: colours of the arms, names of the measures, fonts, and the way to SVG or PNG."""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from pnfrec_core import measures
from studies.results.summary import Summary

# Okabe and Ito's eight colours, which colour-blind readers tell apart; black is the reference's.
REFERENCE = "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#B8A700")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
SOFT, GRID, BETTER = "#5b6675", "#dde2e8", "#eaf4ee"
MAP = "cividis"

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.edgecolor": "#9aa5b4",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "ytick.color": "#1c2430",
    "text.color": "#1c2430",
    "axes.labelcolor": "#1c2430",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    # Else ids in the file are random.
    "svg.hashsalt": "pnfrec",
}


class Look(NamedTuple):
    """How an arm is drawn, in every picture alike."""

    colour: Any
    marker: str


def looks(summary: Summary) -> dict[str, Look]:
    """Of each arm: black for the reference; by the value of the first key in a grid; else a colour each.

    From the ninth arm on colours come again, with another marker.
    """
    found: dict[str, Look] = {}
    others = [arm.name for arm in summary.arms if arm.name != summary.reference]
    for place, name in enumerate(others):
        turn, colour = divmod(place, len(COLOURS))
        found[name] = Look(COLOURS[colour], MARKERS[(place + turn) % len(MARKERS)])
    if summary.grid:
        first, *rest = summary.grid.values()
        shades = mpl.colormaps["viridis"]
        for arm in summary.arms:
            if arm.cell is not None:
                share = first.index(arm.cell[0]) / max(len(first) - 1, 1)
                marker = MARKERS[rest[0].index(arm.cell[1]) % len(MARKERS)] if rest else "o"
                found[arm.name] = Look(shades(0.92 * share), marker)
    if summary.arm(summary.reference) is not None:
        own = found.get(summary.reference)
        found[summary.reference] = Look(REFERENCE, own.marker if own else "o")
    return found


GROUPS = {"p": "liked targets", "n": "disliked targets", "delta": "liked minus disliked"}


def lower_is_better(measure: str) -> bool:
    """Of the measures of disliked targets only, and of losses."""
    return not measures.higher_is_better(measure) or "loss" in measure


def name_of(measure: str, k: int) -> str:
    """A measure in words: "NDCG@10, liked targets"."""
    if measure == "coverage":
        return f"Coverage@{k}"
    kind, _, group = measure.partition("_")
    return f"{kind.upper()}@{k}, {GROUPS[group]}"


def direction(measure: str) -> str:
    """Which way is better, in words."""
    return "lower is better" if lower_is_better(measure) else "higher is better"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, in the house style when it is drawn within `house_style`."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.06))


def house_style() -> Any:
    """Context in which figures are made and written."""
    return mpl.rc_context(_RC)  # type: ignore[arg-type]


def plain_grid(axes: Axes, axis: str = "x") -> None:
    """Pale lines behind the data, no tick marks."""
    axes.grid(visible=True, axis=axis, color=GRID, linewidth=0.7)  # type: ignore[arg-type]
    axes.tick_params(length=0)


def names_on_y(axes: Axes, names: Sequence[str], reference: str) -> None:
    """Names of the arms from the top down, the reference in bold."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    # Panels that share their names with the first have no labels of their own.
    for label, name in zip(axes.get_yticklabels(), names, strict=False):
        label.set_fontweight("bold" if name == reference else "normal")


def to_svg(figure: Figure) -> bytes:
    """The same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
