"""What was shown at random (`feedback.random_files`): targets of a set of their own, and of nothing else.

A service shows what its own model chose, so that what users say is about that choice. Rows of items that were shown at
random are free of it. They are in no training, no count and no filter. Those from the time of the split on, of users
and items that training knows, are targets; their histories are what the user did before, in either log.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from components.feedback.config import FeedbackConfig
from components.feedback.reading.columns import Columns, join
from components.feedback.rules.caps import first_of_users
from components.feedback.rules.filters import Known, places_in
from components.feedback.rules.splits import VALIDATION, Splits
from components.feedback.rules.table import UserTable, make_table, once_a_pair
from components.feedback.rules.targets import Targets, in_examples, is_last, seen_before
from pnfrec_columns.arrays import Floats, Mask

# Why a row that was shown at random is in no example, in the order of the rules, beside what cannot be read.
REASONS: dict[str, str] = {
    "before_split": "before the time of the split, so that nothing may be judged by it",
    "unknown_user": "user not in training",
    "few_positives": "user with too few positive training rows (min_positives)",
    "validation_user": "user whose held-out rows validate, so that the model was chosen by them",
    "unknown_item": "item not in training",
    "duplicate": "another row of the user and item stays (duplicates)",
    "few_heldout_positives": "user with too few positive rows here (min_heldout_positives)",
    "capped": "user with too many (caps.history, caps.targets)",
}


@dataclasses.dataclass(frozen=True)
class Judges:
    """What is known of the users and items of a shard's table when its examples are written.

    Attributes:
        table: The rows that may be in an example.
        known: Which of them training knows, and which are of training.
        splits: Of each row.
        positive: Which of them are positive.
        thresholds: From which value on a row of each user is positive, (users,).
        time: Of the split.
        catalogue: The items that training knows, most popular first.
    """

    table: UserTable
    known: Known
    splits: Splits
    positive: Mask
    thresholds: Floats
    time: int | None
    catalogue: pa.Array


@dataclasses.dataclass(frozen=True)
class AtRandom:
    """The examples of a shard that ask for what was shown at random.

    Attributes:
        table: The rows of both logs.
        positive: Which of them are positive.
        known: Of that table; only its `popularity` says something.
        targets: Which rows the examples ask for.
        counts: What became of the rows of the log, by name.
    """

    table: UserTable
    positive: Mask
    known: Known
    targets: Targets
    counts: dict[str, int]


def judge_random(rows: Columns, judges: Judges, config: FeedbackConfig) -> AtRandom:
    """Chooses the targets.

    Args:
        rows: What was shown at random, by user, time and order of the input.
        judges: What training knows.
        config: The rules: of targets, of repeated pairs, and the caps.
    """
    counts: dict[str, int] = {}
    rows = _known_rows(rows, judges, config, counts)
    both, is_random, known = _merge(rows, judges)
    if config.duplicates != "all":
        # As for other held-out rows: "first" looks at all that came before, "last" at this side of the cut.
        among = known | is_random if config.duplicates == "first" else is_random
        repeated = is_random & ~once_a_pair(both, config.duplicates, among=among)
        counts["duplicate"] = int(np.count_nonzero(repeated))
        both, is_random, known = both.take(~repeated), is_random[~repeated], known[~repeated]
    table = make_table(both, "all")
    positive: Mask = table.value >= judges.thresholds[table.user]
    heldout_positives = np.bincount(table.user[is_random & positive], minlength=len(table.users))
    eligible = is_random & (heldout_positives >= config.min_heldout_positives)[table.user]
    counts["few_heldout_positives"] = int(np.count_nonzero(is_random & ~eligible))
    places = np.flatnonzero(eligible)
    places = places[is_last(table.user[places])] if config.targets == "last" else places
    if config.targets == "successive":
        places = places[first_of_users(table.user[places], config.caps.targets)]
    targets = Targets(places, known | eligible, config.caps.history)
    used = in_examples(table, places, targets.history, config.caps.history) & eligible
    counts["capped"] = int(np.count_nonzero(eligible & ~used))
    counts = {f"dropped_{reason}": number for reason, number in counts.items()}
    counts["kept_positive"] = int(np.count_nonzero(used & positive))
    counts["kept_negative"] = int(np.count_nonzero(used & ~positive))
    counts["examples_positive"] = int(np.count_nonzero(positive[places]))
    counts["examples_negative"] = len(places) - counts["examples_positive"]
    counts["seen_targets"] = seen_before(table, targets)
    of_items = dataclasses.replace(judges.known, popularity=places_in(table.items, judges.catalogue))
    return AtRandom(table, positive, of_items, targets, counts)


def _known_rows(rows: Columns, judges: Judges, config: FeedbackConfig, counts: dict[str, int]) -> Columns:
    """The rows that may be targets; adds to `counts` why others are not."""
    table, train, users = judges.table, judges.known.train, len(judges.table.users)

    def of_users(mask: Mask, least: int) -> Mask:
        return np.bincount(table.user[mask], minlength=users) >= least

    user = places_in(rows.users, table.users)[rows.user]

    def is_user(having: Mask) -> Mask:
        # What is unknown, at -1, is none.
        return np.asarray(np.append(having, False)[user])

    validates = judges.known.known & (judges.splits == VALIDATION)
    masks = {
        "before_split": np.zeros(len(rows), bool) if judges.time is None else rows.time < judges.time,
        "unknown_user": ~is_user(of_users(train, 1)),
        "few_positives": ~is_user(of_users(train & judges.positive, config.min_positives)),
        "validation_user": is_user(of_users(validates, 1)),
        "unknown_item": places_in(rows.items, judges.catalogue)[rows.item] < 0,
    }
    left = np.ones(len(rows), bool)
    for reason, mask in masks.items():
        counts[reason] = int(np.count_nonzero(left & mask))
        left &= ~mask
    return rows.take(left).compact()


def _merge(rows: Columns, judges: Judges) -> tuple[Columns, Mask, Mask]:
    """The rows of both logs by user and time, where those of the other log come first at one time.

    Returns:
        The rows; which were shown at random; and which of the others may stand in a history.
    """
    names = [field.name for field in dataclasses.fields(Columns) if field.name not in ("split", "event")]
    parts = [Columns(**{name: getattr(part, name) for name in names}, split=None) for part in (judges.table, rows)]
    both = join(parts)
    is_random = np.repeat([False, True], [len(part) for part in parts])
    known = np.append(judges.known.known, np.zeros(len(rows), bool))
    order = np.lexsort((is_random, both.time, both.user))
    return both.take(order), is_random[order], known[order]
