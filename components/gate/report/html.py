"""The report as one HTML page without scripts or outside resources."""

import html
import pathlib
import string

from components.gate.report import figure, render
from components.gate.report.content import Report, Row, SliceRow
from pnfrec_core.lists import LIST_METRICS

_PAGE = pathlib.Path(__file__).with_name("page.html")
_SIGNS = (("loss <= ", "loss ≤ "), (">= ", "≥ "), ("<= ", "≤ "))
_DASH = "&ndash;"
# Columns of the metrics: label, and its class.
_COLUMNS = (
    ("metric", "text name"),
    ("value", ""),
    ("95&nbsp;% interval", ""),
    ("", "figure"),
    ("examples", ""),
    ("bound", "text"),
    ("last blessed", "baseline"),
    ("change", "baseline"),
    ("verdict", "text judged"),
)
_SLICE_COLUMNS = ("n(p)", "n(n)", *render.SLICE_METRICS)


def to_html(report: Report) -> str:
    """The page; every text from outside is escaped."""
    verdict, _, reason = report.headline.partition(":")
    reasons = [row.sentence for row in report.failures]
    if not report.agrees:
        reasons = [report.notes[0], *reasons]
    return string.Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=f"{verdict} &ndash; gate of the export",
        tone="good" if report.blessed else "bad",
        verdict=html.escape(verdict),
        reason=" " + html.escape(reason.strip()),
        failures=_list(reasons) if len(reasons) > 1 or not report.agrees else "",
        facts="\n".join(_facts(report)),
        k=report.k,
        legend=figure.LEGEND,
        table="metrics" if report.has_baseline else "metrics alone",
        head="".join(_cell("th", label, name) for label, name in _COLUMNS),
        rows="\n".join(_metric_rows(row, figure.find_scale(row, _compared(report))) for row in report.rows),
        slices=_slice_bounds(report) + _at_random(report) + _slices(report),
        footnotes="\n".join(f"<p>{html.escape(text)}</p>" for text in render.footnotes(report)),
    )


def _compared(report: Report) -> tuple[Row, ...]:
    """The rows whose figures stand side by side: what was shown at random beside the test."""
    return report.rows if report.at_random is None else (*report.rows, *report.at_random.rows)


def _facts(report: Report) -> list[str]:
    facts = [("Note", note) for note in report.notes[not report.agrees :]]
    facts.append(
        ("Examples", f"{report.count_p:,} with a liked target (p), {report.count_n:,} with a disliked one (n)")
    )
    facts += [("What a dislike does", row.sentence) for row in report.response_rows]
    if report.model:
        facts.append(("Model", report.model))
    if report.baseline_model:
        facts.append(("Last blessed", report.baseline_model))
    return [f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts]


def _metric_rows(row: Row, scale: figure.Scale) -> str:
    tone = {"ok": "ok", "fail": "fail"}.get(row.verdict, "soft")
    change = _number(row.change, signed=True)
    if row.change_interval is not None:
        low, high = row.change_interval
        change = f'<span title="95 % interval {low:+.4f} to {high:+.4f}">{change}</span>'
    texts = (
        html.escape(row.metric),
        _number(row.value),
        _DASH if row.interval is None else render.span(row.interval).replace("..", f" {_DASH} "),
        figure.draw(row, scale),
        f"{row.examples:,}",
        "<br>".join(html.escape(_pretty(bound)) for bound in row.bounds) or _DASH,
        _number(row.baseline),
        change,
        f'<span class="{tone}">{html.escape(row.verdict)}</span>',
    )
    line = "".join(_cell("td", text, name, label) for text, (label, name) in zip(texts, _COLUMNS, strict=True))
    if not row.bounds and (row.value is not None or row.metric in LIST_METRICS):
        return f"<tr>{line}</tr>"
    reason = f'<tr class="reason"><td colspan="{len(_COLUMNS)}">{html.escape(row.sentence)}</td></tr>'
    return f'<tr class="plain">{line}</tr>\n{reason}'


def _cell(tag: str, text: str, name: str, label: str = "") -> str:
    """A cell; on a narrow screen, where the head of the table is hidden, its label is above it."""
    kind = f' class="{name}"' if name else ""
    said = f' data-label="{label}"' if label else ""
    return f"<{tag}{kind}{said}>{text}</{tag}>"


def _number(value: float | None, signed: bool = False) -> str:
    return _DASH if value is None else render.number(value, signed)


def _slice_bounds(report: Report) -> str:
    """The bounds on slices as a table like that of the metrics; empty where there are none."""
    if not report.slice_rows:
        return ""
    lines = []
    where = ""
    for row in report.slice_rows:
        if row.where != where:
            where = row.where
            lines.append(f'<tr class="group"><td colspan="{len(_COLUMNS)}">{html.escape(where)}</td></tr>')
        lines.append(_metric_rows(row, figure.find_scale(row, (*report.rows, *report.slice_rows))))
    return "<h2>Bounds on slices</h2>\n" + _metrics_table(lines, report.has_baseline)


def _at_random(report: Report) -> str:
    """What was shown at random, as a table like that of the metrics; empty where the feedback has no such log."""
    found = report.at_random
    if found is None:
        return ""
    title = f'<h2>{render.RANDOM_TITLE} <span class="soft">({render.RANDOM_NOTE})</span></h2>\n'
    if not found.rows:
        return f"{title}<p>{render.NOTHING_RANDOM}</p>\n"
    lines = [_metric_rows(row, figure.find_scale(row, _compared(report))) for row in found.rows]
    return f"{title}<p>{render.examples(found)}.</p>\n{_metrics_table(lines, report.has_baseline)}"


def _metrics_table(lines: list[str], has_baseline: bool) -> str:
    head = "".join(_cell("th", label, name) for label, name in _COLUMNS)
    body = "\n".join(lines)
    kind = "metrics" if has_baseline else "metrics alone"
    return f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n'


def _slices(report: Report) -> str:
    slices: tuple[SliceRow, ...] = report.slices
    if not slices:
        return ""
    head = _cell("th", "slice", "text name") + "".join(_cell("th", label, "") for label in _SLICE_COLUMNS)
    lines = []
    feature = ""
    for part in slices:
        if part.feature != feature:
            feature = part.feature
            columns = 1 + len(_SLICE_COLUMNS)
            lines.append(f'<tr class="group"><td colspan="{columns}">{html.escape(feature)}</td></tr>')
        values = [f"{part.count_p:,}", f"{part.count_n:,}"]
        values += [_number(part.metrics.get(metric)) for metric in render.SLICE_METRICS]
        cells = "".join(_cell("td", value, "", label) for value, label in zip(values, _SLICE_COLUMNS, strict=True))
        lines.append(f"<tr>{_cell('td', html.escape(part.value), 'text name')}{cells}</tr>")
    body = "\n".join(lines)
    return (
        f'<h2>Slices <span class="soft">({render.slice_title(bool(report.slice_rows))})</span></h2>\n'
        '<table class="slices">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def _pretty(bound: str) -> str:
    for sign, pretty in _SIGNS:
        if bound.startswith(sign):
            return pretty + bound.removeprefix(sign)
    return bound


def _list(texts: list[str]) -> str:
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>"
