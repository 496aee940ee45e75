"""What stops a run that has nothing to train on, and what to do about it."""

from collections.abc import Container, Mapping

from components.feedback.config import FeedbackConfig
from components.feedback.rules.boundary import positive_rule
from components.feedback.writing.account import DROPPED, ROWS_READ, UNUSABLE, examples, kinds, losses, matched
from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError

# So many kinds are named.
_NAMED = 5


def shown_kinds(found: Mapping[str, int]) -> str:
    """Kinds of rows with their numbers, as a part of a sentence."""
    some = [f"{kind!r} ({number:,})" for kind, number in list(found.items())[:_NAMED]]
    return ", ".join([*some, *([f"and {len(found) - _NAMED:,} more"] if len(found) > _NAMED else [])])


def not_found(config: FeedbackConfig, counts: Mapping[str, int], place: int) -> str:
    """Says that no row is of an event, if that is so by its `where`; else ""."""
    event = config.events[place]
    if not event.where or event.ignored or counts.get(matched(place), 0):
        return ""
    found = kinds(counts, "unnamed")
    others = f" What no event names is {shown_kinds(found)}." if found else ""
    return (
        f"`feedback.events`, {event.name!r}: in no row is the column {event.where_column!r} "
        f"{' or '.join(map(repr, event.kinds))}.{others}"
    )


def check_events_found(counts: Mapping[str, int], config: FeedbackConfig, read: Container[int | None]) -> None:
    """Raises a FeedbackError if no row is of an event that says what is liked or disliked.

    Args:
        counts: The flat counts.
        config: The events.
        read: The places of those that have files.
    """
    for place, event in enumerate(config.events):
        if place in read and not event.cancels and (problem := not_found(config, counts, place)):
            msg = f"{problem} Correct its `where` or its `files`, or leave the event out."
            raise FeedbackError(msg)


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
    rule = "what the events say" if config.events else positive_rule(config.positive, threshold)
    key = "the rules of `feedback.events`" if config.events else "`feedback.positive`"
    msg = (
        f"No user is left to train on: of {counts['users_training']:,} users with {counts['rows_training']:,} training "
        f"rows, none has the {config.min_positives} positive ones that `feedback.min_positives` asks for (positive: "
        f"{rule}). {losses(counts)}. Lower `feedback.min_positives`, or change {key}."
    )
    raise FeedbackError(msg)
