"""The summary of a study, from its trials."""

import dataclasses
import datetime
import json
import math
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pipeline.config import PipelineConfig
from pnfrec_core import schema
from studies.kept import read_result
from studies.outputs import TRIAL_RESULT
from studies.results.ranks import Judged, judged
from studies.results.summary import ArmSummary, DataSummary, Failure, Summary
from studies.results.tables import ArmResult, arm_results, on_common_terms, tidy
from studies.study import Study, Trial, Value
from studies.trial_keys import changed

_PACKAGES = ("pnfrec", "tensorflow", "keras", "numpy")
# How files are found and read says nothing about what was done, and paths are those of one machine.
_LEFT_OUT = ("feedback.base", "feedback.files", "feedback.titles", "feedback.columns", "training.seed")


class Summarised(NamedTuple):
    """A summary and what it was made from.

    Attributes:
        summary: Of the study.
        found: Results of each arm.
        table: The tidy table of all trials, on the terms of `found`.
        ranks: What the arms did with each target.
        at_random: As `found`, of what was shown at random; empty where not every trial has ranked such targets.
    """

    summary: Summary
    found: list[ArmResult]
    table: pd.DataFrame
    ranks: Judged
    at_random: list[ArmResult]


def summarise(
    study: Study,
    planned: Sequence[Trial],
    folders: Sequence[Path],
    statistics: Mapping[str, Any],
    name: str,
    k: int,
    rows: Mapping[str, dict[str, dict[str, int]]] | None = None,
    failures: Mapping[str, str] | None = None,
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
        failures: Key of each trial that failed to why.

    Raises:
        ValueError: No trial is done, or the arms have no target in common.
    """
    pairs = list(zip(planned, folders, strict=True))
    done = [(trial, folder) for trial, folder in pairs if (folder / TRIAL_RESULT).is_file()]
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
    asked = Counter(trial.arm.name for trial in planned)
    arms = [
        dataclasses.replace(
            _arm(result, table, own[result.name], cells.get(result.name)),
            rows=(rows or {}).get(result.name, {}),
            planned=asked[result.name],
        )
        for result in found
    ]
    failed = {trial.key: why for trial in planned if (why := (failures or {}).get(trial.key)) is not None}
    newest = max((folder / TRIAL_RESULT).stat().st_mtime for _, folder in done)
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
        [_name(trial) for trial, folder in pairs if not (folder / TRIAL_RESULT).is_file() and trial.key not in failed],
        _declaration(study),
        {"python": platform.python_version(), **{package: metadata.version(package) for package in _PACKAGES}},
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        datetime.datetime.fromtimestamp(newest, datetime.timezone.utc).date().isoformat(),
        _training_seconds(done, table),
        labels,
        study.beside or "",
        [Failure(trial.arm.name, trial.seed, failed[trial.key]) for trial in planned if trial.key in failed],
        _alike(trial for trial, _ in done),
    )
    at_random = _at_random(study, own_folders, labels, halves, k)
    return Summarised(summary, found, on_common_terms(table, found, labels), ranks, at_random)


def _at_random(study: Study, folders: Sequence[Path], labels: str, halves: Sequence[int], k: int) -> list[ArmResult]:
    """Results on what was shown at random, if every trial has ranked such targets."""
    split = schema.TEST_RANDOM_SPLIT
    if any(split not in read_result(folder) for folder in folders):
        return []
    return arm_results(folders, judged(folders, split, labels, halves), study.reference, split, k, study.beside)


def _declaration(study: Study) -> dict[str, Any]:
    """The study's own YAML, without what it leaves out."""
    left_out = {"responsiveness", "later_days"} - set(study.further)
    plain = dataclasses.asdict(study)
    return {key: value for key, value in plain.items() if value not in (None, {}, []) and key not in left_out}


def _training_seconds(done: Sequence[tuple[Trial, Path]], table: pd.DataFrame) -> float:
    seconds = table[table["split"] == schema.TEST_SPLIT]["training_seconds"].fillna(0.0)
    return float(sum({trial.training_key: each for (trial, _), each in zip(done, seconds, strict=True)}.values()))


def _alike(done: Iterable[Trial]) -> list[list[str]]:
    """Names of arms that rank alike: what one of them sets and another does not has no part in either."""
    groups: dict[str, list[str]] = {}
    for trial in done:
        groups.setdefault(trial.ranking, []).append(trial.arm.name)
    return [list(names) for names in dict.fromkeys(map(tuple, groups.values())) if len(names) > 1]


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
    means = validation.reindex(columns=list(result.mean)).mean()
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
