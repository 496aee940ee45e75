"""The report as text for a terminal of 100 columns."""

import textwrap

from components.gate import config
from components.gate.report.content import Report, Row, SliceRow
from components.gate.report.intervals import Interval

WIDTH = 100
INTERVAL_NOTE = (
    "95 % intervals: Wilson (HR), Newcombe (HR difference), normal from the standard error (NDCG, MRR), changes paired "
    "by example. They assume that examples are independent of each other."
)
GROUP_NOTE = (
    "p: targets that were liked (higher is better); n: targets that were disliked, so hits are false positives (lower "
    "is better); delta: p - n. A miss counts 0."
)
DEFAULT_NOTE = (
    f"{config.DEFAULT_PREFIX}: the same of the list that serving_default answers with, which leaves out what a user "
    "dislikes and does not weigh it; the other metrics look at the list of with_negatives. (SASRec and SASRec_c have "
    "one list.)"
)
SLICE_METRICS = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta")


def to_text(report: Report) -> str:
    """The whole report, no line wider than `WIDTH`."""
    blocks = [_wrap(report.headline)]
    blocks += [_wrap(note) for note in report.notes]
    reasons = [row.sentence for row in report.failures]
    if len(reasons) > 1:  # a single one is in the headline
        blocks.append("\n".join(["Why:", *(_wrap(reason, "  - ", "    ") for reason in reasons)]))
    blocks.append(_metrics_table(report))
    if report.slices:
        blocks.append(_slices_table(report.slices))
    blocks.append("\n".join(map(_wrap, footnotes(report))))
    return "\n\n".join(blocks) + "\n"


def footnotes(report: Report) -> list[str]:
    """What the names and the intervals of the table mean."""
    by_default = any(config.is_default(row.metric) for row in report.rows)
    return [GROUP_NOTE, *([DEFAULT_NOTE] if by_default else []), INTERVAL_NOTE]


def _metrics_table(report: Report) -> str:
    title = f"At k = {report.k}: {report.count_p:,} examples of group p, {report.count_n:,} of group n"
    header = ["metric", "value", "95 % interval", "n", "bound", "last", "change", "verdict"]
    lines = [
        line for row in report.rows if not config.is_default(row.metric) for line in _metric_lines(row, row.metric)
    ]
    if default := [row for row in report.rows if config.is_default(row.metric)]:
        # Under a line of their own, since the table is wide already.
        lines.append([config.DEFAULT_PREFIX, *[""] * (len(header) - 1)])
        for row in default:
            lines += _metric_lines(row, "  " + row.metric.removeprefix(config.DEFAULT_PREFIX))
    return title + "\n" + _table(header, lines, left=(0, 4, 7))


def _metric_lines(row: Row, name: str) -> list[list[str]]:
    bounds = row.bounds or ("",)
    first = [
        name,
        number(row.value),
        span(row.interval),
        f"{row.examples:,}",
        bounds[0],
        number(row.baseline),
        number(row.change, signed=True),
        "FAIL" if row.verdict == "fail" else row.verdict,
    ]
    return [first, *(["", "", "", "", bound, "", "", ""] for bound in bounds[1:])]


def _slices_table(slices: tuple[SliceRow, ...]) -> str:
    header = ["slice", "n(p)", "n(n)", *SLICE_METRICS]
    lines = []
    feature = ""
    for part in slices:
        if part.feature != feature:
            feature = part.feature
            lines.append([feature] + [""] * (len(header) - 1))
        values = [number(part.metrics.get(metric)) for metric in SLICE_METRICS]
        lines.append([f"  {part.value}", f"{part.count_p:,}", f"{part.count_n:,}", *values])
    return "Slices (no bound applies to them)\n" + _table(header, lines, left=(0,))


def number(value: float | None, signed: bool = False) -> str:
    """Four digits behind the point, `-` for an undefined value."""
    if value is None:
        return "-"
    return f"{value:+.4f}" if signed else f"{value:.4f}"


def span(interval: Interval | None) -> str:
    """Both ends, or `-`."""
    return "-" if interval is None else f"{interval.low:.4f}..{interval.high:.4f}"


def _table(header: list[str], lines: list[list[str]], left: tuple[int, ...]) -> str:
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [header, rule, *lines]
    )


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest)
