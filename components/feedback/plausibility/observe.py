"""What the steps on a shard see in passing. Each look is a few operations on whole columns."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.feedback.plausibility import observed
from components.feedback.plausibility.forms import clashing, other_forms
from components.feedback.plausibility.observed import Observed, pair_of
from components.feedback.plausibility.rows import beside_equal, row_examples, row_text
from components.feedback.rules.table import UserTable
from components.feedback.rules.targets import Selection
from pnfrec_columns.dates import date_form
from pnfrec_columns.ids import say_nothing
from pnfrec_columns.units import DAY, ORDER, TICKS_A_DAY, YEAR_1990, Ints, Mask, in_ticks
from pnfrec_core import schema


def observe_rows(table: UserTable) -> Observed:
    """Of every row that was read: the span of the times, ties, repeats, and ids that are none or not in plain form."""
    if not len(table):
        return Observed()
    forms = other_forms(table.users, observed.MOST_FORMS)
    tied = beside_equal(table.user, table.time)
    repeated, contrary = np.zeros(len(table), bool), np.zeros(len(table), bool)
    beside = pd.DataFrame({name: getattr(table, name)[tied] for name in ("user", "time", "item", "value")})
    repeated[tied] = beside.duplicated().to_numpy()
    contrary[tied] = beside.duplicated(["user", "time", "item"]).to_numpy() & ~repeated[tied]
    apart = ~repeated
    by_file = beside_equal(table.user[apart], table.time[apart])
    nothing = {
        observed.NO_USER: say_nothing(table.users)[table.user],
        observed.NO_ITEM: say_nothing(table.items)[table.item],
    }
    counts = {
        observed.ROWS: len(table),
        observed.TIED: int(np.count_nonzero(tied)),
        observed.REPEATED: int(np.count_nonzero(repeated)),
        observed.CONTRARY: int(np.count_nonzero(contrary)),
        observed.BY_FILE: int(np.count_nonzero(by_file)),
        observed.FORMS_LEFT_OUT: forms.left_out,
        observed.USER_FORMS: forms.clashes,
        **{name: int(np.count_nonzero(mask)) for name, mask in nothing.items()},
    }
    if form := date_form(table.time):
        counts[observed.DATE_FORM + form] = len(table)
    odd = {observed.TIED: tied, observed.REPEATED: repeated, observed.CONTRARY: contrary, **nothing}
    examples = row_examples(table, odd, None)
    if forms.pair:
        examples[observed.USER_FORMS] = pair_of(*forms.pair)
    return Observed(counts, int(table.time.min()), int(table.time.max()), examples, forms=forms.of_form)


def observe_items(ids: pa.Array) -> Observed:
    """Of all items that were read: ids that seem to mean the same."""
    count, pair = clashing(ids)
    return Observed({observed.ITEM_FORMS: count}, examples={observed.ITEM_FORMS: pair_of(*pair)} if pair else {})


def observe_times(table: UserTable, unit: str | None, now: int, user_forms: Mapping[str, str]) -> Observed:
    """Of the rows after the filters: times that cannot be, and users whose id is the plainest form of another's."""
    counts, examples = {}, {}
    if unit is not None and unit != ORDER:
        early = table.time < in_ticks(YEAR_1990, unit)
        late = table.time >= in_ticks(now + DAY, unit)
        counts = {observed.EARLY: int(np.count_nonzero(early)), observed.LATE: int(np.count_nonzero(late))}
        examples = row_examples(table, {observed.EARLY: early, observed.LATE: late}, unit)
    if user_forms:
        plain = pa.array(sorted(user_forms), pa.string())
        same = table.users.filter(pc.is_in(table.users, value_set=plain)).to_pylist()
        counts[observed.USER_FORMS] = len(same)
        if same:
            examples[observed.USER_FORMS] = pair_of(same[0], user_forms[same[0]])
    return Observed(counts, examples=examples)


def observe_examples(table: UserTable, positive: Mask, chosen: Selection, unit: str | None) -> Observed:
    """Of the rows that examples are made of: targets that training gives away, and how likes and dislikes spread."""
    users = len(table.users)
    likes = np.bincount(table.user[chosen.train & positive], minlength=users)
    dislikes = np.bincount(table.user[chosen.train & ~positive], minlength=users)
    counts = {
        observed.USERS: int(np.count_nonzero(likes + dislikes)),
        observed.USERS_LIKE: int(np.count_nonzero((likes > 0) & (dislikes == 0))),
        observed.USERS_DISLIKE: int(np.count_nonzero((likes == 0) & (dislikes > 0))),
    }
    examples: dict[str, str] = {}
    last_training = np.full(users, np.iinfo(np.int64).min)
    # Rows stand in the order of time, so that a user's last one is written last.
    last_training[table.user[chosen.train]] = table.time[chosen.train]
    pairs = table.user.astype(np.int64) * max(len(table.items), 1) + table.item
    trained_pairs, last_times = _last_times(pairs[chosen.train], table.time[chosen.train])
    for split, targets in chosen.targets.items():
        name = schema.SPLITS[split]
        trained, places_of_pairs = _among(pairs[targets.rows], trained_pairs)
        found = {
            observed.TRAINED + name: trained,
            observed.COPIED + name: trained & (last_times[places_of_pairs] >= table.time[targets.rows]),
            observed.LATER + name: last_training[table.user[targets.rows]] > table.time[targets.rows],
        }
        counts |= {key: int(np.count_nonzero(mask)) for key, mask in found.items()}
        rows = {key: targets.rows[mask] for key, mask in found.items()}
        examples |= {key: row_text(table, int(places[0]), unit) for key, places in rows.items() if len(places)}
    return Observed(counts, examples=examples, months=_months(table, positive, chosen.used, unit))


def _months(table: UserTable, positive: Mask, used: Mask, unit: str | None) -> dict[int, tuple[int, int]]:
    """Positive and negative rows by months since 1970."""
    if unit is None or unit == ORDER or not used.any():
        return {}
    days = (table.time[used] // TICKS_A_DAY[unit]).astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64)
    first = int(months.min())
    liked = np.bincount(months[positive[used]] - first, minlength=1)
    total = np.bincount(months - first)
    liked = np.append(liked, np.zeros(len(total) - len(liked), np.int64))
    return {
        first + place: (int(liked[place]), int(total[place] - liked[place])) for place in np.flatnonzero(total).tolist()
    }


def _last_times(keys: Ints, times: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, sorted, and the time of the last row of each; at least one of both."""
    if not len(keys):
        return np.array([-1]), np.array([0])
    distinct, places = np.unique(keys[::-1], return_index=True)
    return distinct, times[::-1][places]


def _among(keys: Ints, known: Ints) -> tuple[Mask, Ints]:
    """Which keys are among the known ones, which are sorted, and where."""
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return known[places] == keys, places
