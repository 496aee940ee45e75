"""Which pictures a study has, each with a caption that says what one sees and how to read it."""

import dataclasses
from collections.abc import Iterator

import pandas as pd

from studies.page import bars, curves, forest, grid, histograms, style, tradeoff
from studies.results.summary import Summary

_BARS_AT_MOST = 16


@dataclasses.dataclass(frozen=True)
class Picture:
    """A drawn figure.

    Attributes:
        name: Of a file, without suffix.
        heading: Of a few words.
        caption: What one sees, and how to read it.
        svg: The picture.
    """

    name: str
    heading: str
    caption: str
    svg: bytes


def of_results(summary: Summary) -> list[Picture]:
    """Those that need the summary only."""
    with style.house_style():
        return list(_of_results(summary))


def of_training(summary: Summary, epochs: pd.DataFrame, lengths: pd.DataFrame) -> list[Picture]:
    """Learning curves and lengths of sequences; either may be empty."""
    with style.house_style():
        return list(_of_training(summary, epochs, lengths))


def _of_results(summary: Summary) -> Iterator[Picture]:
    if summary.others:
        yield Picture(
            "differences",
            f"Differences from {summary.reference}",
            f"Each mark is an arm's difference from {summary.reference} on the same targets, its line the 95 % "
            "interval of a paired bootstrap over users. On the shaded side of zero the arm is better. A filled mark: "
            "the interval leaves zero out. The panels of a row share their scale; a baseline far beyond it is an arrow "
            "with its difference.",
            style.to_svg(forest.forest(summary)),
        )
    keys = " and ".join(summary.grid)
    cells = [arm for arm in summary.arms if arm.cell is not None]
    if len(summary.grid) == 2 and cells:
        for name, heading, measures in zip(("maps", "maps_hr"), ("", ": HR and coverage"), grid.MAPS, strict=True):
            yield Picture(
                name,
                f"Measures over {keys}{heading}",
                "Means over seeds; the brighter the better in every map. Solid black frame: the cell that validation "
                "chooses. Dashed frame: the best cell of that map, seen with hindsight. A star: the interval of the "
                f"difference from {summary.reference} leaves zero out.",
                style.to_svg(grid.heat_maps(summary, measures)),
            )
    if len(summary.grid) == 1 and cells:
        yield Picture(
            "lines",
            f"Measures over {keys}",
            "Mean and standard deviation over seeds for each value, equally spaced. Dotted: the value that validation "
            "chooses. Dashed: arms outside the grid.",
            style.to_svg(grid.lines(summary)),
        )
    if len(summary.arms) <= _BARS_AT_MOST:
        yield Picture(
            "bars",
            "Every measure of every arm",
            "Bars are means over seeds, whiskers standard deviations, dots single trials. Trials differ by chance of "
            "training alone: whether an arm beats another is for the picture of differences to say.",
            style.to_svg(bars.bars(summary)),
        )
    if any({"ndcg_p", "ndcg_n"} <= arm.mean.keys() for arm in summary.arms):
        yield Picture(
            "tradeoff",
            "Hits against false positives",
            "Up: more liked targets near the top. Left: fewer disliked ones there. Large marks are arms, small ones "
            "their trials (where there are few arms). The grey stairs are the Pareto front: no arm is better in both."
            f"{_shades(summary)}",
            style.to_svg(tradeoff.tradeoff(summary)),
        )


def _shades(summary: Summary) -> str:
    if not summary.grid:
        return ""
    first, *rest = summary.grid
    forms = f", its form {rest[0]}" if rest else ""
    return f" The colour of a mark is {first} (dark is low){forms}; black is {summary.reference}."


def _of_training(summary: Summary, epochs: pd.DataFrame, lengths: pd.DataFrame) -> Iterator[Picture]:
    if len(epochs) and curves.columns_of(epochs):
        left_out = len(set(epochs["arm"])) - len(curves.drawn_arms(summary, epochs))
        few = f" {left_out} further arms are left out." if left_out else ""
        yield Picture(
            "curves",
            "Learning curves",
            "Mean over seeds, with one standard deviation around it, up to the epoch that all seeds reached; thin "
            f"beyond that, where some had stopped. Marks: the epoch that each seed kept.{few}",
            style.to_svg(curves.curves(summary, epochs)),
        )
    if len(lengths):
        yield Picture(
            "lengths",
            "Lengths of the training sequences",
            "Users by the length of their training sequence of each polarity, before a model cuts it. A bin goes from "
            f"the number below it to the next. Dashed: the longest that is read, {summary.data.max_length} inputs and "
            "one more label.",
            style.to_svg(histograms.histograms(lengths, summary.data.max_length)),
        )
