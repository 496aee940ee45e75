"""What the Tuner tries, how often, and what it calls better."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from components.trainer.choice import SECTIONS
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig, TrainingConfig, check_rule

_FORBID: dict[str, Any] = {"extra": "forbid"}


def _check_space(values: Sequence[float], low: float | None, high: float | None, log: bool) -> None:
    """Raises a ValueError unless there are either values or a range; the caller's key goes in front of it."""
    if bool(values) == (low is not None or high is not None):
        msg = "give either `values`, a list, or both `min` and `max`; null does not tune it."
        raise ValueError(msg)
    if values:
        if len(set(values)) != len(values) or not all(math.isfinite(value) for value in values):
            msg = f"`values` must be distinct, finite numbers. Received: {list(values)}."
            raise ValueError(msg)
        if log:
            msg = "`log` is for a range, not for `values`."
            raise ValueError(msg)
        return
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and low < high):
        msg = f"`min` must be below `max`, both finite. Received: {low} and {high}."
        raise ValueError(msg)
    if log and low <= 0:
        msg = f"`min` must be above 0 with `log: true`. Received: {low}."
        raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class NumberSpace:
    """Numbers to try: a list, or any in a range.

    Attributes:
        values: The list.
        min: The lower end of the range, which belongs to it.
        max: The upper end of the range.
        log: Whether equal ratios of the range are equally likely to be drawn, instead of equal differences.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    values: list[float] = dataclasses.field(default_factory=list)
    min: float | None = None
    max: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        _check_space(self.values, self.min, self.max, self.log)


@dataclasses.dataclass(frozen=True)
class WidthSpace:
    """Widths to try: a list, or steps through a range.

    Attributes:
        values: The list.
        min: The first width of the range.
        max: The width that none is above.
        log: Whether the range goes in doublings of `min`, instead of steps of `model.num_heads`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    values: list[int] = dataclasses.field(default_factory=list)
    min: int | None = None
    max: int | None = None
    log: bool = False

    def __post_init__(self) -> None:
        _check_space(self.values, self.min, self.max, self.log)


