"""`page.html` from what a study's folder holds; every text is escaped."""

import base64
import html
import re
import string
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from studies.page import sentences
from studies.page.pictures import Picture
from studies.results.ranks import COMPARED
from studies.results.summary import ArmSummary, Summary

# Named here, so that who reads the sources finds it; the page that is made has the same name.
_TEMPLATE = Path(__file__).with_name("page.html")
# Tables with more arms are folded away.
_LONG = 16
_MEANS = (*COMPARED, "coverage")


def to_html(summary: Summary, pictures: Sequence[Picture]) -> str:
    """The page."""
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"{_text(summary.study)} on {_text(summary.data.name)} &ndash; a study of pnfrec",
        question=_text(summary.question),
        study=_text(summary.study),
        data=_text(summary.data.name),
        gaps=_list(sentences.gaps(summary), "warn"),
        facts="\n".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in _facts(summary)),
        findings=_findings(summary),
        selection=_text(sentences.selection(summary)),
        shares=_shares(summary),
        means="\n".join([_folded(summary, "Means and standard deviations", _means(summary)), *_further(summary)]),
        differences="\n".join(_differences(view, not place) for place, view in enumerate(summary.comparisons())),
        pictures="\n".join(map(_picture, pictures)),
        arms=_folded(summary, "Epochs, time, memory and settings", _arms(summary)),
        settings=_table(["setting", "value"], ([key, _text(value)] for key, value in sorted(summary.settings.items()))),
        declaration=_text(yaml.safe_dump(summary.declaration, sort_keys=False, allow_unicode=True, width=110)),
    )


def _facts(summary: Summary) -> list[tuple[str, str]]:
    data = summary.data
    negative = data.targets - data.positive_targets
    return [
        ("Data", f"{data.name}: {data.rows:,} training rows, {data.users:,} training users, {data.items:,} items"),
        ("Protocol", data.protocol),
        (
            "Judged on",
            f"{data.targets:,} test targets of {data.target_users:,} users: {data.positive_targets:,} liked (p), "
            f"{negative:,} disliked (n); lists of {summary.k}",
        ),
        ("Reference", summary.reference),
        ("Seeds", _seeds(summary)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in summary.versions.items())),
        ("Machine, day", f"{summary.machine}; {summary.date}"),
    ]


def _seeds(summary: Summary) -> str:
    found = sorted({seed for arm in summary.arms for seed in arm.seeds if seed is not None})
    return ", ".join(map(str, found)) or "none: nothing was trained"


def _findings(summary: Summary) -> str:
    found = sentences.findings(summary)
    if not found:
        return ""
    return f"<h2>What the intervals say</h2>\n{_list(found)}"


def _shares(summary: Summary) -> str:
    rows = sentences.shares(summary)
    if not rows:
        return ""
    table = _table(sentences.SHARES, ([_text(cell) for cell in row] for row in rows))
    return f"<h2>Liked and disliked rows</h2>\n<p>{_text(sentences.shares_note())}</p>\n{table}"


def _means(summary: Summary, shown: Sequence[str] = _MEANS) -> str:
    head = ["arm", "seeds", *map(sentences.measure_label, shown)]
    rows = (
        [_text(arm.name), sentences.seeds_text(arm), *(_text(sentences.mean_text(arm, name)) for name in shown)]
        for arm in summary.arms
    )
    return _table(head, rows, [arm.name == summary.reference for arm in summary.arms])


def _further(summary: Summary) -> list[str]:
    return [
        f"<p>{_text(note)}</p>\n{_folded(summary, 'Further means', _means(summary, names))}"
        for note, names in sentences.further_tables(summary)
    ]


