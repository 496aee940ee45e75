"""How long the training sequences are, by polarity."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from studies.page import style

_COLOURS = {"positive": style.COLOURS[0], "negative": style.COLOURS[1]}
_BINS = 24


def edges(longest: int) -> npt.NDArray[np.float64]:
    """Edges of bins around whole numbers: 0 alone, then wider and wider, one number at least."""
    steps = np.unique(np.round(np.geomspace(1, max(longest, 1) + 1, _BINS)).astype(int))
    return np.concatenate([[-0.5], steps - 0.5])


def histograms(lengths: pd.DataFrame, max_length: int) -> Figure:
    """A panel a polarity, over the same bins.

    Args:
        lengths: `polarity`, `length`, `users`.
        max_length: Where the models cut; drawn as a line.
    """
    figure = style.new_figure(11.0, 3.1)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    bins = edges(int(lengths["length"].max()) if len(lengths) else 1)
    for (polarity, colour), axes in zip(_COLOURS.items(), panels, strict=True):
        own = lengths[lengths["polarity"] == polarity]
        users, _ = np.histogram(own["length"], bins, weights=own["users"])
        axes.bar(range(len(users)), users, width=0.92, color=colour, alpha=0.85)
        total = int(own["users"].sum())
        empty = int(own.loc[own["length"] == 0, "users"].sum())
        cut = int(own.loc[own["length"] > max_length + 1, "users"].sum())
        share = f"{empty:,} of {total:,} users have none, {cut:,} more than {max_length + 1}"
        axes.set_title(f"{polarity.capitalize()} items: {share}", loc="left")
        axes.axvline(np.searchsorted(bins, max_length + 1.5) - 1.5, color=style.SOFT, linestyle="--", linewidth=1)
        axes.set_xlabel("items in the sequence, from")
        style.plain_grid(axes, "y")
        names = [str(int(low + 0.5)) for low in bins[:-1]]
        axes.set_xticks(range(len(names)), names, fontsize=7.5)
    panels[0].set_ylabel("users")
    return figure
