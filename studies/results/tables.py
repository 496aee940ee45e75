"""From the folders of the trials to one tidy table, and to means with intervals."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pnfrec_core import schema
from pnfrec_core.lists import LIST_METRICS
from studies.kept import read_result
from studies.results.bootstrap import Interval
from studies.results.further import TABLES
from studies.results.ranks import BUCKETED, COMPARED, Judged, Ranks, differences


@dataclasses.dataclass(frozen=True)
class ArmResult:
    """An arm over its seeds.

    Attributes:
        name: Of the arm.
        seeds: How many trials.
        targets: How many targets all arms have in common, of any draw of test users.
        positives: How many of them are positive.
        users: How many users they are of.
        mean: Of each measure over seeds.
        sd: Sample standard deviation over seeds; NaN for one.
        against: Difference of each measure from the reference arm, with its interval; empty for the reference itself,
            and where the reference has no trial.
        trials: Measures of each trial, in the order of the folders.
        beside: As `against`, from a second arm.
    """

    name: str
    seeds: int
    targets: int
    positives: int
    users: int
    mean: dict[str, float]
    sd: dict[str, float]
    against: dict[str, Interval]
    trials: list[dict[str, float]]
    beside: dict[str, Interval] = dataclasses.field(default_factory=dict)


def tidy(folders: Sequence[Path]) -> pd.DataFrame:
    """One row a trial and split: arm, seed, settings, measures, best epoch, seconds, memory.

    Measures are on the trial's own targets, by its own rule of polarity. `seconds` and `peak_gib` are of the trial,
    `training_seconds` and `training_peak_gib` of its training, which several arms and studies may share.
    """
    rows = [row for folder in folders for row in _rows(read_result(folder))]
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def on_common_terms(table: pd.DataFrame, found: Sequence[ArmResult], labels: str) -> pd.DataFrame:
    """A tidy table with the test measures of `arm_results`, as all tables and pictures of a study have them.

    Its column `labels` names the arm whose rule of polarity groups the targets of a row: `labels` on the test targets
    that all arms have in common, the arm's own on validation.

    Args:
        table: Of `tidy`, of the very trials that `found` is of.
        found: Results on the common test targets.
        labels: The arm whose rule grouped these.
    """
    judged: pd.DataFrame = table.copy()
    judged.insert(3, "labels", judged["arm"])
    for arm in found:
        rows = judged.index[(judged["arm"] == arm.name) & (judged["split"] == schema.TEST_SPLIT)]
        # The measures of popularity buckets are of the common targets alone: no trial tells them.
        more = [name for own in arm.trials for name in own if name not in judged.columns]
        judged = judged.assign(**dict.fromkeys(more, math.nan))
        for row, measured in zip(rows, arm.trials, strict=True):
            judged.loc[row, [*measured]] = list(measured.values())
            judged.loc[row, "labels"] = labels
    return judged


def epochs(folders: Sequence[Path]) -> pd.DataFrame:
    """One row a trial and epoch: the curves of the losses and of the validation measures."""
    rows = []
    for folder in folders:
        result = read_result(folder)
        for number, logs in enumerate(result.get("history", []), start=1):
            rows.append({"arm": result["arm"], "seed": result["seed"], "epoch": number, **logs})
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def _rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    settings = {
        f"{section}.{name}": value for section in ("model", "training") for name, value in result[section].items()
    }
    for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT, schema.TEST_RANDOM_SPLIT):
        if split not in result:
            continue
        yield {
            "arm": result["arm"],
            "seed": result["seed"],
            "split": split,
            **result[split],
            "best_epoch": result.get("best_epoch"),
            "epochs": result.get("epochs"),
            "items": result["items"],
            **{name: result.get(name) for name in ("seconds", "peak_gib", "training_seconds", "training_peak_gib")},
            **settings,
        }


def arm_results(
    folders: Sequence[Path], ranks: Judged, reference: str, split: str, k: int, beside: str | None = None
) -> list[ArmResult]:
    """Means and standard deviations over seeds, and paired intervals against the reference arm on the same users.

    Args:
        folders: Of all trials; those of an arm in the order of their draws of test users.
        ranks: What they did with the targets that all arms have in common (`studies.results.ranks.judged`).
        reference: Name of the arm that the others are compared with.
        split: "validation", "test" or "test_random".
        k: Length of the list.
        beside: Name of a second arm that the others are compared with.
    """
    lists: dict[str, list[dict[str, float]]] = {}
    for folder in folders:
        result = read_result(folder)
        # A trial of earlier code has the coverage alone.
        held = {name: value for name, value in result[split].items() if name in LIST_METRICS}
        lists.setdefault(result["arm"], []).append(held)
    return [
        _arm_result(
            arm,
            ranks.of(arm),
            pd.DataFrame([{**own, **held} for own, held in zip(ranks.measures(arm, k), lists[arm], strict=True)]),
            *(_from(ranks, arm, other, k) for other in (reference, beside)),
        )
        for arm in ranks.arms()
    ]


def _arm_result(
    arm: str,
    parts: Sequence[Ranks],
    rows: pd.DataFrame,
    against: dict[str, Interval],
    beside: dict[str, Interval],
) -> ArmResult:
    """Of what an arm did with each draw of test users, and the measures of its trials."""
    targets = {key: liked for own in parts for key, liked in zip(own.keys(), own.is_positive, strict=True)}
    return ArmResult(
        arm,
        len(rows),
        len(targets),
        int(sum(targets.values())),
        len({user for user, _ in targets}),
        {str(name): float(value) for name, value in rows.mean().items()},
        {str(name): float(value) for name, value in rows.std(ddof=1).items()},
        against,
        [{str(name): float(value) for name, value in row.items()} for row in rows.to_dict("records")],
        beside,
    )


def _from(ranks: Judged, arm: str, other: str | None, k: int) -> dict[str, Interval]:
    """Differences from an arm; none of it from itself, or from one that has no trial."""
    return {} if other in (None, arm) or other not in ranks.arms() else differences(ranks, arm, ranks, other, k)


def means_table(found: Sequence[ArmResult], planned: Mapping[str, int] | None = None) -> str:
    """Arms with mean and SD of each measure, as text.

    Args:
        found: The arms.
        planned: Name of each arm to how many trials the study asks for: "4 of 5" where some are not done.
    """
    shown = (*COMPARED, "coverage")
    asked = planned or {}
    rows = [
        [
            arm.name,
            count_text(arm.seeds, asked.get(arm.name, 0)),
            *(mean_text(arm.mean[name], arm.sd[name]) for name in shown),
        ]
        for arm in found
    ]
    return "\n\n".join([aligned([["arm", "seeds", *shown], *rows]), *_further_means(found)])


def _further_means(found: Sequence[ArmResult]) -> Iterator[str]:
    """A table for each group of measures that a study asks for beside the others, of the arms that have any of them."""
    for names in TABLES:
        rows = [
            [arm.name, *(mean_text(arm.mean[name], arm.sd[name]) if name in arm.mean else "-" for name in names)]
            for arm in found
            if any(name in arm.mean for name in names)
        ]
        if rows:
            yield aligned([["arm", *names], *rows])


def count_text(done: int, planned: int) -> str:
    """How many trials an arm has: "4 of 5" where more are planned than done."""
    return f"{done} of {planned}" if planned > done else str(done)


def differences_table(
    arms: Mapping[str, Mapping[str, Interval]],
    reference: str,
    chance: Callable[[str, str], bool] | None = None,
) -> str:
    """Differences from an arm with their intervals, as text.

    Args:
        arms: Arm and measure to the interval.
        reference: Name of the arm that they are compared with.
        chance: Whether chance of training may have made the difference of an arm in a measure.
    """

    def table(names: Sequence[str]) -> str:
        rows = [
            [arm, *(_interval(against.get(name), bool(chance and chance(arm, name))) for name in names)]
            for arm, against in arms.items()
        ]
        return aligned([["arm", *names], *rows])

    further = [
        names for names in (BUCKETED, *TABLES) if any(name in against for against in arms.values() for name in names)
    ]
    tables = [table(names) for names in (COMPARED, *further)]
    head = (
        f"Difference from {reference}, 95 % interval of a paired bootstrap over users (* excludes zero; ° too, but "
        "chance of training may have made it):"
    )
    return "\n\n".join([head, *tables])


def at_random_text(found: Sequence[ArmResult], reference: str, beside: str | None = None) -> list[str]:
    """The tables of what was shown at random, below a heading of their own; nothing without such targets."""
    if not found:
        return []
    first = found[0]
    head = (
        f"What was shown at random (test_random): {first.targets:,} targets of {first.users:,} users, of which "
        f"{first.positives:,} are liked"
    )
    against = {reference: {arm.name: arm.against for arm in found if arm.against}}
    if beside is not None:
        against[beside] = {arm.name: arm.beside for arm in found if arm.beside}
    return [head, means_table(found), *(differences_table(arms, name) for name, arms in against.items() if arms)]


def mean_text(mean: float, sd: float) -> str:
    """A mean with its standard deviation, where there is one."""
    return f"{mean:.4f}" if np.isnan(sd) else f"{mean:.4f}+-{sd:.4f}"


def _interval(interval: Interval | None, chance: bool) -> str:
    if interval is None:
        return "-"
    star = " " if not interval.excludes_zero else "°" if chance else "*"
    return f"{interval.estimate:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]{star}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines of text, the first cells to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)
