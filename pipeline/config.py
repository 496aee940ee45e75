"""The typed configuration of a pipeline: one YAML file a data set, overrides, and errors that name the key."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml

from components.data_contract.config import StatisticsConfig
from components.feedback.config import FeedbackConfig
from components.gate.config import GateConfig
from components.pusher.config import PushConfig
from components.trainer.config import TrainerConfig
from components.tuner.config import TunerConfig, check_tuner
from pipeline.beam_config import BeamConfig
from pipeline.kubeflow.config import KubeflowConfig
from pipeline.paths import with_settled_paths
from pnfrec_columns.units import ORDER
from pnfrec_core.settings.errors import ConfigError
from pnfrec_core.settings.fields import EXAMPLE
from pnfrec_core.settings.load import read_mapping, validate
from pnfrec_core.settings.overrides import apply_override
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ExportConfig, ModelConfig, check_recency, check_rule
from pnfrec_keras.ranking import rules

__all__ = ["BeamConfig", "ConfigError", "PipelineConfig", "QueryConfig", "load_config"]

_FORBID: dict[str, Any] = {"extra": "forbid"}
# Of the name of a pipeline of TFX.
_MOST_LETTERS = 63


@dataclasses.dataclass(frozen=True)
class QueryConfig:
    """The query that `pnfrec run --query` sends to the pushed model.

    Attributes:
        positive: The ids or titles that the example user liked, oldest first.
        negative: Those that the user disliked; they never come back. With any, the signature `with_negatives` answers.
        exclude: The ids or titles that must not come back.
        k: The number of recommendations.
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
        name: The name of the pipeline, in ML Metadata and for the tfx command.
        output: The folder of artifacts, metadata, logs and the pushed models. Relative paths count from the YAML file.
        cache: Whether a step whose inputs and settings have not changed takes its last result. With false none does;
            what trials of a search came to, and rows that were kept as they were read, are taken all the same.
        serving: The folder that models are pushed to; "" is `serving` below `output`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    name: str = dataclasses.field(metadata={EXAMPLE: "my-data"})
    output: str = dataclasses.field(metadata={EXAMPLE: "runs/my-data"})
    feedback: FeedbackConfig
    gate: GateConfig
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    training: TrainerConfig = dataclasses.field(default_factory=TrainerConfig)
    tuner: TunerConfig = dataclasses.field(default_factory=TunerConfig)
    export: ExportConfig = dataclasses.field(default_factory=ExportConfig)
    push: PushConfig = dataclasses.field(default_factory=PushConfig)
    statistics: StatisticsConfig = dataclasses.field(default_factory=StatisticsConfig)
    beam: BeamConfig = dataclasses.field(default_factory=BeamConfig)
    query: QueryConfig = dataclasses.field(default_factory=QueryConfig)
    kubeflow: KubeflowConfig = dataclasses.field(default_factory=KubeflowConfig)
    cache: bool = True
    serving: str = ""

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum():
            msg = f"`name` may hold letters, digits, '-' and '_' only. Received: {self.name!r}."
            raise ValueError(msg)
        if len(self.name) > _MOST_LETTERS:
            msg = f"`name` may have {_MOST_LETTERS} letters at most, as TFX has it. Received {len(self.name)}."
            raise ValueError(msg)
        if not self.output:
            msg = "`output` is empty: name the folder that artifacts, metadata and logs go to."
            raise ValueError(msg)
        if self.model.soft_boundary and self.feedback.positive == "column":
            msg = (
                f"`model.soft_boundary` ({self.model.soft_boundary:g}) needs values, and `feedback.positive: column` "
                "reads none. Set `model.soft_boundary: 0`, or let a threshold on values say what is positive."
            )
            raise ValueError(msg)
        if not self.feedback.split_rule.holds_out:
            msg = (
                f"`feedback.split: {self.feedback.split}` holds nothing out, so that a run has nothing to judge its "
                "model by. Take another rule; `pnfrec config feedback.split` tells what each does."
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
        if self.training.warm_start and not self.feedback.split_rule.holds_out_newest:
            msg = (
                f"`training.warm_start` begins with weights of an earlier run, which with `feedback.split: "
                f"{self.feedback.split}` may have seen what this run holds out. Set it to false, or split "
                "by global_time."
            )
            raise ValueError(msg)
        self._check_dislikes()
        self._check_trend()
        self._check_groups()
        if self.tuner.enabled:
            both = self.feedback.validation_targets == "both"
            check_tuner(self.tuner, self.model, self.training, both_groups=both, rule=self.export.rule)

    def _check_dislikes(self) -> None:
        variant, export = self.model.variant, self.export
        if not variant_of(variant).mixed:
            check_rule(export.rule, variant, self.model.alpha)
            return
        remedies = []
        if export.gamma and rules.find_rule(export.rule).needs_dislikes:
            remedies.append(f"`export.gamma: 0` for the paper's ranking, or `export.rule: {rules.DEFAULT}`")
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
        if self.feedback.time_unit == ORDER:
            msg = (
                f"{given} counts days, and with `feedback.time_unit: {ORDER}` the timestamps are no times. Leave one "
                "of the two out."
            )
            raise ValueError(msg)
        rule = self.feedback.split_rule
        if rule.at_any_time:
            msg = (
                f"{given} ranks by what was chosen at the end of training, and the targets of `feedback.split: "
                f"{rule.name}` lie at any time. Set `model.trend_days: 0`, or split by "
                f"`{rule.names_that_read('recent_days')}`."
            )
            raise ValueError(msg)
        check_recency(self.export.recency, self.model.trend_days)
        if self.export.index == "tfrs":
            msg = f"{given} adds to the scores, which `export.index: tfrs` cannot. Set the index to `plain`."
            raise ValueError(msg)

    def _check_groups(self) -> None:
        titles = self.feedback.titles
        if titles is not None and titles.group is not None:
            return
        remedies = []
        if self.gate.bounds_groups:
            remedies.append("take the bound on `diversity` out of `gate`, which could not be kept")
        if self.training.warm_start and self.training.warm_new_items == "group":
            remedies.append("set `training.warm_new_items: users`, which it would come to")
        if remedies:
            msg = (
                "`feedback.titles.group` is not set, so that no item has a group. Name the column of groups there, or "
                f"{'; and '.join(remedies)}."
            )
            raise ValueError(msg)

    @property
    def refits(self) -> bool:
        """Whether a blessed model is trained anew on everything before it is pushed."""
        refit = self.training.refit
        return self.feedback.split_rule.holds_out_newest if refit is None else refit

    @property
    def output_path(self) -> Path:
        return Path(self.output)

    @property
    def serving_path(self) -> Path:
        return Path(self.serving) if self.serving else self.output_path / "serving"

    @property
    def artifacts_path(self) -> Path:
        return self.output_path / "artifacts"

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
        ConfigError: The file is missing or no YAML, a key is unknown, missing or of the wrong type, or a path cannot be
            used.
    """
    path = Path(path)
    values = read_mapping(path, "sections such as `feedback:`")
    for override in overrides:
        apply_override(values, override)
    config = validate(values, path, PipelineConfig, "configuration", explain="pnfrec config")
    try:
        return with_settled_paths(config, path.resolve().parent)
    except ConfigError as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
