"""Beyond which share something odd about the feedback becomes a warning."""

import dataclasses
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class LimitsConfig:
    """Beyond which share of the rows, targets, users or items a finding about the feedback becomes a warning.

    Attributes:
        trained_targets: Of the targets of a split, those that were trained on for the very same user.
        later_training: Of the targets of a split, those that have later training rows of the same user.
        early_rows: Of the rows after the filters, those of before 1990.
        late_rows: Of the rows after the filters, those of after tomorrow.
        mixed_zones: Of the dates, those that name their zone, or do not, whichever are fewer.
        repeated_rows: Of all rows, those that repeat another one exactly.
        unusable_rows: Of all rows, those that cannot be used and are dropped (`feedback.bad_rows: drop`).
        contradictions: Of all rows, those with the user, the item and the time of another one, and another value.
        tied_rows: Of all rows, those with the user and the time of another one.
        rows_by_file: Of all rows, those whose order only the file decides, exact repeats apart.
        random_copies: Of the rows of `feedback.random_files`, those with user, item and time of one of the other log.
        event_copies: Of the rows of an event, those with the user, item and time of a row of one other event.
        idle_cancels: Of the rows of an event that takes others back, those that have nothing to take back.
        rows_of_other_days: Of the rows of a file whose name gives its day, those of another day.
        spans_order: Of the numbered spans but the first, those that are older than the span before.
        polarity_of_splits: The largest difference of the share of positive rows between two splits.
        polarity_of_months: The largest difference of the share of positive rows between a month and all.
        users_of_one_polarity: Of the users in training, those that like everything or dislike everything.
        items_of_one_polarity: Of the items in training, those that are liked by all or by nobody.
        id_forms: Of the users, and of the items, those whose id differs from another only in how it is written.
        missing_ids: Of all rows, those whose user, and those whose item, is a word for no value, such as nan or null.
        items_without_title: Of the items in training, those without a title, where there is a table of titles.
        titles_dropped: Of the rows of the table of titles, those that cannot be read.
        titles_undecoded: Of the items of that table, those with a title or group that is no text in its encoding.
        titles_several: Of the items of that table, those with several titles or groups, of which the first counts.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    trained_targets: float = 0.01
    later_training: float = 0.0
    early_rows: float = 0.0
    late_rows: float = 0.0
    mixed_zones: float = 0.0
    repeated_rows: float = 0.01
    unusable_rows: float = 0.05
    contradictions: float = 0.01
    tied_rows: float = 0.5
    rows_by_file: float = 0.5
    random_copies: float = 0.01
    event_copies: float = 0.2
    idle_cancels: float = 0.3
    rows_of_other_days: float = 0.2
    spans_order: float = 0.0
    polarity_of_splits: float = 0.2
    polarity_of_months: float = 0.3
    users_of_one_polarity: float = 0.5
    items_of_one_polarity: float = 0.8
    id_forms: float = 0.0
    missing_ids: float = 0.0
    items_without_title: float = 0.5
    titles_dropped: float = 0.0
    titles_undecoded: float = 0.0
    titles_several: float = 0.01

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not 0.0 <= (limit := getattr(self, field.name)) <= 1.0:
                msg = f"`feedback.limits.{field.name}` must be a share from 0 to 1. Received: {limit}."
                raise ValueError(msg)
