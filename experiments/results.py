"""From the folders of the trials to one tidy table, and to means with intervals."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
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


@dataclasses.dataclass(frozen=True)
class ArmResult:
    """An arm over its seeds.

    Attributes:
        name: Of the arm.
        seeds: How many trials.
        mean: Of each measure over seeds.
        sd: Sample standard deviation over seeds; NaN for one.
        against: Difference of each measure from the reference arm, with its interval; empty for the reference itself.
    """

    name: str
    seeds: int
    mean: dict[str, float]
    sd: dict[str, float]
    against: dict[str, Interval]


def tidy(folders: Sequence[Path]) -> pd.DataFrame:
    """One row a trial and split: arm, seed, settings, measures, best epoch, seconds, memory."""
    rows = [row for folder in folders for row in _rows(json.loads((folder / RESULT).read_text(encoding="utf-8")))]
    return pd.DataFrame(rows)


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
            "seconds": result["seconds"],
            "peak_gib": result["peak_gib"],
            **settings,
        }


def arm_results(folders: Sequence[Path], reference: str, split: str, k: int) -> list[ArmResult]:
    """Means and standard deviations over seeds, and paired intervals against the reference arm on the same users.

    Args:
        folders: Of all trials; arms in the order of their first.
        reference: Name of the arm that the others are compared with.
        split: "validation" or "test".
        k: Length of the list.

    Raises:
        ValueError: Two arms were not judged on the same targets.
    """
    table = tidy(folders)
    table = table[table["split"] == split]
    names = [name for name in table.columns if name == "coverage" or name.partition("_")[0] in measures.MEASURES]
    ranks = {arm: _Ranks.read([f for f in folders if _arm(f) == arm], split) for arm in dict.fromkeys(table["arm"])}
    found = []
    for arm, own in ranks.items():
        values = table.loc[table["arm"] == arm, names].astype(float)
        against = {} if arm == reference else {name: own.against(ranks[reference], name, k) for name in COMPARED}
        found.append(
            ArmResult(
                arm,
                len(values),
                {str(name): float(value) for name, value in values.mean().items()},
                {str(name): float(value) for name, value in values.std(ddof=1).items()},
                {name: interval for name, interval in against.items() if interval is not None},
            )
        )
    return found


def _arm(folder: Path) -> str:
    return str(json.loads((folder / RESULT).read_text(encoding="utf-8"))["arm"])


@dataclasses.dataclass(frozen=True)
class _Ranks:
    """Ranks of an arm, a row for each seed."""

    rank: npt.NDArray[np.int64]
    is_positive: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]

    @classmethod
    def read(cls, folders: Sequence[Path], split: str) -> "_Ranks":
        rows = [np.load(folder / RANKS) for folder in folders]
        first = rows[0]
        return cls(
            np.stack([row[f"{split}_rank"] for row in rows]), first[f"{split}_is_positive"], first[f"{split}_user"]
        )

    def against(self, other: "_Ranks", name: str, k: int) -> Interval | None:
        """The difference of a measure such as "ndcg_p" from another arm's; None for a group without targets."""
        if not (np.array_equal(self.user, other.user) and np.array_equal(self.is_positive, other.is_positive)):
            msg = "Two arms were not judged on the same targets, so that they cannot be compared."
            raise ValueError(msg)
        measure, _, group = name.partition("_")
        sign = {"p": [0.0, 1.0], "n": [1.0, 0.0], "delta": [-1.0, 1.0]}[group]
        signs = np.array(sign)[self.is_positive]
        if any(value and not (signs == value).any() for value in sign):
            return None
        # The mean over seeds first: what is compared are arms, not single trainings.
        gains, others = (measures.gains(each.rank, measure, k).mean(axis=0) for each in (self, other))
        return paired_difference(gains, others, self.user, signs)


def text_table(found: Sequence[ArmResult], reference: str) -> str:
    """Arms with mean and SD, then the differences from the reference arm with their intervals."""
    shown = (*COMPARED, "coverage")
    header = ["arm", "seeds", *shown]
    rows = [[arm.name, str(arm.seeds), *(_mean(arm.mean[name], arm.sd[name]) for name in shown)] for arm in found]
    lines = [_aligned([header, *rows])]
    differences = [[arm.name, *(_interval(arm.against.get(name)) for name in COMPARED)] for arm in found if arm.against]
    if differences:
        lines += [
            f"\nDifference from {reference}, 95 % interval of a paired bootstrap over users (* excludes zero):\n",
            _aligned([["arm", *COMPARED], *differences]),
        ]
    return "\n".join(lines)


def _mean(mean: float, sd: float) -> str:
    return f"{mean:.4f}" if np.isnan(sd) else f"{mean:.4f}+-{sd:.4f}"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    star = "*" if interval.excludes_zero else " "
    return f"{interval.estimate:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]{star}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)
