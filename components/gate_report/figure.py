"""The small figure of a metric: value, interval, bounds and the last blessed model on one line (SVG)."""

from components.evaluation import config
from components.gate_report.report import Row

_WIDTH, _HEIGHT, _MARGIN = 190, 22, 8

LEGEND = (
    f'<svg width="{_WIDTH}" height="16" viewBox="0 0 {_WIDTH} 16" role="img" '
    'aria-label="Legend: dot is the value, band its interval, ring the last blessed model, tick a bound">'
    '<g font-size="11" fill="currentColor"><line class="span" x1="2" x2="16" y1="8" y2="8"/>'
    '<circle class="dot" cx="9" cy="8" r="3.5"/><text x="21" y="12">value</text>'
    '<circle class="last" cx="65" cy="8" r="3.5"/><text x="73" y="12">last blessed</text>'
    '<line class="bound" x1="150" x2="150" y1="2" y2="14"/><text x="156" y="12">bound</text></g></svg>'
)


def draw(row: Row) -> str:
    """SVG of `row`, empty where its value is undefined. Each row has a scale of its own."""
    if row.value is None:
        return ""
    bounds = limits(row)
    known = [row.value, *bounds, *(row.interval or ()), *(() if row.baseline is None else (row.baseline,))]
    low, high = min(known), max(known)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    scale = (_WIDTH - 2 * _MARGIN) / (high - low)
    middle = _HEIGHT / 2

    def place(value: float) -> str:
        return f"{_MARGIN + (value - low) * scale:.1f}"

    parts = [f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{middle}" y2="{middle}"/>']
    if row.interval is not None:
        ends = f'x1="{place(row.interval.low)}" x2="{place(row.interval.high)}"'
        parts.append(f'<line class="span" {ends} y1="{middle}" y2="{middle}"/>')
    parts += [
        f'<line class="bound" x1="{place(limit)}" x2="{place(limit)}" y1="2" y2="{_HEIGHT - 2}"/>' for limit in bounds
    ]
    if row.baseline is not None:
        parts.append(f'<circle class="last" cx="{place(row.baseline)}" cy="{middle}" r="4"/>')
    parts.append(f'<circle class="dot" cx="{place(row.value)}" cy="{middle}" r="4"/>')
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f'<svg {size} aria-hidden="true">{"".join(parts)}</svg>'


def limits(row: Row) -> list[float]:
    """The values that `row` may not cross: its least, its greatest, and the one that its loss bound comes to."""
    found = [limit for limit in (row.min, row.max) if limit is not None]
    if row.max_loss is not None and row.baseline is not None:
        found.append(
            row.baseline - row.max_loss if config.higher_is_better(row.metric) else row.baseline + row.max_loss
        )
    return found
