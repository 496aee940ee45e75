"""Which of the last blessed models was the best: by what each changed on the very examples that it was judged on.

Values of two days are values on two sets of examples, and tell little about two models. A change is measured on one
set, model beside baseline, so the changes put the models in an order: one model is better than another by the sum of
the changes that lead from the one to the other.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from components.gate import config
from pnfrec_core import measures


class Judged(NamedTuple):
    """What one report of the gate says of two models.

    Attributes:
        model: The model that was judged, by any name.
        baseline: The model that it was compared with.
        change: How much better the model is; NaN where nobody knows.
    """

    model: str
    baseline: str
    change: float


def name_of(uri: str) -> str:
    """By what a model is known in reports: its folder below that of all artifacts, which may be moved."""
    return "/".join(uri.rstrip("/").split("/")[-3:])


def read_judged(folders: Iterable[str], metric: str) -> Iterator[Judged]:
    """What reports say of a metric. Those that are gone or cannot be read are passed over.

    Args:
        folders: Of `GateReport` artifacts.
        metric: Its change is turned round where less is better.
    """
    from components.gate.report import verdict

    sign = 1.0 if measures.higher_is_better(metric.removeprefix(config.DEFAULT_PREFIX)) else -1.0
    for folder in folders:
        try:
            report = verdict.read(folder)
        except (OSError, ValueError):
            continue
        change = next((row.change for row in report.rows if row.metric == metric), None)
        if report.baseline_model and change is not None:
            yield Judged(name_of(report.model), name_of(report.baseline_model), sign * change)


def best_of(models: Sequence[str], judged: Iterable[Judged]) -> str:
    """The best of some models.

    Args:
        models: The last blessed one first, at least one; each once.
        judged: Reports, the newest first; of two on the same pair the newer counts.

    Returns:
        The one with the highest level above the last blessed one; of equal ones the one that was blessed later. Models
        that no change leads to are passed over.
    """
    found = levels(models, judged)
    return max(models, key=lambda model: found.get(model, -math.inf))


def levels(models: Sequence[str], judged: Iterable[Judged]) -> Mapping[str, float]:
    """How much better each model is than the first of them, as far as changes lead there."""
    among = set(models)
    steps: dict[str, dict[str, float]] = {model: {} for model in models}
    for report in judged:
        known = among.issuperset(report[:2]) and report.model != report.baseline and math.isfinite(report.change)
        if known and report.baseline not in steps[report.model]:
            steps[report.model][report.baseline] = -report.change
            steps[report.baseline][report.model] = report.change
    found = {models[0]: 0.0}
    to_visit = [models[0]]
    while to_visit:
        model = to_visit.pop(0)
        for other, step in steps[model].items():
            if other not in found:
                found[other] = found[model] + step
                to_visit.append(other)
    return found
