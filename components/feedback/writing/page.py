"""`report.html`: everything that was looked for in the feedback, with its limit; a page without scripts."""

import html
import pathlib
import string
from collections.abc import Iterable, Mapping
from typing import Any

from components.feedback.drift.findings import written
from components.feedback.writing.account import POLARITIES
from components.feedback.writing.days import draw_days
from components.feedback.writing.summary import format_account

PAGE_FILE = "report.html"
_PAGE = pathlib.Path(__file__).with_name("page.html")
_WIDTH, _HEIGHT, _LABELS = 960, 150, 18


def to_html(statistics: Mapping[str, Any]) -> str:
    """The page; every text from outside is escaped.

    Args:
        statistics: The content of `statistics.json`.
    """
    findings = statistics["findings"]
    above = [finding for finding in findings if finding["above"]]
    return string.Template(_PAGE.read_text(encoding="utf-8")).substitute(
        summary=html.escape(format_account(statistics)),
        above_title=f"{len(above)} finding{'' if len(above) == 1 else 's'} above the limit",
        above=_findings(above) or "<p>Nothing lies above its limit.</p>",
        within=_findings(finding for finding in findings if not finding["above"]),
        days=draw_days(statistics["drift"]),
        months=_months(statistics["months"]),
    )


def _findings(findings: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f'<div class="finding{" above" if each["above"] else ""}"><p>{html.escape(each["sentence"])}</p>'
        f'<p class="share">{each["name"]}: {_beside_limit(each)}.'
        f"{' ' + html.escape(each['remedy']) if each['above'] else ''}</p></div>"
        for each in findings
    )


def _beside_limit(finding: Mapping[str, Any]) -> str:
    """The number of a finding and what it may be."""
    if "low" not in finding:
        return f"{finding['share']:.2%}, limit {finding['limit']:.2%}"
    number, low, high = (written(finding[name], finding["form"]) for name in ("number", "low", "high"))
    return f"{number}, band {low} to {high}"


def _months(months: Mapping[str, Mapping[str, int]]) -> str:
    """Bars of the positive and negative rows of each month, one on top of the other."""
    if not months:
        return '<p class="soft">The timestamps say no months.</p>'
    most = max(sum(rows.values()) for rows in months.values())
    step = _WIDTH / len(months)
    parts = []
    for place, (month, rows) in enumerate(months.items()):
        positive, negative = (rows[name] / most * (_HEIGHT - _LABELS) for name in POLARITIES)
        left, width = place * step, max(step - 2, 0.5)
        told = f"{month}: {rows['positive']:,} positive, {rows['negative']:,} negative rows"
        base = _HEIGHT - _LABELS
        parts.append(
            f"<g><title>{told}</title>"
            f'<rect class="like" x="{left:.1f}" y="{base - positive:.1f}" width="{width:.1f}" height="{positive:.1f}"/>'
            f'<rect class="dislike" x="{left:.1f}" y="{base - positive - negative:.1f}" width="{width:.1f}" '
            f'height="{negative:.1f}"/></g>'
        )
    first, last = next(iter(months)), list(months)[-1]
    parts.append(f'<text x="0" y="{_HEIGHT - 4}">{first}</text>')
    parts.append(f'<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{last}</text>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Rows by month">{"".join(parts)}</svg>'
        '<p class="soft">Positive rows below, negative rows on top.</p>'
    )
