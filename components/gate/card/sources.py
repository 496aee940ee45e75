"""What the card is made of: what the run has written down, and nothing else."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from components.gate.card.document import MISSING
from components.gate.report.content import Report
from pnfrec_keras.export.ranking import Ranking

Record = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Sources:
    """The records of a run. What is absent is empty, and the card says so.

    Attributes:
        report: The gate's verdict.
        statistics: `statistics.json` of the feedback.
        manifest: `manifest.json` of the export.
        config: `config.yaml` of the export.
        ranking: `ranking.json` of the export; None where it has none.
        trained_at: When the training recorded its model, as text; "" where nobody knows.
        versions: Of the software that judged, by distribution.
    """

    report: Report
    statistics: Record = dataclasses.field(default_factory=dict)
    manifest: Record = dataclasses.field(default_factory=dict)
    config: Record = dataclasses.field(default_factory=dict)
    ranking: Ranking | None = None
    trained_at: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)


def at(record: Record, *path: str) -> Any:
    """The value below the keys of `path`; None where there is none."""
    found: Any = record
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def told(record: Record, *path: str) -> str:
    """That value as text: numbers with a comma a thousand, and `MISSING` for none."""
    found = at(record, *path)
    if found is None:
        return MISSING
    if isinstance(found, int) and not isinstance(found, bool):
        return f"{found:,}"
    if isinstance(found, float):
        return f"{found:g}"
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def share(part: Any, whole: Any) -> str:
    """A share in percent; `MISSING` where one of both is none, or there is nothing to take a share of."""
    return MISSING if part is None or not whole else f"{part / whole:.1%}"