@dataclasses.dataclass(frozen=True)
class SpaceConfig:
    """What is tried of each setting: a list (`values`) or a range (`min`, `max`); null keeps the setting as it is.

    Attributes:
        alpha: Values of `model.alpha`; they are left out for a variant without that term.
        beta: Values of `model.beta`; they are left out for a variant without that term.
        dim: Values of `model.dim`.
        learning_rate: Values of `training.learning_rate`.
        dropout: Values of `model.dropout`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    alpha: NumberSpace | None = dataclasses.field(default_factory=lambda: NumberSpace(min=0.1, max=1.0))
    beta: NumberSpace | None = dataclasses.field(default_factory=lambda: NumberSpace(min=0.05, max=1.0, log=True))
    dim: WidthSpace | None = dataclasses.field(default_factory=lambda: WidthSpace(values=[32, 64, 128]))
    learning_rate: NumberSpace | None = dataclasses.field(
        default_factory=lambda: NumberSpace(min=0.0003, max=0.003, log=True)
    )
    dropout: NumberSpace | None = dataclasses.field(default_factory=lambda: NumberSpace(min=0.0, max=0.5))

    def of_variant(self, variant: str) -> dict[str, NumberSpace | WidthSpace]:
        """What is tuned of a variant, by name: it may lack the term that alpha or beta weighs."""
        parts = variant_of(variant)
        absent = {"alpha": not parts.negative_loss, "beta": not parts.contrastive}
        named = {name: getattr(self, name) for name in SECTIONS if not absent.get(name, False)}
        return {name: space for name, space in named.items() if space is not None}


@dataclasses.dataclass(frozen=True)
class TunerConfig:
    """The search for the settings that the Trainer takes.

    A trial trains as the Trainer does and is judged on validation, at the epoch that early stopping keeps, by

        objective = NDCG_p + delta_weight * (NDCG_p - NDCG_n)

    at `training.k`: how well liked targets rank, and how far above disliked ones. Higher is better. The first trial is
    the configuration as it is, wherever the space holds it, so that the search is never worse than no search. Epochs
    are chosen by NDCG_p alone, as the Trainer chooses them.

    Attributes:
        enabled: Whether there is a search before the training.
        trials: The number of sets of settings that are tried; fewer where the space has no more.
        algorithm: "random", or "bayesian": after three random trials for each setting of the space, where a Gaussian
            process expects most.
        seed: The seed of the choice of sets. Trials train with `training.seed`.
        epochs: The number of epochs of a trial, at most; null takes `training.epochs`.
        patience: The patience of a trial; null takes `training.patience`.
        min_epochs: The number of epochs of a trial before which patience does not stop it; null takes
            `training.min_epochs`.
        delta_weight: w, the weight of the difference in the objective. Above 0 it needs `feedback.validation_targets:
            both`, since validation has disliked targets only then.
        space: What is tried.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    enabled: bool = False
    trials: int = 20
    algorithm: Literal["random", "bayesian"] = "random"
    seed: int = 42
    epochs: int | None = None
    patience: int | None = None
    min_epochs: int | None = None
    delta_weight: float = 1.0
    space: SpaceConfig = dataclasses.field(default_factory=SpaceConfig)

    def __post_init__(self) -> None:
        for name in ("trials", "epochs", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                msg = f"`tuner.{name}` must be at least 1. Received: {value}."
                raise ValueError(msg)
        if self.min_epochs is not None and self.min_epochs < 0:
            msg = f"`tuner.min_epochs` must be 0 or more. Received: {self.min_epochs}."
            raise ValueError(msg)
        if not 0 <= self.seed < 2**31:
            msg = f"`tuner.seed` must be in [0, 2**31). Received: {self.seed}."
            raise ValueError(msg)
        if not 0.0 <= self.delta_weight < math.inf:
            msg = f"`tuner.delta_weight` must be 0 or more and finite. Received: {self.delta_weight}."
            raise ValueError(msg)

    def training_of_trials(self, training: TrainingConfig) -> TrainingConfig:
        """The settings of training, with the epochs and the patience of a trial."""
        return dataclasses.replace(
            training,
            epochs=self.epochs or training.epochs,
            patience=self.patience or training.patience,
            min_epochs=training.min_epochs if self.min_epochs is None else self.min_epochs,
        )


def check_tuner(
    tuner: TunerConfig, model: ModelConfig, training: TrainingConfig, *, both_groups: bool, rule: str
) -> None:
    """Checks an enabled search against the settings that it changes.

    Args:
        tuner: The search.
        model: The network.
        training: How it is fitted.
        both_groups: Whether validation holds disliked targets too.
        rule: By which the model is exported; a value without a negative encoder may be chosen.

    Raises:
        ValueError: The objective has no target to measure, or a value of the space cannot be used.
    """
    if tuner.delta_weight > 0 and not both_groups:
        msg = (
            f"`tuner.delta_weight` ({tuner.delta_weight:g}) weighs how disliked targets rank, and validation has none: "
            "set `feedback.validation_targets: both`, or `tuner.delta_weight: 0` to tune for NDCG_p alone."
        )
        raise ValueError(msg)
    spaces = tuner.space.of_variant(model.variant)
    if not spaces:
        msg = f"`tuner.space` holds nothing that {model.variant} has: tune at least one of {', '.join(SECTIONS)}."
        raise ValueError(msg)
    for name, space in spaces.items():
        section: Any = {"model": model, "training": training}[SECTIONS[name]]
        for value in space.values or (space.min, space.max):
            # A doubling goes from the lower end, and may not meet the upper one.
            if name == "dim" and space.log and value == space.max:
                continue
            try:
                changed = dataclasses.replace(section, **{name: value})
                if name == "alpha":
                    check_rule(rule, changed.variant, changed.alpha)
            except ValueError as error:
                msg = f"`tuner.space.{name}` holds {value!r}: {error}"
                raise ValueError(msg) from error


def tuner_from_dict(values: dict[str, Any]) -> TunerConfig:
    """The settings that `dataclasses.asdict` took apart."""
    spaces: dict[str, Any] = {
        name: None if space is None else (WidthSpace if name == "dim" else NumberSpace)(**space)
        for name, space in values["space"].items()
    }
    return TunerConfig(**{**values, "space": SpaceConfig(**spaces)})
