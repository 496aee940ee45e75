"""The last runs as a page without scripts: measures over the runs with their bounds, then a line a run."""

import html
import pathlib
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline import run_record

_PAGE: Final = pathlib.Path(__file__).with_name("page.html")
_WIDTH, _HEIGHT, _EDGE = 320, 96, 8
_GOOD: Final = (run_record.PUSHED, run_record.UNCHANGED)
_BOUND: Final = re.compile(r"^[<>]= (\S+)$")

Record = Mapping[str, Any]


def to_html(name: str, records: Sequence[Record]) -> str:
    """The page; every text from outside is escaped.

    Args:
        name: Of the pipeline.
        records: As `run_record.make` gives them, the oldest first.
    """
    good = sum(record["verdict"] in _GOOD for record in records)
    newest = records[-1]
    return string.Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"Runs of {name}"),
        summary=html.escape(
            f"{len(records)} runs from {_day(records[0])} to {_day(newest)}: {good} pushed a model or found it pushed, "
            f"{len(records) - good} did not. The newest: {newest['verdict']}."
        ),
        tone="good" if newest["verdict"] in _GOOD else "bad",
        measures="\n".join(_measures(records)) or '<p class="soft">No run came as far as the gate.</p>',
        sizes="\n".join(_sizes(records)),
        rows="\n".join(map(_row, reversed(records))),
    )


def _day(record: Record) -> str:
    return str(record["started"])[:16].replace("T", " ")


def _measures(records: Sequence[Record]) -> Iterator[str]:
    """A picture for each measure with a bound, and for what people look at of what was shown at random."""
    shown = [[*record["measures"], *run_record.at_random(record).values()] for record in records]
    for name in dict.fromkeys(each["name"] for measures in shown for each in measures):
        found = [next((each for each in measures if each["name"] == name), None) for measures in shown]
        newest = next(each for each in reversed(found) if each)
        bounds = [float(match[1]) for text in newest["bounds"] if (match := _BOUND.match(text))]
        values = [each["value"] if each else None for each in found]
        intervals = [each["interval"] if each else None for each in found]
        failed = [bool(each and each["verdict"] == "fail") for each in found]
        yield _figure(name, ", ".join(newest["bounds"]), values, intervals, bounds, failed)


def _sizes(records: Sequence[Record]) -> Iterator[str]:
    """Pictures of the data and of the time."""
    nothing: list[None] = [None] * len(records)
    for name, label in (("rows", "rows read"), ("users", "users in training"), ("items", "items in training")):
        values = [record["data"].get(name) for record in records]
        yield _figure(label, "", values, nothing, [], [False] * len(records), whole=True)
    values = [record["seconds"] for record in records]
    yield _figure("seconds", "", values, nothing, [], [False] * len(records), whole=True)
    outside = [record["warnings"]["drift"] for record in records]
    yield _figure(
        "measures of the newest day outside their bands", "", outside, nothing, [], [n > 0 for n in outside], whole=True
    )


def _figure(
    label: str,
    note: str,
    values: Sequence[float | None],
    intervals: Sequence[Sequence[float] | None],
    bounds: Sequence[float],
    failed: Sequence[bool],
    *,
    whole: bool = False,
) -> str:
    """A dot a run, the newest at the right, with its interval; bounds as lines."""
    known = [value for value in values if value is not None]
    ends = [end for interval in intervals if interval for end in interval]
    low, high = min([*known, *ends, *bounds], default=0.0), max([*known, *ends, *bounds], default=1.0)
    span = (high - low) or 1.0

    def down(value: float) -> str:
        return f"{_HEIGHT - _EDGE - (value - low) / span * (_HEIGHT - 2 * _EDGE):.1f}"

    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    parts = [f'<line class="bound" x1="0" x2="{_WIDTH}" y1="{down(each)}" y2="{down(each)}"/>' for each in bounds]
    for place, (value, interval, fails) in enumerate(zip(values, intervals, failed, strict=True)):
        across = f"{_EDGE + place * step:.1f}"
        if interval:
            ends_at = f'y1="{down(interval[0])}" y2="{down(interval[1])}"'
            parts.append(f'<line class="span" x1="{across}" x2="{across}" {ends_at}/>')
        if value is not None:
            parts.append(f'<circle class="{"fail" if fails else "dot"}" cx="{across}" cy="{down(value)}" r="3"/>')
    last = "none" if not known else f"{known[-1]:,.0f}" if whole else f"{known[-1]:.4f}"
    return (
        f'<figure><figcaption>{html.escape(label)} <b>{last}</b> <span class="soft">{html.escape(note)}</span>'
        f'</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _row(record: Record) -> str:
    """A line of the table, and below it the reason of a run that pushed nothing."""
    data, good = record["data"], record["verdict"] in _GOOD
    drift = ", ".join(each["name"] for each in record["drift"]) or "-"
    links = " ".join(
        f'<a href="{html.escape(pathlib.Path(path).as_uri())}">{html.escape(name)}</a>'
        for name, path in record["pages"].items()
    )
    cells = (
        *(_day(record), str(record["version"] or "-"), str(data.get("until", "-"))[:16]),
        *(f"{data[name]:,}" if data else "-" for name in ("rows", "users", "items")),
        str(record["warnings"]["feedback"]),
    )
    line = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    line += f'<td class="wrap">{html.escape(drift)}</td><td>{record["seconds"]:.0f}</td>'
    told = f'<td class="{"ok" if good else "fail"}">{html.escape(record["verdict"].replace("_", " "))}</td>'
    reason = str(record["message"]) or "; ".join(
        f"{each['name']} {'is undefined' if each['value'] is None else format(each['value'], '.4f')} "
        f"({', '.join(each['bounds'])})"
        for each in record["measures"]
        if each["verdict"] == "fail"
    )
    below = f'<tr class="reason"><td colspan="11">{html.escape(reason)}</td></tr>' if reason and not good else ""
    return f"<tr>{told}{line}<td>{links}</td></tr>{below}"
