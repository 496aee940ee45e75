"""What is seen of the rows in passing, shard by shard, and how it comes together."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping

from components.feedback.drift.seen import DaySeen, merge_days
from components.feedback.spans.seen import FileSeen, merge_files

# Names of counts; those that have a limit are named like it. Those of targets carry the name of their split.
ROWS = "rows"
TIED, BY_FILE, REPEATED, CONTRARY = "tied_rows", "rows_by_file", "repeated_rows", "contradictions"
EARLY, LATE = "early_rows", "late_rows"
DATE_FORM = "date_form_"
TRAINED, COPIED, LATER = "trained_", "copied_", "later_"
USERS_LIKE, USERS_DISLIKE, USERS = "users_like_only", "users_dislike_only", "users"
USER_FORMS, ITEM_FORMS, FORMS_LEFT_OUT = "user_forms", "item_forms", "forms_left_out"
NO_USER, NO_ITEM = "missing_users", "missing_items"
# Most ids that are kept of a shard for not being in their plainest form.
MOST_FORMS = 1000


@dataclasses.dataclass(frozen=True)
class Observed:
    """What was seen.

    Attributes:
        counts: How many rows, targets, users or items, by name.
        first: The earliest timestamp; None where there is no row.
        last: The latest.
        examples: One of what is counted, in words, by the same name.
        months: Rows that are positive and negative by months since 1970.
        forms: Ids of users that are not in their plainest form, by that form.
        days: What was seen of the newest days.
        files: What was seen of the times in files of spans, by path.
    """

    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    examples: Mapping[str, str] = dataclasses.field(default_factory=dict)
    months: Mapping[int, tuple[int, int]] = dataclasses.field(default_factory=dict)
    forms: Mapping[str, str] = dataclasses.field(default_factory=dict)
    days: Mapping[int, DaySeen] = dataclasses.field(default_factory=dict)
    files: Mapping[str, FileSeen] = dataclasses.field(default_factory=dict)


def merge(parts: Iterable[Observed]) -> Observed:
    """All parts together; the same whatever their order."""
    counts: Counter[str] = Counter()
    months: dict[int, tuple[int, int]] = {}
    examples: dict[str, str] = {}
    forms: dict[str, str] = {}
    clashes: Counter[str] = Counter()
    firsts, lasts = [], []
    days, files = [], []
    for part in parts:
        files.append(part.files)
        days.append(part.days)
        counts.update(part.counts)
        firsts += [] if part.first is None else [part.first]
        lasts += [] if part.last is None else [part.last]
        for month, (positive, negative) in part.months.items():
            before = months.get(month, (0, 0))
            months[month] = before[0] + positive, before[1] + negative
        _keep_least(examples, part.examples)
        for form, name in part.forms.items():
            if forms.setdefault(form, name) != name:
                clashes[USER_FORMS] += 1
                _keep_least(examples, {USER_FORMS: pair_of(forms[form], name)})
    first, last = min(firsts, default=None), max(lasts, default=None)
    return Observed(counts + clashes, first, last, examples, months, forms, merge_days(days), merge_files(files))


def pair_of(one: str, other: str) -> str:
    """Two ids that seem to mean the same."""
    return " and ".join(sorted((repr(one), repr(other))))


def _keep_least(examples: dict[str, str], more: Mapping[str, str]) -> None:
    """Of two examples of one name the one that comes first, whatever the order of the parts."""
    for name, text in more.items():
        examples[name] = min(examples.get(name, text), text)
