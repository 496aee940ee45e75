"""Draws what the site shows of the stored studies before its pages are read.

`docs/results/*/*/` holds what was measured (`summary.json`, `results.csv`, `ranks.npz`). The document of results with
its pictures, and the picture of the findings, are made from that at each build and are not kept in the repository.
"""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
FINDINGS, PICTURE = DOCS / "findings.md", DOCS / "findings" / "verdicts.svg"
# A row of the findings: the question as a link, the verdict, and a number with its interval.
ROW = re.compile(
    r"^\| \[(?P<question>[^\]]+)\]\([^)]+\) \|.*\| (?P<what>[^|]*?): "
    r"(?P<value>[+-]?\d\.\d+)°? \[(?P<low>[+-]?\d\.\d+), (?P<high>[+-]?\d\.\d+)\] \|$"
)


def read_verdicts(text: str) -> list[tuple[str, str, float, float, float]]:
    """Question, what is measured, difference, low and high end, of each row that has an interval."""
    rows = [found for line in text.splitlines() if (found := ROW.match(line))]
    return [(row["question"], row["what"], float(row["value"]), float(row["low"]), float(row["high"])) for row in rows]


def draw_verdicts(rows: list[tuple[str, str, float, float, float]]) -> Any:
    """A line a question: the difference with its interval, filled where the interval leaves zero out."""
    from studies.page import style

    figure = style.new_figure(9.0, 0.6 + 0.5 * len(rows))
    axes = figure.subplots()
    axes.axvline(0, color=style.REFERENCE, linewidth=1.1)
    for place, (_, _, value, low, high) in enumerate(rows):
        colour = style.COLOURS[0]
        axes.errorbar(
            value,
            place,
            xerr=[[value - low], [high - value]],
            fmt="o",
            color=colour,
            markerfacecolor=colour if low > 0 or high < 0 else "white",
            markersize=6,
            elinewidth=1.8,
        )
    axes.set_yticks(range(len(rows)), [f"{question}\n{what}" for question, what, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("difference, with its 95 % interval", color=style.SOFT)
    style.plain_grid(axes)
    return figure


def draw(*_: Any) -> None:
    """Makes docs/results.md, its pictures, and the picture of the findings."""
    from studies.commands.collection import collect
    from studies.page import style

    collect(DOCS / "results", DOCS / "results.md")
    with style.house_style():
        PICTURE.write_bytes(style.to_svg(draw_verdicts(read_verdicts(FINDINGS.read_text(encoding="utf-8")))))


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", draw)
    return {"parallel_read_safe": True}
