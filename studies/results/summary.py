"""`summary.json`: all that a page needs to know of a study and its data, without the trials."""

import dataclasses
import datetime
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pipeline.config import PipelineConfig
from pnfrec_core import schema
from studies.results.bootstrap import Interval
from studies.results.ranks import Judged, judged
from studies.results.tables import ArmResult, arm_results, on_common_terms, tidy
from studies.run.runner import RESULT
from studies.study import Study, Trial, Value, changed

SUMMARY = "summary.json"
_PACKAGES = ("pnfrec", "tensorflow", "keras", "numpy")
# How files are found and read says nothing about what was done, and paths are those of one machine.
_LEFT_OUT = ("feedback.base", "feedback.files", "feedback.titles", "feedback.columns", "training.seed")


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

    @property
    def is_baseline(self) -> bool:
        """Whether nothing was trained."""
        return not self.best_epochs


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
        missing: Trials that are not done, such as "PNFRec, seed 3".
        declaration: The study's own YAML.
        versions: Of Python and of packages, when the summary was made.
        machine: Kind and number of processors.
        date: Day (UTC) of the last trial.
        training_seconds: Of all trainings, each counted once, however many arms share it.
        labels: The arm whose rule of polarity groups the test targets of all.
        beside: A second arm that the others are compared with; "" for none.
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
        """The cell of the grid that validation NDCG of liked targets chooses; the first of equals."""
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
        msg = f"{path}: not the summary of a study: `{place}`: {first['msg']}. Run its `pnfrec experiment` again."
        raise SummaryError(msg) from error


class Summarised(NamedTuple):
    """A summary and what it was made from.

    Attributes:
        summary: Of the study.
        found: Results of each arm.
        table: The tidy table of all trials, on the terms of `found`.
        ranks: What the arms did with each target.
    """

    summary: Summary
    found: list[ArmResult]
    table: pd.DataFrame
    ranks: Judged


def summarise(
    study: Study,
    planned: Sequence[Trial],
    folders: Sequence[Path],
    statistics: Mapping[str, Any],
    name: str,
    k: int,
    rows: Mapping[str, dict[str, dict[str, int]]] | None = None,
) -> Summarised:
    """The summary of a study, with what it was made from.

    Args:
        study: The study.
        planned: All its trials.
        folders: Of each of `planned`; those that hold no result count as missing.
        statistics: Of the data in which the targets are grouped, as FeedbackGen writes them.
        name: Of the data set.
        k: Length of the list.
        rows: `ArmSummary.rows` of each arm by its name.

    Raises:
        ValueError: No trial is done, or the arms have no target in common.
    """
    pairs = list(zip(planned, folders, strict=True))
    done = [(trial, folder) for trial, folder in pairs if (folder / RESULT).is_file()]
    if not done:
        msg = f"No trial of {study.name} is done."
        raise ValueError(msg)
    if study.halves:
        done = _in_whole_halves(done)
    labels = study.labels or study.reference
    if labels not in {trial.arm.name for trial, _ in done}:
        labels = done[0][0].arm.name
    halves = [_half(trial) for trial, _ in done] if study.halves else ()
    own_folders, split = [folder for _, folder in done], schema.TEST_SPLIT
    ranks = judged(own_folders, split, labels, halves)
    found = arm_results(own_folders, ranks, study.reference, split, k, study.beside)
    common, own = _settings(planned, ("feedback.split_seed",) if study.halves else ())
    table = tidy(own_folders)
    cells = _cells(study)
    arms = [
        dataclasses.replace(
            _arm(result, table, own[result.name], cells.get(result.name)), rows=(rows or {}).get(result.name, {})
        )
        for result in found
    ]
    newest = max((folder / RESULT).stat().st_mtime for _, folder in done)
    config = next(trial.config for trial, _ in done if trial.arm.name == labels)
    data = DataSummary(
        name,
        protocol(config) + (", test users drawn anew with each seed" if study.halves else ""),
        int(statistics["training_rows"]),
        int(statistics["users"]["training"]),
        int(table["items"].iloc[0]),
        found[0].targets,
        found[0].positives,
        found[0].users,
        config.model.max_length,
    )
    summary = Summary(
        study.name,
        study.question,
        data,
        study.reference,
        k,
        common,
        {key: list(values) for key, values in study.grid.items()},
        arms,
        [_name(trial) for trial, folder in pairs if not (folder / RESULT).is_file()],
        {key: value for key, value in dataclasses.asdict(study).items() if value not in (None, {}, [])},
        {"python": platform.python_version(), **{package: metadata.version(package) for package in _PACKAGES}},
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        datetime.datetime.fromtimestamp(newest, datetime.timezone.utc).date().isoformat(),
        _training_seconds(done, table),
        labels,
        study.beside or "",
    )
    return Summarised(summary, found, on_common_terms(table, found, labels), ranks)


