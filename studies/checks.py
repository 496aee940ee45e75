"""Whether an arm of a study can do what the study asks of it, before anything is trained."""

from pipeline.config import PipelineConfig
from pnfrec_keras.config import check_recency, check_rule
from studies.inference_rule import InferenceRule


def check_inference(rule: InferenceRule, config: PipelineConfig) -> None:
    """Raises a ValueError, in the words of a study, where an arm cannot rank by its rule."""
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
