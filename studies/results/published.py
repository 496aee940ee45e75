"""What the paper printed, beside what was found here."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from studies.results.tables import ArmResult, aligned, mean_text

PUBLISHED: Final = Path(__file__).parents[1] / "published.csv"
MEASURES: Final = ("hr_p", "ndcg_p", "hr_delta", "ndcg_delta")


def published() -> list[dict[str, str]]:
    """The rows of `published.csv`: numbers as the paper prints them, each with its source and our name of the data."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def beside_published(found: Sequence[ArmResult], config: str, best_epochs: Mapping[str, float]) -> str:
    """The arms that have the name of a published model, each with both numbers, as text.

    Args:
        found: The arms.
        config: `name` of the configuration, such as ml-1m.
        best_epochs: Of each arm, the mean over its trainings.
    """
    rows = {row["model"]: row for row in published() if row["config"] == config}
    if not rows:
        return f"The paper prints no numbers for data named {config}."
    first = next(iter(rows.values()))
    head = f"Beside what the paper prints for {first['data']} ({first['source']}, {first['runs']} trainings each):"
    names = [cell for name in (*MEASURES, "best epoch") for cell in (name, "paper")]
    lines = [[arm.name, *_cells(arm, rows[arm.name], best_epochs)] for arm in found if arm.name in rows]
    return f"{head}\n\n{aligned([['arm', *names], *lines])}"


def _cells(arm: ArmResult, row: Mapping[str, str], best_epochs: Mapping[str, float]) -> list[str]:
    cells = []
    for name in MEASURES:
        cells += [mean_text(arm.mean[name], arm.sd[name]), f"{row[name]}+-{row[f'{name}_sd']}"]
    best = f"{best_epochs[arm.name]:.0f}" if arm.name in best_epochs else "-"
    return [*cells, best, row["best_epoch"]]
