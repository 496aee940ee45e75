"""What a study is: arms that are compared, each over several seeds, declared in YAML."""

import contextlib
import dataclasses
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pipeline.config import ConfigError, PipelineConfig, load_config
from pnfrec_core.provenance import result_name
from pnfrec_core.settings.load import read_mapping, validate
from pnfrec_core.settings.yaml_text import is_scientific
from studies.checks import check_baseline, check_inference, check_later, check_lists
from studies.inference_rule import InferenceRule
from studies.run.origin import Origin, origin_of
from studies.trial_keys import changed, trial_key

STUDIES = Path(__file__).parent / "ready"
# A study exports nothing and asks no server. Left in, they might want what the model of an arm does not have.
WITHOUT_SERVING = ("export={}", "query={}")

_FORBID: dict[str, Any] = {"extra": "forbid"}
Value = bool | int | float | str


@dataclasses.dataclass(frozen=True)
class Arm:
    """One thing that is compared: a model with settings of its own, or a baseline.

    Attributes:
        name: In the tables.
        set: Settings of the pipeline's configuration, such as `model.variant: SASRec_p`.
        baseline: Instead of a model: no training, and no seed unless the seed draws the test users.
        inference: How it ranks; by default with the positive encoder alone, as in the paper.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    name: str
    set: dict[str, Value] = dataclasses.field(default_factory=dict)
    baseline: Literal["most_popular", "most_popular_positive", "most_popular_recent", "item_knn"] | None = None
    inference: InferenceRule = dataclasses.field(default_factory=InferenceRule)


@dataclasses.dataclass(frozen=True)
class Study:
    """A question.

    Attributes:
        name: Of its folder.
        question: One sentence, for the page of results.
        seeds: Each model is trained once with each.
        halves: Each seed also draws its own halves of the held-out users (`feedback.split_seed`), so that the results
            are not those of one draw of test users.
        reference: The arm that the others are compared with.
        beside: Another arm that they are compared with too, in a table of its own.
        labels: The arm whose rule of polarity groups the targets of all arms; the reference, unless it is named.
        set: Settings of all arms.
        arms: What is compared.
        grid: Key to values: each combination is one more arm.
        responsiveness: Whether each trial also tells what a dislike does to the items that are like the disliked one.
        later_days: In how many days after the first held-out row of a user each trial also counts all that the user
            likes and dislikes of one list; 0 for not at all.
        published: Whether what the paper prints for these data stands beside the arms that are named as its models.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    name: str
    question: str
    reference: str
    beside: str | None = None
    labels: str | None = None
    seeds: list[int] = dataclasses.field(default_factory=lambda: [1, 2, 3, 4, 5])
    halves: bool = False
    set: dict[str, Value] = dataclasses.field(default_factory=dict)
    arms: list[Arm] = dataclasses.field(default_factory=list)
    grid: dict[str, list[Value]] = dataclasses.field(default_factory=dict)
    responsiveness: bool = False
    later_days: float = 0.0
    published: bool = False

    @property
    def further(self) -> dict[str, bool | float]:
        """What trials are asked for beside their ranks; it is part of their names."""
        asked: dict[str, bool | float] = {"responsiveness": self.responsiveness, "later_days": self.later_days}
        return {name: value for name, value in asked.items() if value}

    def all_arms(self) -> list[Arm]:
        """The arms, then those of the grid."""
        combinations = itertools.product(*self.grid.values()) if self.grid else ()
        grid = [dict(zip(self.grid, values, strict=True)) for values in combinations]
        return [*self.arms, *(Arm(_grid_name(settings), settings) for settings in grid)]


@dataclasses.dataclass(frozen=True)
class Trial:
    """One arm with one seed.

    Attributes:
        arm: The arm.
        seed: Of weights, order and dropout, and of the halves if the study draws them; None for a baseline otherwise.
        config: With the settings of study and arm, and the seed.
        origin: Of the data and of the code that its result comes from.
        key: Name of its folder: other settings, other data or other code have another one.
        further: Of the study.
    """

    arm: Arm
    seed: int | None
    config: PipelineConfig
    origin: Origin
    key: str
    further: dict[str, bool | float] = dataclasses.field(default_factory=dict)

    @property
    def training_key(self) -> str | None:
        """Name of the training, which arms and studies share that differ in nothing that training depends on."""
        if self.arm.baseline:
            return None
        model = self.config.model.effective()
        # Recent likes are counted for rankings: nothing is trained on them.
        feedback = dataclasses.replace(self.config.feedback, recent_days=0.0)
        parts = [changed(part) for part in (feedback, model, self.config.training.fitting())]
        name = result_name(code=self.origin.training, data=self.origin.data, settings=parts)
        return f"{model.variant}-seed{self.seed}-{name[:12]}"

    @property
    def ranking(self) -> str:
        """What its ranks come from, in words of no use but to be compared: trials of equal ones have equal results."""
        arm = self.arm
        feedback = changed(self.config.feedback)
        return repr((self.training_key, arm.baseline, changed(arm.inference), feedback, self.config.model.max_length))


