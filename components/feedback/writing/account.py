"""What became of each row: the names of the counts, how they are summed, and the reasons why rows are lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pnfrec_columns.units import TICKS_A_DAY
from pnfrec_core.errors import FeedbackError

# Namespace of the Beam counters. Their names are those of the flat counts.
NAMESPACE = "pnfrec.feedback"

ROWS_READ = "rows_read"
DROPPED = "dropped_"
# Why a row is in no example, in the order in which the rules look at it.
REASONS: dict[str, str] = {
    "wrong_fields": "wrong number of fields",
    "bad_user": "user id empty or not UTF-8",
    "bad_item": "item id empty or not UTF-8",
    "bad_timestamp": "timestamp neither a plausible number nor a date",
    "bad_value": "value not a finite number",
    "bad_polarity": "polarity neither positive nor negative",
    "bad_split": "split neither train, validation nor test",
    "unnamed": "of a kind that no event names (events, where)",
    "ignored": "of a kind that is ignored (events, where)",
    "no_opinion": "neither liked nor disliked, by the bounds of its event (events)",
    "takes_back": "no interaction, but takes others back (events)",
    "taken_back": "taken back by a later event (events)",
    "duplicate": "another row of the user and item stays (duplicates)",
    "rare_item": "item with too few users (min_item_users)",
    "rare_user": "user with too few items (min_user_items)",
    "gap": "just before the held-out rows (gap)",
    "unknown_user": "held out, user not in training",
    "unknown_item": "held out, item not in training",
    "few_positives": "user with too few positive training rows (min_positives)",
    "few_heldout_positives": "user with too few positive held-out rows (min_heldout_positives)",
    "capped": "user with too many (caps.history, caps.targets)",
    "no_positive_target": "validation, no positive target at or after the row",
}
# Those of a row that cannot be read, whatever the rules.
UNUSABLE = ("wrong_fields", "bad_user", "bad_item", "bad_timestamp", "bad_value", "bad_polarity", "bad_split")
POLARITIES = ("positive", "negative")


def kept(split: str, polarity: str) -> str:
    return f"kept_{split}_{polarity}"


def examples(split: str, polarity: str = "") -> str:
    return f"examples_{split}_{polarity}" if polarity else f"examples_{split}"


def at_random(name: str) -> str:
    """The count of that name, of what was shown at random."""
    return f"random_{name}"


def of_kind(reason: str, kind: str) -> str:
    """The count of the rows of a kind that are left out for one of `unnamed` and `ignored`."""
    return f"kind_{reason}_{kind}"


def kinds(counts: Mapping[str, int], reason: str) -> dict[str, int]:
    """These counts by kind, the most frequent first."""
    prefix = of_kind(reason, "")
    found = {name.removeprefix(prefix): number for name, number in counts.items() if name.startswith(prefix)}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def matched(event: int) -> str:
    """The count of the rows that `where` of an event finds, by its place."""
    return f"event_matched_{event}"


def unit(name: str) -> str:
    return f"unit_{name}"


def zone(name: str) -> str:
    return f"dates_{name}"


def total(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    result: Counter[str] = Counter()
    for part in parts:
        result.update(part)
    return result


def timestamp_unit(counts: Mapping[str, int], find_other: Callable[[str], str | None] | None = None) -> str | None:
    """The unit of all timestamps.

    Args:
        counts: The flat counts.
        find_other: Names the first row in another unit than the one given.

    Raises:
        FeedbackError: They have several.
    """
    units = {name.removeprefix("unit_"): number for name, number in counts.items() if name.startswith("unit_")}
    if len(units) > 1:
        found = ", ".join(f"{number:,} in {name}" for name, number in sorted(units.items()))
        most = max(units, key=lambda name: (units[name], name))
        row = find_other(most) if find_other else None
        first = f" The first that is not in {most} is {row}." if row else ""
        msg = (
            f"The timestamps have several units: {found}.{first} Bring them to one, else rows cannot be put in order; "
            "remove the row if it is a mistake."
        )
        raise FeedbackError(msg)
    return next(iter(units), None)


def only_unit(counts: Mapping[str, int]) -> str | None:
    """The unit of the timestamps where there is one; several are an error that is raised once all are known."""
    units = [name.removeprefix("unit_") for name in counts if name.startswith("unit_")]
    return units[0] if len(units) == 1 else None


def ticks_a_day(unit: str | None) -> int:
    """Length of a day in a unit that `timestamp_unit` names."""
    return TICKS_A_DAY[unit] if unit else 0


def losses(counts: Mapping[str, int]) -> str:
    """How many rows were read, and why how many of them are lost, as a part of a sentence."""
    dropped = [
        f"{counts[DROPPED + name]:,} dropped: {text}" for name, text in REASONS.items() if counts.get(DROPPED + name)
    ]
    return f"{counts.get(ROWS_READ, 0):,} rows read; {'; '.join(dropped) or 'none dropped'}"
