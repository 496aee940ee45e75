"""`summary.json`: all that a page needs to know of a study and its data, without the trials."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from studies.results.bootstrap import Interval
from studies.study import Value


@dataclasses.dataclass(frozen=True)
class ArmSummary:
    """An arm; a measure that is undefined (an empty group, the SD of one seed) has no entry.

    Attributes:
        name: Of the arm.
        settings: Those that not all arms have in common.
        cell: Its value of each key of the grid; None outside the grid.
        seeds: Of the trials; None for a baseline, which has no seed unless the seed draws the test users.
        mean, sd: Of each measure over seeds, on the test targets that all arms have in common.
        against: Difference of each measure from the reference arm.
        validation: Mean of each measure on the arm's own validation targets.
        trials: Measures of each trial, in the order of `seeds`.
        best_epochs: Of each trial, from 1; empty for a baseline.
        seconds: Mean wall time of a training; of a baseline, of a trial.
        peak_gib: Greatest peak memory of a training; of a baseline, of a trial.
        rows: Split to "positive" and "negative" to the arm's own number of rows, by its rule of polarity; empty where
            that is not known.
        beside: Difference of each measure from the second arm of comparison.
        planned: How many trials the study asks for, of which `seeds` are done; 0 where that is not known.
    """

    name: str
    settings: dict[str, Value | None]
    cell: list[Value] | None
    seeds: list[int | None]
    mean: dict[str, float]
    sd: dict[str, float]
    against: dict[str, Interval]
    validation: dict[str, float]
    trials: list[dict[str, float]]
    best_epochs: list[int]
    seconds: float
    peak_gib: float
    rows: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    beside: dict[str, Interval] = dataclasses.field(default_factory=dict)
    planned: int = 0

    @property
    def is_baseline(self) -> bool:
        """Whether nothing was trained."""
        return not self.best_epochs


@dataclasses.dataclass(frozen=True)
class Failure:
    """A trial that failed.

    Attributes:
        arm: Name of its arm.
        seed: None for a baseline that has none.
        reason: Why, in a sentence or two.
    """

    arm: str
    seed: int | None
    reason: str


@dataclasses.dataclass(frozen=True)
class DataSummary:
    """The data set of a study.

    Attributes:
        name: Of the configuration.
        protocol: How rows became targets, in a phrase.
        rows, users: Of training.
        items: In the catalogue.
        targets, positive_targets: On which all arms are judged, each once, in however many draws of test users it is.
        target_users: How many users they are of.
        max_length: Items of each polarity that a model reads at most.
    """

    name: str
    protocol: str
    rows: int
    users: int
    items: int
    targets: int
    positive_targets: int
    target_users: int
    max_length: int


@dataclasses.dataclass(frozen=True)
class Summary:
    """A study with its results.

    Attributes:
        study: Its name.
        question: That it asks.
        data: What it was run on.
        reference: The arm that the others are compared with.
        k: Length of the list.
        settings: Those that all arms have in common.
        grid: Key to values, in the order of the declaration.
        arms: In the order of the declaration; without those that have no trial yet.
        missing: Trials that are not done, such as "PNFRec, seed 3"; without those that failed.
        declaration: The study's own YAML.
        versions: Of Python and of packages, when the summary was made.
        machine: Kind and number of processors.
        date: Day (UTC) of the last trial.
        training_seconds: Of all trainings, each counted once, however many arms share it.
        labels: The arm whose rule of polarity groups the test targets of all.
        beside: A second arm that the others are compared with; "" for none.
        failed: Trials that failed when the study was run last.
        alike: Groups of arms that differ in nothing that acts, so that their results are the same.
    """

    study: str
    question: str
    data: DataSummary
    reference: str
    k: int
    settings: dict[str, Value | None]
    grid: dict[str, list[Value]]
    arms: list[ArmSummary]
    missing: list[str]
    declaration: dict[str, Any]
    versions: dict[str, str]
    machine: str
    date: str
    training_seconds: float = 0.0
    labels: str = ""
    beside: str = ""
    failed: list[Failure] = dataclasses.field(default_factory=list)
    alike: list[list[str]] = dataclasses.field(default_factory=list)

    @property
    def halves(self) -> bool:
        """Whether each seed drew its own test users."""
        return bool(self.declaration.get("halves"))

    @property
    def others(self) -> list[ArmSummary]:
        """The arms that have a difference from the reference."""
        return [arm for arm in self.arms if arm.against]

    def comparisons(self) -> list["Summary"]:
        """This, and where there is a second arm of comparison, the same as seen from there; not one without others."""
        arms = [dataclasses.replace(arm, against=arm.beside) for arm in self.arms]
        views = [self, dataclasses.replace(self, reference=self.beside, arms=arms)]
        return [view for view in views if view.others]

    def arm(self, name: str) -> ArmSummary | None:
        """The arm of that name, if it has trials."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def chosen(self) -> ArmSummary | None:
        """The cell of the grid that validation NDCG of liked targets chooses; the first of equals.

        None where the grid is of the feedback: its cells then have validation targets of their own.
        """
        if any(key.startswith("feedback.") for key in self.grid):
            return None
        cells = [arm for arm in self.arms if arm.cell is not None and "ndcg_p" in arm.validation]
        return max(cells, key=lambda arm: arm.validation["ndcg_p"], default=None)

    def to_json(self) -> str:
        """As text that `read` understands."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


class SummaryError(ValueError):
    """A summary that cannot be read; the message names the file and the remedy."""


def read(path: Path) -> Summary:
    """Reads `summary.json`.

    Raises:
        SummaryError: It is no summary, or one of another version.
    """
    import pydantic

    try:
        return pydantic.TypeAdapter(Summary).validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        where = f"`{place}`: " if place else ""
        msg = f"{path}: not the summary of a study: {where}{first['msg']}. Run its `pnfrec experiment` again."
        raise SummaryError(msg) from error