def load_study(name: str) -> Study:
    """Reads a study by the name of a ready one, or from a YAML file.

    Raises:
        ConfigError: There is no such study, or it cannot be used; the message names file, key and remedy.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else STUDIES / f"{name}.yaml"
    if not path.is_file():
        msg = f"There is no study {name!r}. Ready ones: {', '.join(ready_studies())}; or name a YAML file."
        raise ConfigError(msg)
    values = read_mapping(path, "keys such as `arms:`")
    study = validate(values, path, Study, "study", lambda location: _place(location, values))
    _check(study, path)
    return study


def ready_studies() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def trials(study: Study, config_path: Path, overrides: Sequence[str]) -> list[Trial]:
    """All trials, the first seed of every arm before the second of any.

    Args:
        study: The study.
        config_path: YAML of the data set.
        overrides: `key=value` of the command line; they win over study and arm, but for the seeds.

    Raises:
        ConfigError: A setting cannot be used.
    """
    _refuse_serving(overrides)
    found = []
    for seed, arm in itertools.product(study.seeds, study.all_arms()):
        own_seed = None if arm.baseline and not study.halves else seed
        if own_seed is None and seed != study.seeds[0]:
            continue
        settings = {**study.set, **arm.set, "training.seed": seed}
        if study.halves:
            settings["feedback.split_seed"] = seed
        config = _config(study, arm, config_path, [*map("=".join, _texts(settings)), *overrides])
        if config.training.seed != seed:
            msg = (
                f"`--set training.seed={config.training.seed}` would give all trainings of an arm one seed, as if "
                "chance changed nothing: leave it out. The seeds of a study are its `seeds`."
            )
            raise ConfigError(msg)
        rule = config.feedback.split_rule
        if study.halves and ("split_seed" not in rule.settings or config.feedback.split_seed != seed):
            msg = (
                "`halves` draws the test users by `feedback.split_seed`, which the split "
                f"`{rule.names_that_read('split_seed')}` alone reads, so that neither can be another. Received: "
                f"`feedback.split: {rule.name}`, `feedback.split_seed: {config.feedback.split_seed}`."
            )
            raise ConfigError(msg)
        feedback, titles = config.feedback, config.feedback.titles
        groups = titles.file if titles is not None and titles.group else None
        origin = origin_of(feedback.base, feedback.patterns, groups)
        key = trial_key(arm, own_seed, config, origin, study.further)
        found.append(Trial(arm, own_seed, config, origin, key, study.further))
    check_lists({trial.arm.name: trial.config.training.k for trial in found})
    return found


def _config(study: Study, arm: Arm, path: Path, settings: Sequence[str]) -> PipelineConfig:
    """The configuration of an arm, after a look whether its rule of inference can be followed at all.

    Raises:
        ConfigError: It names the arm: what is wrong may be the study's, the configuration's or the command line's.
    """
    try:
        _refuse_serving(settings)
        config = load_config(path, [*WITHOUT_SERVING, *settings])
        if arm.baseline is None:
            check_inference(arm.inference, config)
        else:
            check_baseline(arm.inference)
        if study.later_days:
            check_later(config)
    except ValueError as error:  # ConfigError is one
        msg = f"study {study.name}, arm {arm.name!r}: {error}"
        raise ConfigError(msg) from error
    return config


def _refuse_serving(settings: Iterable[str]) -> None:
    keys = [setting.partition("=")[0] for setting in settings]
    if said := [key for key in keys if key.partition(".")[0] in ("export", "query")]:
        msg = f"`{said[0]}` has no part in a study, which exports and asks nothing. How an arm ranks: its `inference`."
        raise ConfigError(msg)


def _texts(settings: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        # Whether 1e-3 is a number, the setting says.
        yield key, value if isinstance(value, str) and is_scientific(value) else json.dumps(value)


def _grid_name(settings: Mapping[str, Value]) -> str:
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in settings.items())


def _place(where: Sequence[int | str], values: Any) -> str:
    """Where in the YAML an error is, with the names of arms instead of their numbers."""
    parts = [str(part) for part in where]
    with contextlib.suppress(LookupError, TypeError, ValueError):
        if parts[0] == "arms":
            parts[1] = str(values["arms"][int(parts[1])]["name"])
    return ".".join(parts)


def _check(study: Study, path: Path) -> None:
    if not re.fullmatch(r"\w[\w.-]*", study.name):
        msg = f"{path}: `name` names a folder: letters, digits, '.', '-' and '_' only. Received: {study.name!r}."
        raise ConfigError(msg)
    if empty := [arm.name for arm in study.arms if not arm.inference.gamma]:
        msg = f"{path}: `inference.gamma` of the arm {empty[0]!r} is empty. Name at least one weight; 0 is the paper."
        raise ConfigError(msg)
    if empty := [key for key, values in study.grid.items() if not values]:
        msg = f"{path}: `grid.{empty[0]}` is empty, so that the grid would have no arm. Name its values."
        raise ConfigError(msg)
    names = [arm.name for arm in study.all_arms()]
    for key, name in (("reference", study.reference), ("beside", study.beside), ("labels", study.labels)):
        if name is not None and name not in names:
            msg = f"{path}: `{key}`: there is no arm {name!r}. There are: {', '.join(names)}."
            raise ConfigError(msg)
    if study.beside == study.reference:
        msg = f"{path}: `beside` names the reference {study.reference!r} again: name another arm, or leave it out."
        raise ConfigError(msg)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"{path}: `arms`: several are named {', '.join(twice)}. Give each a name of its own."
        raise ConfigError(msg)
    sets: list[Mapping[str, Any]] = [study.set, study.grid, *(arm.set for arm in study.arms)]
    if any("training.seed" in settings for settings in sets):
        msg = f"{path}: `seeds` gives each training its own `training.seed`: remove that key."
        raise ConfigError(msg)
    if study.halves and any("feedback.split_seed" in settings for settings in sets):
        msg = f"{path}: `halves` gives each seed its own `feedback.split_seed`: remove that key, or `halves`."
        raise ConfigError(msg)
    if not 0.0 <= study.later_days < math.inf:
        msg = f"{path}: `later_days` must be a number of days, 0 or more. Received: {study.later_days}."
        raise ConfigError(msg)
    if not study.seeds or len(set(study.seeds)) != len(study.seeds):
        msg = f"{path}: `seeds` must be distinct, at least one. Received: {study.seeds}."
        raise ConfigError(msg)
