"""The newest day beside the days before, as small pictures: the band, a dot a day, the newest at the right."""

import html
from collections.abc import Mapping
from typing import Any

from components.feedback.drift.findings import written

_WIDTH, _HEIGHT, _EDGE = 200, 56, 5


def draw_days(drift: Mapping[str, Any]) -> str:
    """A picture for each measure; a sentence where nothing was compared.

    Args:
        drift: What `statistics.json` holds of it.
    """
    if not drift.get("measures"):
        why = drift.get("not_compared") or "feedback.drift.action is off."
        return f'<p class="soft">Nothing is compared: {html.escape(why)}</p>'
    pictures = "\n".join(map(_picture, drift["measures"]))
    told = (
        f"24 hours to {html.escape(str(drift['until']))}, beside {drift['days_with_rows']} days before. The band is "
        "grey, the newest day the last dot."
    )
    return f'<p class="soft">{told}</p><div class="days">{pictures}</div>'


def _picture(measure: Mapping[str, Any]) -> str:
    values = [*reversed(measure["before"]), measure["value"]]
    low, high = float(min(*values, measure["low"])), float(max(*values, measure["high"]))
    span = (high - low) or 1.0

    def down(value: float) -> float:
        return _HEIGHT - _EDGE - float(value - low) / span * (_HEIGHT - 2 * _EDGE)

    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    dots = "".join(
        f'<circle class="{"newest" if place == len(values) - 1 else "before"}" cx="{_EDGE + place * step:.1f}" '
        f'cy="{down(value):.1f}" r="{3.5 if place == len(values) - 1 else 1.8}"/>'
        for place, value in enumerate(values)
    )
    top, bottom = down(measure["high"]), down(measure["low"])
    band = f'<rect class="band" x="0" y="{top:.1f}" width="{_WIDTH}" height="{max(bottom - top, 1):.1f}"/>'
    value, *ends = (written(measure[name], measure["form"]) for name in ("value", "low", "high"))
    caption = f"{html.escape(measure['label'])}: <b>{value}</b>, band {ends[0]} to {ends[1]}"
    return (
        f'<figure class="{"above" if measure["outside"] else ""}"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{html.escape(measure["label"])}">{band}{dots}</svg><figcaption>{caption}</figcaption></figure>'
    )
