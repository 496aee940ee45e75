"""Whether an arm of a study can do what the study asks of it, before anything is trained."""

import math
from collections.abc import Mapping

from pipeline.config import ConfigError, PipelineConfig
from pnfrec_keras.config import check_recency, check_rule
from studies.inference_rule import InferenceRule


def check_inference(rule: InferenceRule, config: PipelineConfig) -> None:
    """Raises a ValueError, in the words of a study, where an arm cannot rank by its rule."""
    for name, weights in (("gamma", rule.gamma), ("recency", [rule.recency]), ("delta_weight", [rule.delta_weight])):
        for weight in weights:
            # Below 0 it would raise what is disliked.
            if weight is not None and not 0.0 <= weight < math.inf:
                msg = f"`inference.{name}` must be 0 or more and finite. Received: {weight}."
                raise ValueError(msg)
    if rule.rule_name is None and any(rule.gamma):
        msg = (
            f"`inference.gamma` {rule.gamma} is the weight of a rule, and none is named, so that it would do nothing: "
            "set `inference.rule`, or leave gamma out."
        )
        raise ValueError(msg)
    try:
        if rule.rule_name is not None:
            check_rule(rule.rule_name, config.model.variant, config.model.alpha)
        check_recency(rule.recency, config.model.trend_days)
    except ValueError as error:
        # They name the keys of a configuration.
        raise ValueError(str(error).replace("`export.", "`inference.")) from error
    if rule.recency and not config.feedback.recent_days:
        msg = "`inference.recency` weighs the likes of the last days: set `feedback.recent_days` above 0."
        raise ValueError(msg)
    if len(rule.gamma) > 1 and config.feedback.validation_targets != "both":
        msg = "To choose from several `inference.gamma`, set `feedback.validation_targets: both`."
        raise ValueError(msg)


def check_baseline(rule: InferenceRule) -> None:
    """Raises a ValueError where a baseline is to rank by a rule, which it never asks."""
    if rule.rule_name is not None or any(rule.gamma) or rule.recency:
        msg = (
            "A baseline ranks by itself, so that `rule`, `gamma` and `recency` of its `inference` would do nothing: "
            "leave them out."
        )
        raise ValueError(msg)


def check_later(config: PipelineConfig) -> None:
    """Raises a ValueError where the examples do not tell what came in the days after the first held-out row."""
    feedback = config.feedback
    for name, wanted in (("targets", "successive"), ("validation_targets", "both")):
        if (received := getattr(feedback, name)) != wanted:
            msg = (
                f"`later_days` looks at every held-out row of a user: set `feedback.{name}: {wanted}`. Received: "
                f"{received}."
            )
            raise ValueError(msg)
    if feedback.time_unit == "order":
        msg = "`later_days` needs moments, and with `feedback.time_unit: order` the timestamps are none. Leave it out."
        raise ValueError(msg)


def check_lists(lengths: Mapping[str, int]) -> None:
    """Raises a ConfigError where arms make lists of several lengths: one table has the measures of all.

    Args:
        lengths: Name of each arm to its `training.k`.
    """
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{k} ({arm!r})" for arm, k in lengths.items())
        msg = f"`training.k` is the length of the lists that a study measures, one for all its arms. Received: {said}."
        raise ConfigError(msg)
