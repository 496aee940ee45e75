"""The report as one HTML page without scripts or outside resources."""

import html
import pathlib
import string

from components.gate.report import figure, render
from components.gate.report.content import Report, Row, SliceRow

_PAGE = pathlib.Path(__file__).with_name("page.html")
_SIGNS = (("loss <= ", "loss ≤ "), (">= ", "≥ "), ("<= ", "≤ "))
_COLUMNS = 9


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
        rows="\n".join(_metric_rows(row, figure.find_scale(row, report.rows)) for row in report.rows),
        slices=_slices(report.slices),
        footnotes="\n".join(f"<p>{html.escape(text)}</p>" for text in render.footnotes(report)),
    )


def _facts(report: Report) -> list[str]:
    facts = [("Note", note) for note in report.notes[not report.agrees :]]
    facts.append(
        ("Examples", f"{report.count_p:,} with a liked target (p), {report.count_n:,} with a disliked one (n)")
    )
    if report.model:
        facts.append(("Model", report.model))
    if report.baseline_model:
        facts.append(("Last blessed", report.baseline_model))
    return [f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts]


def _metric_rows(row: Row, scale: figure.Scale) -> str:
    tone = {"ok": "ok", "fail": "fail"}.get(row.verdict, "soft")
    change = render.number(row.change, signed=True)
    if row.change_interval is not None:
        low, high = row.change_interval
        change = f'<span title="95 % interval {low:+.4f} to {high:+.4f}">{change}</span>'
    cells = [
        ("text", html.escape(row.metric)),
        ("", render.number(row.value)),
        ("", render.span(row.interval).replace("..", " &ndash; ")),
        ("text", figure.draw(row, scale)),
        ("", f"{row.examples:,}"),
        ("text", "<br>".join(html.escape(_pretty(bound)) for bound in row.bounds) or "&ndash;"),
        ("", render.number(row.baseline)),
        ("", change),
        (f"text {tone}", html.escape(row.verdict)),
    ]
    line = "".join(f'<td class="{name}">{text}</td>' if name else f"<td>{text}</td>" for name, text in cells)
    if not row.bounds and row.value is not None:
        return f"<tr>{line}</tr>"
    reason = f'<tr class="reason"><td colspan="{_COLUMNS}">{html.escape(row.sentence)}</td></tr>'
    return f'<tr class="plain">{line}</tr>\n{reason}'


def _slices(slices: tuple[SliceRow, ...]) -> str:
    if not slices:
        return ""
    head = "".join(f"<th>{name}</th>" for name in ("n(p)", "n(n)", *render.SLICE_METRICS))
    lines = []
    feature = ""
    for part in slices:
        if part.feature != feature:
            feature = part.feature
            lines.append(f'<tr class="group"><td colspan="{_COLUMNS}">{html.escape(feature)}</td></tr>')
        values = [f"{part.count_p:,}", f"{part.count_n:,}"]
        values += [render.number(part.metrics.get(metric)) for metric in render.SLICE_METRICS]
        cells = "".join(f"<td>{value}</td>" for value in values)
        lines.append(f'<tr><td class="text">{html.escape(part.value)}</td>{cells}</tr>')
    body = "\n".join(lines)
    return (
        '<h2>Slices <span class="soft">(no bound applies to them)</span></h2>\n<div class="scroll"><table>\n'
        f'<thead><tr><th class="text">slice</th>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
    )


def _pretty(bound: str) -> str:
    for sign, pretty in _SIGNS:
        if bound.startswith(sign):
            return pretty + bound.removeprefix(sign)
    return bound


def _list(texts: list[str]) -> str:
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>"
