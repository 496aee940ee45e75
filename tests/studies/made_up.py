"""Small summaries with numbers that are easy to follow."""

import dataclasses
from typing import Any

from studies.results.bootstrap import Interval
from studies.results.ranks import COMPARED
from studies.results.summary import ArmSummary, DataSummary, Summary

MEASURES = (*COMPARED, "coverage")


def arm(name: str, number: int, seeds: list[int | None] | None = None, **changes: Any) -> ArmSummary:
    """Its measures are 0.1 * number and a hundredth more for each further measure; trials a thousandth to each side."""
    chosen: list[int | None] = [1, 2] if seeds is None else seeds
    mean = {measure: 0.1 * number + 0.01 * place for place, measure in enumerate(MEASURES)}
    sides = [0.0] if len(chosen) == 1 else [-0.001, 0.001]
    values: dict[str, Any] = {
        "settings": {},
        "cell": None,
        "seeds": chosen,
        "mean": mean,
        "sd": {} if len(chosen) == 1 else dict.fromkeys(mean, 0.0014),
        "against": {},
        "validation": {"ndcg_p": mean["ndcg_p"] / 2},
        "trials": [{measure: value + side for measure, value in mean.items()} for side in sides],
        "best_epochs": [] if chosen == [None] else [2] * len(chosen),
        "seconds": 3.0,
        "peak_gib": 1.5,
    }
    return ArmSummary(name, **{**values, **changes})


def differences(estimate: float, half: float) -> dict[str, Interval]:
    """The same difference in every measure."""
    return {measure: Interval(estimate, estimate - half, estimate + half) for measure in COMPARED}


def summary(arms: list[ArmSummary], **changes: Any) -> Summary:
    found = Summary(
        "tiny",
        "Is <b>it</b> better & why?",
        DataSummary("small", "global_time split, last targets, positive: value >= 4", 60, 20, 9, 30, 18, 11, 5),
        "base",
        10,
        {"model.dim": 8},
        {},
        arms,
        [],
        {"name": "tiny", "question": "Is <b>it</b> better & why?"},
        {"python": "3.10.1", "pnfrec": "0.1.0"},
        "Linux x86_64, 2 processors",
        "2026-01-02",
    )
    return dataclasses.replace(found, **changes)


def two_arms(**changes: Any) -> Summary:
    sure = {**differences(0.1, 0.01), "hr_p": Interval(0.1, -0.2, 0.4)}
    return summary([arm("base", 1), arm("other_one", 2, against=sure)], **changes)


def three_arms() -> Summary:
    """The reference, another arm, and one that both others are compared with too."""
    arms = [
        arm("base", 1, beside=differences(-0.3, 0.02)),
        arm("other_one", 2, against=differences(0.1, 0.01), beside=differences(-0.2, 0.02)),
        arm("second", 4, against=differences(0.3, 0.02)),
    ]
    return summary(arms, beside="second")


def grid(rows: int = 2, columns: int = 3) -> Summary:
    """Measures grow along the rows, then along the columns; the last cell has no trial."""
    keys: dict[str, Any] = {"model.alpha": [0.5 * row for row in range(rows)], "model.beta": list(range(columns))}
    cells = [(row, column) for row in range(rows) for column in range(columns)][:-1]
    arms = [
        arm(
            f"alpha {0.5 * row}, beta {column}",
            1 + row * columns + column,
            cell=[0.5 * row, column],
            against={} if (row, column) == (0, 0) else differences(0.1, 0.01 if column else 0.2),
        )
        for row, column in cells
    ]
    return summary(arms, grid=keys, reference="alpha 0.0, beta 0")
