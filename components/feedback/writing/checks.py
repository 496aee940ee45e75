"""What stops a run that has nothing to train on, and what to do about it."""

from collections.abc import Mapping

from components.feedback.config import FeedbackConfig
from components.feedback.rules.boundary import positive_rule
from components.feedback.writing.account import DROPPED, ROWS_READ, UNUSABLE, examples, losses
from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError


def check_training_rows(counts: Mapping[str, int], config: FeedbackConfig, time: str | None) -> None:
    """Raises a FeedbackError if no row is left to train on after the k-core filter and the split."""
    if counts.get("rows_training", 0):
        return
    unusable = sum(counts.get(DROPPED + reason, 0) for reason in UNUSABLE)
    if unusable and unusable == counts.get(ROWS_READ, 0):
        msg = (
            f"No row can be used: {losses(counts)}. Set `feedback.bad_rows: error` to see the first of them, then "
            "correct the input, `feedback.columns`, `feedback.names` or `feedback.delimiter`."
        )
        raise FeedbackError(msg)
    if not counts.get("rows_filtered", 0):
        msg = (
            f"No row is left after the filters: {losses(counts)}. Lower `feedback.min_item_users` (now "
            f"{config.min_item_users}) or `feedback.min_user_items` (now {config.min_user_items}), or give more data."
        )
        raise FeedbackError(msg)
    remedy = config.split_rule.remedy(time)
    msg = f"No training row is left by the split: of {counts['rows_filtered']:,} rows after the filters, {remedy}."
    raise FeedbackError(msg)


def check_train_examples(counts: Mapping[str, int], config: FeedbackConfig, threshold: float | None) -> None:
    """Raises a FeedbackError if no user has enough positive training rows."""
    if counts.get(examples(schema.TRAIN_SPLIT), 0):
        return
    msg = (
        f"No user is left to train on: of {counts['users_training']:,} users with {counts['rows_training']:,} training "
        f"rows, none has the {config.min_positives} positive ones that `feedback.min_positives` asks for (positive: "
        f"{positive_rule(config.positive, threshold)}). {losses(counts)}. Lower `feedback.min_positives`, or change "
        f"`feedback.positive`."
    )
    raise FeedbackError(msg)
