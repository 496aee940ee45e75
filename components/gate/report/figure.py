"""The small figure of a metric: value, interval, bounds and the last blessed model on one line (SVG)."""

from typing import NamedTuple

from components.gate import config, thresholds
from components.gate.report.content import Row

_HEIGHT = 22
_MIDDLE = _HEIGHT / 2
# Share of the width, in percent, that is left free at either end, so that a dot there is whole.
_MARGIN = 5.0


class Scale(NamedTuple):
    """Values at the left and the right end of a figure."""

    low: float
    high: float


def _key(shape: str, meaning: str) -> str:
    return f'<span><svg width="18" height="16" viewBox="0 0 18 16" aria-hidden="true">{shape}</svg>{meaning}</span>'


LEGEND = "".join(
    (
        '<p class="legend">',
        _key('<circle class="dot" cx="9" cy="8" r="4"/>', "value"),
        _key('<line class="span" x1="1" x2="17" y1="8" y2="8"/>', "95 % interval"),
        _key('<circle class="last" cx="9" cy="8" r="4"/>', "last blessed model"),
        _key('<line class="bound" x1="9" x2="9" y1="1" y2="15"/>', "bound"),
        _key('<line class="zero" x1="9" x2="9" y1="3" y2="13"/>', "zero"),
        "<span>Figures of one measure share a scale.</span></p>",
    )
)


def find_scale(row: Row, rows: tuple[Row, ...]) -> Scale:
    """The scale of all `rows` with the measure of `row`, so that their figures can be compared. It always holds 0."""
    measure = _measure(row)
    known = [0.0]
    for other in rows:
        if _measure(other) == measure:
            known += [*limits(other), *(other.interval or ())]
            known += [value for value in (other.value, other.baseline) if value is not None]
    low, high = min(known), max(known)
    return Scale(low, high) if high > low else Scale(low, low + 1.0)


def draw(row: Row, scale: Scale) -> str:
    """SVG of `row`, as wide as the place that it is put into; empty where the value is undefined."""
    if row.value is None:
        return ""
    width = (100 - 2 * _MARGIN) / (scale.high - scale.low)

    def place(value: float) -> str:
        return f"{_MARGIN + (value - scale.low) * width:.1f}%"

    parts = [f'<line class="axis" x1="0%" x2="100%" y1="{_MIDDLE}" y2="{_MIDDLE}"/>']
    parts.append(f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="6" y2="{_HEIGHT - 6}"/>')
    if row.interval is not None:
        ends = f'x1="{place(row.interval.low)}" x2="{place(row.interval.high)}"'
        parts.append(f'<line class="span" {ends} y1="{_MIDDLE}" y2="{_MIDDLE}"/>')
    ticks = map(place, limits(row))
    parts += [f'<line class="bound" x1="{tick}" x2="{tick}" y1="2" y2="{_HEIGHT - 2}"/>' for tick in ticks]
    if row.baseline is not None:
        parts.append(f'<circle class="last" cx="{place(row.baseline)}" cy="{_MIDDLE}" r="4"/>')
    parts.append(f'<circle class="dot" cx="{place(row.value)}" cy="{_MIDDLE}" r="4"/>')
    return f'<svg width="100%" height="{_HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def limits(row: Row) -> list[float]:
    """The values that `row` may not cross: its least, its greatest, and the one that its loss bound comes to."""
    found = [limit for limit in (row.min, row.max) if limit is not None]
    if row.max_loss is not None and row.baseline is not None:
        found.append(thresholds.worst_allowed(row.metric, row.baseline, row.max_loss))
    return found


def _measure(row: Row) -> str:
    return row.metric.removeprefix(config.DEFAULT_PREFIX).split("_", 1)[0]
