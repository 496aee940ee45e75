"""What a search found, for people: a table of the trials, and the best of them in words."""

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SUMMARY_FILE = "summary.txt"
TRIALS_FILE = "trials.csv"


@dataclasses.dataclass(frozen=True)
class TrialReport:
    """One trial.

    Attributes:
        trial: From 1.
        values: Name of each setting that is tuned to its value.
        objective: None for a trial that failed.
        ndcg_p: Of validation, at the best epoch; None for a trial that failed.
        ndcg_n: The same of disliked targets; None too where validation has none.
        best_epoch: From 1; None for a trial that failed.
        epochs: How many were trained.
        seconds: How long that took.
        failure: Why there is no result; "" where there is one.
    """

    trial: int
    values: Mapping[str, Any]
    objective: float | None = None
    ndcg_p: float | None = None
    ndcg_n: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    failure: str = ""


@dataclasses.dataclass(frozen=True)
class SearchReport:
    """What came of a search.

    Attributes:
        trials: All in order.
        delta_weight: w of their objective.
        asked: How many trials the configuration asks for; 0 where that is not known.
        combinations: How many sets of values the space holds; None where there is no end of them.
    """

    trials: Sequence[TrialReport]
    delta_weight: float
    asked: int = 0
    combinations: int | None = None

    def shortfall(self) -> str:
        """Why there are fewer trials than were asked for, as half a sentence; "" where there are as many."""
        if len(self.trials) >= self.asked:
            return ""
        tried = len({tuple(trial.values.items()) for trial in self.trials})
        if self.combinations is not None and tried >= self.combinations:
            both = {1: "the one combination", 2: "both combinations"}
            said = f"{both.get(tried, f'all {tried} combinations')} of the search space"
            return f"{said} {'was' if tried == 1 else 'were'} tried; {self.asked} trials were asked for"
        known = "" if self.combinations is None else f" of {self.combinations}"
        return (
            f"{tried}{known} combinations of the search space were tried, and drawing at random found no other; "
            f"{self.asked} trials were asked for"
        )

    def best(self) -> TrialReport:
        """The trial with the highest objective, the first of several.

        Raises:
            ValueError: All failed.
        """
        done = [trial for trial in self.trials if trial.objective is not None]
        if not done:
            failure = self.trials[-1].failure if self.trials else "there was none"
            msg = (
                f"None of the Tuner's {len(self.trials)} trials came to a result; the last: {failure} Narrow "
                "`tuner.space`, of `learning_rate` and `beta` first."
            )
            raise ValueError(msg)
        return max(done, key=lambda trial: trial.objective or 0.0)


def in_words(values: Mapping[str, Any]) -> str:
    """Such as `alpha 0.31, dim 64`."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def summary(report: SearchReport) -> str:
    """The best set and how it was judged; ends with a line break."""
    best = report.best()
    failed = sum(bool(trial.failure) for trial in report.trials)
    rule = f"objective {best.objective:.4f} = NDCG_p {best.ndcg_p:.4f}"
    if report.delta_weight:
        rule += f" + {report.delta_weight:g} * (NDCG_p - NDCG_n {best.ndcg_n:.4f})"
    count = f"{len(report.trials)} trials" + (f" ({failed} failed)" if failed else "")
    lines = [f"Tuner: {count}, the best is trial {best.trial}: {in_words(best.values)}", f"       validation: {rule}"]
    if why := report.shortfall():
        lines.append(f"       {why}")
    return "\n".join(lines) + "\n"


def write_results(folder: Path, report: SearchReport) -> None:
    """Writes `trials.csv`, a row a trial, and `summary.txt`."""
    names = [field.name for field in dataclasses.fields(TrialReport) if field.name != "values"]
    names[1:1] = list(report.best().values)
    with (folder / TRIALS_FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        for trial in report.trials:
            row = dataclasses.asdict(trial)
            writer.writerow({**row.pop("values"), **row})
    (folder / SUMMARY_FILE).write_text(summary(report), encoding="utf-8")