def _differences(summary: Summary, first: bool) -> str:
    shown = (COMPARED, *(names for _, names in sentences.further_tables(summary)))
    table = "\n".join(_difference_table(summary, names) for names in shown)
    note = (
        f"<p>{_text(sentences.intervals(summary))} Bold: the interval leaves zero out; "
        '<span class="good">green</span> is better, <span class="bad">red</span> worse.</p>\n'
    )
    head = f"<h2>Differences from {_text(summary.reference)}</h2>\n{note if first else ''}"
    return f"{head}{_folded(summary, 'All differences', table)}"


def _difference_table(summary: Summary, names: Sequence[str]) -> str:
    rows = ([_text(arm.name), *(_difference(summary, arm, name) for name in names)] for arm in summary.others)
    return _table(["arm", *map(sentences.measure_label, names)], rows)


def _folded(summary: Summary, heading: str, table: str) -> str:
    """A table that can be scrolled sideways; a long one opens when it is asked to."""
    found = f'<div class="scroll">\n{table}\n</div>'
    if len(summary.arms) <= _LONG:
        return found
    return f"<details><summary>{heading} of {len(summary.arms)} arms</summary>\n{found}\n</details>"


def _difference(summary: Summary, arm: ArmSummary, measure: str) -> str:
    found = arm.against.get(measure)
    text = _text(sentences.interval_text(found))
    if found is None or not found.excludes_zero:
        return text
    kind = "good" if sentences.better(measure, found.estimate) else "bad"
    return f'<span class="{kind}">{text}</span>{sentences.mark(summary, arm, measure)}'


def _arms(summary: Summary) -> str:
    head = ["arm", "best epoch", "seconds a training", "peak GiB", "settings"]
    rows = (
        [
            _text(arm.name),
            f"{sum(arm.best_epochs) / len(arm.best_epochs):.1f}" if arm.best_epochs else "&ndash;",
            f"{arm.seconds:,.0f}",
            f"{arm.peak_gib:.2f}",
            _text(sentences.setting_texts(arm.settings.items())),
        ]
        for arm in summary.arms
    )
    return _table(head, rows, [arm.name == summary.reference for arm in summary.arms])


def _picture(picture: Picture) -> str:
    source = base64.b64encode(picture.svg).decode("ascii")
    return (
        f"<h2>{_text(picture.heading)}</h2>\n<figure>\n"
        f'<div class="scroll"><img width="{_width(picture.svg)}" alt="{_text(picture.heading)}" '
        f'src="data:image/svg+xml;base64,{source}"></div>\n<figcaption>{_text(picture.caption)}</figcaption>\n</figure>'
    )


def _width(svg: bytes) -> int:
    """In pixels, at most that of the page."""
    found = re.search(rb'width="([\d.]+)pt"', svg)
    return min(1072, round(float(found[1]) * 4 / 3)) if found else 1072


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], bands: Sequence[bool] = ()) -> str:
    """Rows hold HTML; the first column, and one headed "settings" or "value", is text."""
    wide = ("settings", "value")
    kinds = ["text" if place == 0 else "long" if name in wide else "" for place, name in enumerate(head)]
    titles = "".join(_cell("th", "text" if kind else "", _text(name)) for kind, name in zip(kinds, head, strict=True))
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(_cell("td", kind, text) for kind, text in zip(kinds, row, strict=True))
        lines.append(
            f'<tr class="reference">{cells}</tr>' if place < len(bands) and bands[place] else f"<tr>{cells}</tr>"
        )
    return "\n".join([f"<table>\n<thead><tr>{titles}</tr></thead>\n<tbody>", *lines, "</tbody></table>"])


def _cell(tag: str, kind: str, text: str) -> str:
    return f'<{tag} class="{kind}">{text}</{tag}>' if kind else f"<{tag}>{text}</{tag}>"


def _list(texts: Sequence[str], kind: str = "") -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{_text(text)}</li>" for text in texts)
    return f'<div class="{kind}"><ul>{items}</ul></div>' if kind else f"<ul>{items}</ul>"


def _text(value: object) -> str:
    return html.escape(str(value))
