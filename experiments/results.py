"""From the folders of the trials to one tidy table, and to means with intervals."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.bootstrap import Interval, paired_difference
from experiments.runner import RESULT
from pnfrec_keras import measures, schema

RANKS = "ranks.npz"
COMPARED = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta")

Floats = npt.NDArray[np.float64]


class ResultError(ValueError):
    """Trials that cannot be judged together; the message says what to do."""


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
    rows = [row for folder in folders for row in _rows(json.loads((folder / RESULT).read_text(encoding="utf-8")))]
    return pd.DataFrame(rows)


def on_common_terms(table: pd.DataFrame, found: Sequence[ArmResult], labels: str) -> pd.DataFrame:
    """A tidy table with the test measures of `arm_results`, as all tables and pictures of a study have them.

    Its column `labels` names the arm whose rule of polarity groups the targets of a row: `labels` on the test targets
    that all arms have in common, the arm's own on validation.

    Args:
        table: Of `tidy`, of the very trials that `found` is of.
        found: Results on the common test targets.
        labels: The arm whose rule grouped these.
    """
    judged = table.copy()
    judged.insert(3, "labels", judged["arm"])
    for arm in found:
        rows = judged.index[(judged["arm"] == arm.name) & (judged["split"] == schema.TEST_SPLIT)]
        for row, measured in zip(rows, arm.trials, strict=True):
            judged.loc[row, [*measured]] = list(measured.values())
            judged.loc[row, "labels"] = labels
    return judged


def epochs(folders: Sequence[Path]) -> pd.DataFrame:
    """One row a trial and epoch: the curves of the losses and of the validation measures."""
    rows = []
    for folder in folders:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        for number, logs in enumerate(result.get("history", []), start=1):
            rows.append({"arm": result["arm"], "seed": result["seed"], "epoch": number, **logs})
    return pd.DataFrame(rows)


def _rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    settings = {
        f"{section}.{name}": value for section in ("model", "training") for name, value in result[section].items()
    }
    for split in (schema.VALIDATION_SPLIT, schema.TEST_SPLIT):
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
    folders: Sequence[Path],
    reference: str,
    split: str,
    k: int,
    labels: str | None = None,
    halves: Sequence[int] = (),
    beside: str | None = None,
) -> list[ArmResult]:
    """Means and standard deviations over seeds, and paired intervals against the reference arm on the same users.

    All arms are judged on the targets that they have in common, grouped by one rule of polarity.

    Args:
        folders: Of all trials; arms in the order of their first.
        reference: Name of the arm that the others are compared with.
        split: "validation" or "test".
        k: Length of the list.
        labels: Name of the arm whose rule says which targets are positive; the reference arm if None.
        halves: Of each folder, the draw of test users that it was judged on, each of which has all arms; by default
            all were on one.
        beside: Name of a second arm that the others are compared with.

    Raises:
        ResultError: The arms have no target in common.
    """
    by_half: dict[int, dict[str, list[Path]]] = {}
    for folder, half in zip(folders, halves or [0] * len(folders), strict=True):
        by_half.setdefault(half, {}).setdefault(_result(folder)["arm"], []).append(folder)
    ranks = [
        common_targets({arm: Ranks.read(own, split) for arm, own in by_arm.items()}, labels or reference)
        for by_arm in by_half.values()
    ]
    found = []
    for arm in ranks[0]:
        parts = [half[arm] for half in ranks]
        rows = pd.DataFrame([own.measures(seed, k) for own in parts for seed in range(len(own.rank))])
        trials = [folder for by_arm in by_half.values() for folder in by_arm[arm]]
        rows["coverage"] = [_result(folder)[split]["coverage"] for folder in trials]
        targets = {key: liked for own in parts for key, liked in zip(own.keys(), own.is_positive, strict=True)}
        found.append(
            ArmResult(
                arm,
                len(rows),
                len(targets),
                int(sum(targets.values())),
                len({user for user, _ in targets}),
                {str(name): float(value) for name, value in rows.mean().items()},
                {str(name): float(value) for name, value in rows.std(ddof=1).items()},
                _intervals(ranks, arm, reference, k),
                [{str(name): float(value) for name, value in row.items()} for row in rows.to_dict("records")],
                _intervals(ranks, arm, beside, k) if beside else {},
            )
        )
    return found


def _intervals(ranks: Sequence[Mapping[str, "Ranks"]], arm: str, reference: str, k: int) -> dict[str, Interval]:
    pairs = [(half[arm], half[reference]) for half in ranks if reference in half]
    if not pairs or arm == reference:
        return {}
    found = {name: difference(pairs, name, k) for name in COMPARED}
    return {name: interval for name, interval in found.items() if interval is not None}


def _result(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return values


@dataclasses.dataclass(frozen=True)
class Ranks:
    """What an arm did with T targets.

    Attributes:
        rank: (seeds, T).
        is_positive: (T,), by the arm's own rule of polarity, until `common_targets` gives all arms one rule.
        user, place: (T,), which name a target (`experiments.data.TargetKeys`).
    """

    rank: npt.NDArray[np.int64]
    is_positive: npt.NDArray[np.int64]
    user: npt.NDArray[np.str_]
    place: npt.NDArray[np.int64]

    @classmethod
    def read(cls, folders: Sequence[Path], split: str) -> "Ranks":
        """Of the trials of one arm.

        Raises:
            ResultError: They were judged on different targets.
        """
        rows = [dict(np.load(folder / RANKS)) for folder in folders]
        names = ("is_positive", "user", "place")
        for folder, row in zip(folders, rows, strict=True):
            if not all(np.array_equal(row[f"{split}_{name}"], rows[0][f"{split}_{name}"]) for name in names):
                msg = f"{folder} was judged on other targets than {folders[0]}. Remove both and run the study again."
                raise ResultError(msg)
        return cls(np.stack([row[f"{split}_rank"] for row in rows]), *(rows[0][f"{split}_{name}"] for name in names))

    def keys(self) -> list[tuple[str, int]]:
        """Names of the targets."""
        return list(zip(self.user.tolist(), self.place.tolist(), strict=True))

    def measures(self, seed: int, k: int) -> dict[str, float]:
        """HR, NDCG and MRR of the groups, and their differences, of the trial at place `seed`."""
        found: dict[str, float] = {}
        for name in measures.MEASURES:
            gains = measures.gains(self.rank[seed], name, k)
            for group, value in (("p", 1), ("n", 0)):
                chosen = gains[self.is_positive == value]
                found[f"{name}_{group}"] = float(chosen.mean()) if len(chosen) else float("nan")
            found[f"{name}_delta"] = found[f"{name}_p"] - found[f"{name}_n"]
        return found


def difference(pairs: Sequence[tuple[Ranks, Ranks]], name: str, k: int) -> Interval | None:
    """The difference of a measure such as "ndcg_p" of one arm from another's; None for a group without targets.

    Args:
        pairs: What the two did with the targets that they have in common, of each draw of test users. One without
            targets of a group that the measure needs does not count, as it does not in a mean over draws.
        name: Of the measure.
        k: Length of the list.
    """
    measure, _, group = name.partition("_")
    sign = {"p": [0.0, 1.0], "n": [1.0, 0.0], "delta": [-1.0, 1.0]}[group]
    signs = [np.array(sign)[own.is_positive] for own, _ in pairs]
    known = [all((each == value).any() for value in sign if value) for each in signs]
    pairs, signs = list(itertools.compress(pairs, known)), list(itertools.compress(signs, known))
    if not pairs:
        return None
    # The mean over seeds first: what is compared are arms, not single trainings.
    gains, others = (
        np.concatenate([measures.gains(pair[side].rank, measure, k).mean(axis=0) for pair in pairs]) for side in (0, 1)
    )
    user = np.unique(np.concatenate([own.user for own, _ in pairs]), return_inverse=True)[1]
    half = np.repeat(np.arange(len(pairs)), [len(own.user) for own, _ in pairs])
    return paired_difference(gains, others, user, np.concatenate(signs), half=half)


def common_targets(arms: Mapping[str, Ranks], labels: str) -> dict[str, Ranks]:
    """The targets that all arms have, in one order, with the polarity that the arm `labels` gives them.

    Raises:
        ResultError: There is none.
    """
    keys = {arm: {key: place for place, key in enumerate(ranks.keys())} for arm, ranks in arms.items()}
    common = sorted(set.intersection(*(set(places) for places in keys.values())))
    if not common:
        msg = f"The arms {', '.join(arms)} have no target in common, so that they cannot be compared."
        raise ResultError(msg)
    places = {arm: np.array([own[key] for key in common]) for arm, own in keys.items()}
    is_positive = arms[labels].is_positive[places[labels]]
    return {
        arm: Ranks(ranks.rank[:, places[arm]], is_positive, ranks.user[places[arm]], ranks.place[places[arm]])
        for arm, ranks in arms.items()
    }


def means_table(found: Sequence[ArmResult]) -> str:
    """Arms with mean and SD of each measure, as text."""
    shown = (*COMPARED, "coverage")
    rows = [[arm.name, str(arm.seeds), *(_mean(arm.mean[name], arm.sd[name]) for name in shown)] for arm in found]
    return _aligned([["arm", "seeds", *shown], *rows])


def differences_table(
    arms: Mapping[str, Mapping[str, Interval]], reference: str, chance: Callable[[str, str], bool] | None = None
) -> str:
    """Differences from an arm with their intervals, as text.

    Args:
        arms: Arm and measure to the interval.
        reference: Name of the arm that they are compared with.
        chance: Whether chance of training may have made the difference of an arm in a measure.
    """
    rows = [
        [arm, *(_interval(against.get(name), bool(chance and chance(arm, name))) for name in COMPARED)]
        for arm, against in arms.items()
    ]
    head = (
        f"Difference from {reference}, 95 % interval of a paired bootstrap over users (* excludes zero; ° too, but "
        "chance of training may have made it):"
    )
    return f"{head}\n\n{_aligned([['arm', *COMPARED], *rows])}"


def _mean(mean: float, sd: float) -> str:
    return f"{mean:.4f}" if np.isnan(sd) else f"{mean:.4f}+-{sd:.4f}"


def _interval(interval: Interval | None, chance: bool) -> str:
    if interval is None:
        return "-"
    star = " " if not interval.excludes_zero else "°" if chance else "*"
    return f"{interval.estimate:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]{star}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)
