"""How the losses and the validation measures went, epoch by epoch."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.page import style
from studies.results.summary import ArmSummary, Summary

# More would hide each other.
MANY = 8
_PARTS = {
    "loss": "Training loss, all terms",
    "loss_positive": "Term of the positive sequence",
    "loss_negative": "Term of the negative sequence",
    "loss_contrastive": "Contrastive term",
}
_COLUMNS = 3


def drawn_arms(summary: Summary, epochs: pd.DataFrame) -> list[ArmSummary]:
    """The trained arms, or if they are many the reference, the chosen cell and the best on validation."""
    trained = [arm for arm in summary.arms if arm.name in set(epochs["arm"])]
    if len(trained) <= MANY:
        return trained
    chosen = summary.chosen()
    first = {summary.reference, *([chosen.name] if chosen else [])}
    order = sorted(trained, key=lambda arm: (arm.name not in first, -arm.validation.get("ndcg_p", 0.0)))
    kept = {arm.name for arm in order[:MANY]}
    return [arm for arm in trained if arm.name in kept]


def columns_of(epochs: pd.DataFrame) -> list[str]:
    """Parts of the loss, then what was measured on validation; those that hold anything."""
    known = [name for name in map(str, epochs.columns) if name in _PARTS or name.startswith("val_")]
    order = [*_PARTS, *(name for name in known if name not in _PARTS)]
    filled = [name for name in order if name in known and epochs[name].notna().any()]
    return [name for name in filled if not name.startswith("val_mrr")]


def mean_curve(epochs: pd.DataFrame, arm: str, column: str) -> pd.DataFrame:
    """By epoch: `mean`, `sd` and `count` over the seeds that were still training."""
    own = epochs.loc[epochs["arm"] == arm, ["epoch", column]].dropna()
    by_epoch = own.groupby("epoch")[column]
    columns = {"mean": by_epoch.mean(), "sd": by_epoch.std().fillna(0.0), "count": by_epoch.count()}
    curve: pd.DataFrame = pd.DataFrame(columns)
    return curve


def curves(summary: Summary, epochs: pd.DataFrame) -> Figure:
    """A panel a column, a colour an arm; needs at least one trained arm."""
    columns = columns_of(epochs)
    arms = drawn_arms(summary, epochs)
    rows = -(-len(columns) // _COLUMNS)
    figure = style.new_figure(11.5, 2.7 * rows + 0.4)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in panels.flat[len(columns) :]:
        axes.set_axis_off()
    for column, axes in zip(columns, panels.flat, strict=False):
        _panel(axes, summary, epochs, column, arms)
    handles: dict[str, Any] = {}
    for axes in panels.flat:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 5) or 1)
    return figure


def _panel(axes: Axes, summary: Summary, epochs: pd.DataFrame, column: str, arms: Sequence[ArmSummary]) -> None:
    looks = style.looks(summary)
    for arm in arms:
        curve = mean_curve(epochs, arm.name, column)
        if curve.empty:
            continue
        colour = looks[arm.name].colour
        whole = curve[curve["count"] == curve["count"].max()]
        axes.plot(curve.index, curve["mean"], color=colour, linewidth=0.8, alpha=0.6)
        axes.plot(whole.index, whole["mean"], color=colour, linewidth=1.7, label=arm.name)
        axes.fill_between(
            whole.index, whole["mean"] - whole["sd"], whole["mean"] + whole["sd"], color=colour, alpha=0.14, linewidth=0
        )
        own = epochs[epochs["arm"] == arm.name]
        seeds = [seed for seed in arm.seeds if seed is not None]
        best = pd.DataFrame({"seed": seeds, "epoch": arm.best_epochs}).merge(own, on=["seed", "epoch"])
        axes.plot(best["epoch"], best[column], "o", color=colour, markersize=4.5, markeredgecolor="white", linewidth=0)
    axes.set_title(_title(column, summary.k), loc="left")
    axes.set_xlabel("epoch")
    style.plain_grid(axes, "both")
    axes.locator_params(axis="x", integer=True)


def _title(column: str, k: int) -> str:
    if column in _PARTS:
        return _PARTS[column]
    name = column.removeprefix("val_")
    known = name.partition("_")[2] in style.GROUPS
    return f"Validation {style.name_of(name, k)}" if known else f"Validation {name.replace('_', ' ')}"
