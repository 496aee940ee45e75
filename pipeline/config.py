"""The typed configuration of a pipeline: one YAML file a data set, overrides, and errors that name the key."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml

from components.feedback.config import FeedbackConfig
from components.gate.config import GateConfig
from components.tuner.config import TunerConfig, check_tuner
from pnfrec_core.settings.problems import Location, key_of, sentences
from pnfrec_core.settings.yaml_text import RepeatedKeyError, Scientific, parse
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ExportConfig, ModelConfig, TrainingConfig, check_recency, check_rule

_FORBID: dict[str, Any] = {"extra": "forbid"}
T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key and remedy."""


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """How Beam runs on this machine.

    Attributes:
        workers: Number of workers.
        mode: "in_memory" (threads; best up to millions of rows) or "multi_processing".
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    workers: int = 1
    mode: Literal["in_memory", "multi_threading", "multi_processing"] = "in_memory"

    def __post_init__(self) -> None:
        if self.workers < 1:
            msg = f"`beam.workers` must be at least 1. Received: {self.workers}."
            raise ValueError(msg)

    def arguments(self) -> list[str]:
        """Beam's command line. The runner is named, since newer Beams would choose another one.

        Local workers import what is installed here. The image that no local runner reads keeps TFX from packing an
        sdist of itself for them, 2 s a node.
        """
        return [
            "--runner=DirectRunner",
            "--sdk_container_image=none",
            f"--direct_running_mode={self.mode}",
            f"--direct_num_workers={self.workers}",
        ]


@dataclasses.dataclass(frozen=True)
class QueryConfig:
    """The query that `pnfrec run --query` sends to the pushed model.

    Attributes:
        positive: Ids or titles that the example user liked, oldest first.
        negative: Those that the user disliked; they never come back. With any, the signature `with_negatives` answers.
        exclude: Ids or titles that must not come back.
        k: How many recommendations.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    positive: list[str] = dataclasses.field(default_factory=list)
    negative: list[str] = dataclasses.field(default_factory=list)
    exclude: list[str] = dataclasses.field(default_factory=list)
    k: int = 10

    def __post_init__(self) -> None:
        if self.k < 1:
            msg = f"`query.k` must be at least 1. Received: {self.k}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """Everything about one pipeline. The sections are documented where they are defined.

    Attributes:
        name: Of the pipeline, in ML Metadata and for the tfx command.
        output: Folder of artifacts, metadata, logs and the pushed models. Relative paths count from the YAML file.
        cache: Reuse what has not changed.
        serving: Folder that models are pushed to; "" is `serving` below `output`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    name: str
    output: str
    feedback: FeedbackConfig
    gate: GateConfig
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    tuner: TunerConfig = dataclasses.field(default_factory=TunerConfig)
    export: ExportConfig = dataclasses.field(default_factory=ExportConfig)
    beam: BeamConfig = dataclasses.field(default_factory=BeamConfig)
    query: QueryConfig = dataclasses.field(default_factory=QueryConfig)
    cache: bool = True
    serving: str = ""

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum():
            msg = f"`name` may hold letters, digits, '-' and '_' only. Received: {self.name!r}."
            raise ValueError(msg)
        for key in ("output", "serving"):
            if "://" in getattr(self, key):
                msg = f"`{key}` must be a folder of this machine. Received: {getattr(self, key)!r}."
                raise ValueError(msg)
        columns = self.feedback.columns
        if columns.user == columns.item:
            msg = (
                f"`feedback.columns.user` and `feedback.columns.item` both name the column {columns.user!r}. Name the "
                "column of users and the column of items."
            )
            raise ValueError(msg)
        if self.model.soft_boundary and self.feedback.positive == "column":
            msg = (
                f"`model.soft_boundary` ({self.model.soft_boundary:g}) needs values, and `feedback.positive: column` "
                "reads none. Set `model.soft_boundary: 0`, or let a threshold on values say what is positive."
            )
            raise ValueError(msg)
        if self.gate.k > self.training.k:
            msg = (
                f"`gate.k` ({self.gate.k}) must not be above `training.k` ({self.training.k}): the exported model "
                "tells the gate that many items of each list. Raise `training.k`."
            )
            raise ValueError(msg)
        if self.export.recency and not self.feedback.recent_days:
            msg = (
                f"`export.recency` ({self.export.recency}) weighs what is liked now, and nothing counts it: set "
                "`feedback.recent_days`, such as 14, or `export.recency` to 0."
            )
            raise ValueError(msg)
        self._check_dislikes()
        self._check_trend()
        if self.tuner.enabled:
            both = self.feedback.validation_targets == "both"
            check_tuner(self.tuner, self.model, self.training, both_groups=both)

    def _check_dislikes(self) -> None:
        variant, export = self.model.variant, self.export
        if not variant_of(variant).mixed:
            check_rule(export.rule, variant, self.model.alpha)
            return
        remedies = []
        if export.gamma and export.rule != "like_rate":
            remedies.append("`export.gamma: 0` for the paper's ranking, or `export.rule: like_rate`")
        if self.query.negative:
            remedies.append("`query.negative: []`")
        if remedies:
            msg = (
                f"{variant} reads one history of both polarities, and so cannot tell what a user dislikes. Set "
                f"{'; and '.join(remedies)}."
            )
            raise ValueError(msg)

    def _check_trend(self) -> None:
        if not self.model.trend_days:
            return
        given = f"`model.trend_days` ({self.model.trend_days:g})"
        if self.feedback.split == "leave_one_out":
            msg = (
                f"{given} ranks by what was chosen at the end of training, and the targets of `feedback.split: "
                "leave_one_out` lie at any time. Set `model.trend_days: 0`, or split by `global_time`."
            )
            raise ValueError(msg)
        check_recency(self.export.recency, self.model.trend_days)
        if self.export.index == "tfrs":
            msg = f"{given} adds to the scores, which `export.index: tfrs` cannot. Set the index to `plain`."
            raise ValueError(msg)

    @property
    def output_path(self) -> Path:
        return Path(self.output)

    @property
    def serving_path(self) -> Path:
        return Path(self.serving) if self.serving else self.output_path / "serving"

    @property
    def metadata_path(self) -> Path:
        return self.output_path / "metadata.sqlite"

    def to_yaml(self, *sections: str) -> str:
        """The resolved configuration, or only some of its sections, as YAML."""
        values = dataclasses.asdict(self)
        chosen = {name: value for name, value in values.items() if not sections or name in sections}
        return yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True)


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Reads a YAML file, applies `key=value` overrides and checks every key and type.

    Args:
        path: The YAML file.
        overrides: Such as `training.epochs=3`; the value is YAML.

    Raises:
        ConfigError: The file is missing or no YAML, or a key is unknown, missing or of the wrong type.
    """
    path = Path(path)
    values = read_mapping(path, "sections such as `feedback:`")
    for override in overrides:
        _apply_override(values, override)
    config = validated(values, path, PipelineConfig, "configuration")
    return _with_absolute_paths(config, path.resolve().parent)


def read_mapping(path: Path, content: str) -> dict[str, Any]:
    """The values of a YAML file.

    Args:
        path: The file.
        content: What it should hold, for the message.

    Raises:
        ConfigError: The file is missing, no YAML or no mapping, or has a key twice.
    """
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: there is no such configuration file. Ready ones lie in configs/."
        raise ConfigError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as a YAML file ({error})."
        raise ConfigError(msg) from error
    except RepeatedKeyError as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path}: not valid YAML. {' '.join(str(error).split())}"
        raise ConfigError(msg) from error
    if not isinstance(values, dict):
        msg = f"{path}: expected a mapping of {content}. Received: {type(values).__name__}."
        raise ConfigError(msg)
    return values


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        msg = f"--set {override}: expected key=value, for example training.epochs=3."
        raise ConfigError(msg)
    try:
        value = parse(text)
    except RepeatedKeyError as error:
        msg = f"--set {override}: {error}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"--set {override}: the value is not valid YAML."
        raise ConfigError(msg) from error
    *sections, name = key.split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            msg = f"--set {override}: `{section}` is a value, not a section."
            raise ConfigError(msg)
        values = inner
    values[name] = value


def validated(
    values: dict[str, Any], path: Path, kind: type[T], what: str, name: Callable[[Location], str] | None = None
) -> T:
    """The dataclass that the values of a YAML file describe, every key and type checked.

    Args:
        values: Of `read_mapping`; texts such as 1e-3 become numbers in place, wherever a number is asked for.
        path: Of the file, for messages.
        kind: The dataclass.
        what: What it is, for messages.
        name: How messages call the place of a key; by default its parts, with dots between.

    Raises:
        ConfigError: A key is unknown, missing or of the wrong type; the message names each.
    """
    import pydantic  # 0.2 s that the command's help need not pay

    adapter = pydantic.TypeAdapter(kind)

    def read() -> T:
        # Strict, so that "10" is no number and 3.7 no count of epochs; by way of JSON, where a mapping may be a
        # dataclass.
        return adapter.validate_json(_as_json(values, path), strict=True)

    try:
        try:
            return read()
        except pydantic.ValidationError as error:
            if not _read_numbers(values, error.errors()):
                raise
            return read()
    except pydantic.ValidationError as error:
        lines = sentences(error.errors(), kind, name)
        msg = f"{path}: " + "\n  ".join([f"the {what} cannot be used:", *lines])
        raise ConfigError(msg) from error


def _as_json(values: dict[str, Any], path: Path) -> str:
    try:
        return json.dumps(values, default=str)
    except (TypeError, ValueError) as error:
        # A date as a key, or an alias inside of what it stands for.
        msg = f"{path}: has a key or an alias that cannot be used ({error}). Write it out as plain text."
        raise ConfigError(msg) from error


def _read_numbers(values: dict[str, Any], problems: Sequence[Any]) -> bool:
    """Makes numbers of texts such as 1e-3 wherever a number was asked for; whether there was any.

    Only there: the same letters may be somebody's id.
    """
    found = False
    for problem in problems:
        name: Any
        if problem["type"] != "float_type":
            continue
        *sections, name = key_of(problem)
        holder: Any = values
        for section in sections:
            holder = _part(holder, section)
        if isinstance(value := _part(holder, name), Scientific):
            holder[name] = float(value)
            found = True
    return found


def _part(holder: Any, name: Any) -> Any:
    # A key that is no text has another name in the location; it is unknown in any case.
    return holder[name] if isinstance(holder, list) else holder.get(name, {})


def _with_absolute_paths(config: PipelineConfig, folder: Path) -> PipelineConfig:
    """Paths count from the folder of the YAML file, wherever the command is typed. Those with a scheme stay."""

    def absolute(path: str) -> str:
        return str(Path(folder, Path(path).expanduser()).resolve()) if path and "://" not in path else path

    feedback = dataclasses.replace(config.feedback, base=absolute(config.feedback.base))
    output, serving = absolute(config.output), absolute(config.serving)
    return dataclasses.replace(config, output=output, serving=serving, feedback=feedback)