def _training_seconds(done: Sequence[tuple[Trial, Path]], table: pd.DataFrame) -> float:
    seconds = table[table["split"] == schema.TEST_SPLIT]["training_seconds"].fillna(0.0)
    return float(sum({trial.training_key: each for (trial, _), each in zip(done, seconds, strict=True)}.values()))


def protocol(config: PipelineConfig) -> str:
    """How rows become targets, in a phrase."""
    feedback = config.feedback
    rule = f"value >= {feedback.positive:g}" if isinstance(feedback.positive, float) else f"by {feedback.positive}"
    return f"{feedback.split} split, {feedback.targets} targets, positive: {rule}"


def _name(trial: Trial) -> str:
    return trial.arm.name if trial.seed is None else f"{trial.arm.name}, seed {trial.seed}"


def _cells(study: Study) -> dict[str, list[Value]]:
    if not study.grid:
        return {}
    return {arm.name: [arm.set[key] for key in study.grid] for arm in study.all_arms()[len(study.arms) :]}


def _arm(
    result: ArmResult, table: pd.DataFrame, settings: dict[str, Value | None], cell: list[Value] | None
) -> ArmSummary:
    own = table[table["arm"] == result.name]
    test, validation = (own[own["split"] == split] for split in (schema.TEST_SPLIT, schema.VALIDATION_SPLIT))
    means = validation[list(result.mean)].mean()
    return ArmSummary(
        result.name,
        settings,
        cell,
        [None if pd.isna(seed) else int(seed) for seed in test["seed"]],
        _known(result.mean),
        _known(result.sd),
        result.against,
        _known({str(name): float(value) for name, value in means.items()}),
        [_known(trial) for trial in result.trials],
        [int(epoch) for epoch in test["best_epoch"].dropna()],
        float(test["training_seconds"].fillna(test["seconds"]).mean()),
        float(test["training_peak_gib"].fillna(test["peak_gib"]).max()),
        beside=result.beside,
    )


def _known(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _half(trial: Trial) -> int:
    return trial.config.feedback.split_seed


def _in_whole_halves(done: Sequence[tuple[Trial, Path]]) -> list[tuple[Trial, Path]]:
    """The trials on draws of test users that have as many arms as any: the arms of a table have the same draws."""
    arms: dict[int, set[str]] = {}
    for trial, _ in done:
        arms.setdefault(_half(trial), set()).add(trial.arm.name)
    most = max(arms.values(), key=len)
    return [(trial, folder) for trial, folder in done if arms[_half(trial)] == most]


def _settings(
    planned: Sequence[Trial], left_out: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Settings that all arms have in common, and of each arm the others, without those that are `left_out`.

    A baseline reads neither model nor training settings, so that these are compared among the models only.
    """
    arms = {trial.arm.name: trial for trial in planned}
    every = {name: _flat(trial.config, left_out) for name, trial in arms.items()}
    models = [name for name, trial in arms.items() if trial.arm.baseline is None] or list(arms)
    common = {}
    for key, value in every[models[0]].items():
        judged = arms if key.startswith("feedback.") else models
        if all(every[name][key] == value for name in judged):
            common[key] = value
    own = {}
    for name, trial in arms.items():
        declared = {f"inference.{key}": value for key, value in changed(trial.arm.inference).items()}
        declared |= {"baseline": trial.arm.baseline} if trial.arm.baseline else {}
        own[name] = {key: _plain(value) for key, value in declared.items()}
        own[name] |= {
            key: value
            for key, value in every[name].items()
            if key not in common and (name in models or key.startswith("feedback."))
        }
    return common, own


def _flat(config: PipelineConfig, left_out: Sequence[str] = ()) -> dict[str, Any]:
    sections = {name: dataclasses.asdict(getattr(config, name)) for name in ("feedback", "model", "training")}
    flat = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    return {key: _plain(value) for key, value in flat.items() if key not in {*_LEFT_OUT, *left_out}}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else json.dumps(value)
