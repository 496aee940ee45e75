"""The report as text for a terminal of 100 columns."""

import textwrap

from components.gate import config
from components.gate.report.content import AtRandom, Report, Row, SliceRow
from components.gate.report.intervals import Interval
from pnfrec_core import schema
from pnfrec_core.lists import LIST_METRICS

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
LIST_NOTE = (
    "The lists of all: gini is 0 where all items stand in as many lists and near 1 where few have everything; novelty "
    "is the mean of -log2 of the share of the training interactions, in bits; diversity, where items have groups, is "
    "the share of the pairs in a list that come from two groups; list_ and target_ are the shares of each popularity "
    "bucket in the lists and in the liked targets, and miscalibration is half the sum of their differences."
)
RANDOM_TITLE = "What was shown at random"
RANDOM_NOTE = f"{schema.TEST_RANDOM_SPLIT}; no bound applies"
NOTHING_RANDOM = "There is no target; the account of the feedback says why."
_HEADER = ["metric", "value", "95 % interval", "n", "bound", "last", "change", "verdict"]
SLICE_METRICS = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta")


def to_text(report: Report) -> str:
    """The whole report, no line wider than `WIDTH`."""
    blocks = [_wrap(report.headline)]
    blocks += [_wrap(note) for note in report.notes]
    reasons = [row.sentence for row in report.failures]
    if len(reasons) > 1:  # a single one is in the headline
        blocks.append("\n".join(["Why:", *(_wrap(reason, "  - ", "    ") for reason in reasons)]))
    blocks.append(_metrics_table(f"At k = {report.k}: {examples(report)}", report.rows))
    blocks.append(_lists_table(f"The lists of all, {report.k} items each", report.rows))
    if report.slice_rows:
        blocks.append(_slice_bounds_table(report.slice_rows))
    blocks += [_wrap(f"What a dislike does: {row.sentence}") for row in report.response_rows]
    if report.at_random is not None:
        blocks += _at_random(report.at_random, report.k)
    if report.slices:
        blocks.append(_slices_table(report.slices, bounded=bool(report.slice_rows)))
    blocks.append("\n".join(map(_wrap, footnotes(report))))
    return "\n\n".join(blocks) + "\n"


def footnotes(report: Report) -> list[str]:
    """What the names and the intervals of the table mean."""
    by_default = any(config.is_default(row.metric) for row in report.rows)
    return [GROUP_NOTE, *([DEFAULT_NOTE] if by_default else []), LIST_NOTE, INTERVAL_NOTE]


def examples(of: Report | AtRandom) -> str:
    """How many targets stand behind the measures."""
    return f"{of.count_p:,} examples of group p, {of.count_n:,} of group n"


def _at_random(found: AtRandom, k: int) -> list[str]:
    if not found.rows:
        return [_wrap(f"{RANDOM_TITLE} ({RANDOM_NOTE}): {NOTHING_RANDOM}")]
    title = _wrap(f"{RANDOM_TITLE} ({RANDOM_NOTE}): {examples(found)}")
    lists = f"The lists of these users, {k} items each"
    return [_metrics_table(title, found.rows), _lists_table(lists, found.rows)]


def _metrics_table(title: str, rows: tuple[Row, ...]) -> str:
    header = _HEADER
    own = [row for row in rows if not config.is_default(row.metric) and row.metric not in LIST_METRICS]
    lines = [line for row in own for line in _metric_lines(row, row.metric)]
    if default := [row for row in rows if config.is_default(row.metric)]:
        # Under a line of their own, since the table is wide already.
        lines.append([config.DEFAULT_PREFIX, *[""] * (len(header) - 1)])
        for row in default:
            lines += _metric_lines(row, "  " + row.metric.removeprefix(config.DEFAULT_PREFIX))
    return title + "\n" + _table(header, lines, left=(0, 4, 7))


def _lists_table(title: str, rows: tuple[Row, ...]) -> str:
    """What the lists of all hold: of them there are no intervals."""
    kept = (0, 1, 4, 5, 6, 7)
    own = [row for row in rows if row.metric in LIST_METRICS]
    lines = [[line[column] for column in kept] for row in own for line in _metric_lines(row, row.metric)]
    return title + "\n" + _table([_HEADER[column] for column in kept], lines, (0, 2, 5))


def _slice_bounds_table(rows: tuple[Row, ...]) -> str:
    lines: list[list[str]] = []
    where = ""
    for row in rows:
        if row.where != where:
            where = row.where
            lines.append([where, *[""] * (len(_HEADER) - 1)])
        lines += _metric_lines(row, f"  {row.metric}")
    return "Bounds on slices\n" + _table(_HEADER, lines, left=(0, 4, 7))


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


def _slices_table(slices: tuple[SliceRow, ...], bounded: bool) -> str:
    header = ["slice", "n(p)", "n(n)", *SLICE_METRICS]
    lines = []
    feature = ""
    for part in slices:
        if part.feature != feature:
            feature = part.feature
            lines.append([feature] + [""] * (len(header) - 1))
        values = [number(part.metrics.get(metric)) for metric in SLICE_METRICS]
        lines.append([f"  {part.value}", f"{part.count_p:,}", f"{part.count_n:,}", *values])
    return f"Slices ({slice_title(bounded)})\n" + _table(header, lines, left=(0,))


def slice_title(bounded: bool) -> str:
    """Whether bounds hold for slices, and where they stand."""
    return "bounds that hold for one stand above" if bounded else "no bound applies to them"


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
