"""What is said of users and items: how likes and dislikes spread over them, how their ids are written, their titles."""

from collections.abc import Iterator, Mapping

import numpy as np

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility import observed
from components.feedback.plausibility.catalogue import Catalogue
from components.feedback.plausibility.finding import Finding, example
from components.feedback.plausibility.observed import Observed
from components.feedback.writing import account
from pnfrec_core import schema

# Months with a smaller share of the rows are too few to say anything.
_LEAST_MONTH = 0.01


def find_in_polarities(
    counts: Mapping[str, int], seen: Observed, catalogue: Catalogue, config: FeedbackConfig
) -> Iterator[Finding]:
    """How likes and dislikes spread over splits, months, users and items."""
    shares = {}
    # The rows of validation may have been chosen for being positive.
    for split in (schema.TRAIN_SPLIT, schema.TEST_SPLIT):
        liked, disliked = (counts.get(account.kept(split, name), 0) for name in account.POLARITIES)
        if liked + disliked:
            shares[split] = liked / (liked + disliked)
    if shares:
        spread = max(shares.values()) - min(shares.values())
        told = ", ".join(f"{share:.0%} in {split}" for split, share in shares.items())
        yield Finding(
            "polarity_of_splits",
            spread,
            1.0,
            config.limits.polarity_of_splits,
            f"The share of positive rows is {told}.",
            "Perhaps the rule of `feedback.positive` fits one time only.",
        )
    yield from _months(seen, config)
    users = seen.counts.get(observed.USERS, 0)
    like, dislike = (seen.counts.get(name, 0) for name in (observed.USERS_LIKE, observed.USERS_DISLIKE))
    yield Finding(
        "users_of_one_polarity",
        like + dislike,
        users,
        config.limits.users_of_one_polarity,
        f"{like + dislike:,} of {users:,} users in training stand in one polarity only: {like:,} like everything, "
        f"{dislike:,} dislike everything.",
        "Nothing can be learned from how they differ; `feedback.positive: user_median` parts each user's own values.",
    )
    total = np.asarray(catalogue.counts)
    liked_rows = np.array([catalogue.liked.get(item, 0) for item in catalogue.ids.to_pylist()], np.int64)
    only_liked, only_disliked = int(np.sum(liked_rows == total)), int(np.sum(liked_rows == 0))
    yield Finding(
        "items_of_one_polarity",
        only_liked + only_disliked,
        len(total),
        config.limits.items_of_one_polarity,
        f"{only_liked + only_disliked:,} of {len(total):,} items in training stand in one polarity only: "
        f"{only_liked:,} are liked by all, {only_disliked:,} by nobody.",
        "Raise `feedback.min_item_users`, or look at `feedback.positive`.",
    )


def _months(seen: Observed, config: FeedbackConfig) -> Iterator[Finding]:
    """How far the share of positive rows of a month lies from that of all."""
    totals = {month: sum(rows) for month, rows in seen.months.items()}
    everything = sum(totals.values())
    if not everything:
        return
    overall = sum(positive for positive, _ in seen.months.values()) / everything
    of_month = {
        month: seen.months[month][0] / total for month, total in totals.items() if total >= _LEAST_MONTH * everything
    }
    farthest = max(sorted(of_month), key=lambda month: abs(of_month[month] - overall), default=None)
    if farthest is None:
        return
    date = str(np.datetime64(farthest, "M"))
    yield Finding(
        "polarity_of_months",
        abs(of_month[farthest] - overall),
        1.0,
        config.limits.polarity_of_months,
        f"The share of positive rows is {overall:.0%} in all and {of_month[farthest]:.0%} in {date}, the month that "
        f"differs most ({totals[farthest]:,} rows).",
        "Perhaps the values changed their scale or their meaning then.",
    )


def find_in_ids(seen: Observed, catalogue: Catalogue, config: FeedbackConfig) -> Iterator[Finding]:
    """Ids that seem to mean the same, or nothing."""
    for name, kind, total in (
        (observed.USER_FORMS, "users", seen.counts.get(observed.USERS, 0)),
        (observed.ITEM_FORMS, "items", len(catalogue.ids)),
    ):
        number = seen.counts.get(name, 0)
        left_out = seen.counts.get(observed.FORMS_LEFT_OUT, 0) if name == observed.USER_FORMS else 0
        more = f" {left_out:,} ids that are not in their plainest form were not compared." if left_out else ""
        yield Finding(
            name,
            number,
            max(total, number),
            config.limits.id_forms,
            f"{number:,} {kind} have an id that differs from another one only by case, blanks, signs that nobody sees, "
            f"quotes, zeros in front or Unicode form{example(seen, name)}.{more}",
            "If they are the same, write them in one way before they come here: to a model they are different.",
        )
    rows = seen.counts.get(observed.ROWS, 0)
    for name, kind in ((observed.NO_USER, "user"), (observed.NO_ITEM, "item")):
        number = seen.counts.get(name, 0)
        yield Finding(
            name,
            number,
            rows,
            config.limits.missing_ids,
            f"{number:,} of {rows:,} rows have a word for no value as the id of their {kind}{example(seen, name)}.",
            f"To a model all of them are one {kind}: leave such rows out, or leave the field empty and set "
            "`feedback.bad_rows: drop`.",
        )


def find_in_titles(catalogue: Catalogue, config: FeedbackConfig) -> Iterator[Finding]:
    """Titles that match no item."""
    titles = catalogue.titles
    if config.titles is None:
        return
    items = catalogue.ids.to_pylist()
    without = [item for item in items if item not in titles.of_item]
    known = set(items)
    other = next((item for item in titles.of_item if item not in known), None)
    of_file = f"; the file has {other!r}" if other is not None else ""
    first = f" (without one is {without[0]!r}{of_file})" if without else ""
    yield Finding(
        "items_without_title",
        len(without),
        len(items),
        config.limits.items_without_title,
        f"{len(items) - len(without):,} of {len(items):,} items have a title{first}.",
        "Write the ids in `feedback.titles.file` as they are in `feedback.files`.",
    )
    yield Finding(
        "titles_dropped",
        titles.dropped,
        titles.rows,
        config.limits.titles_dropped,
        f"{titles.dropped:,} of {titles.rows:,} rows of `feedback.titles.file` have a wrong number of fields and were "
        "left out.",
        "Correct them, or set `feedback.titles.quotes` if quotes are written behind backslashes.",
    )
    listed = len({*titles.of_item, *titles.group_of})
    item, text = next(iter(titles.undecoded.items()), ("", ""))
    yield Finding(
        "titles_undecoded",
        len(titles.undecoded),
        listed,
        config.limits.titles_undecoded,
        f"{len(titles.undecoded):,} of {listed:,} items have a title or a group that is no {config.titles.encoding} "
        f"text{f' (for example {text!r} of item {item!r})' if item else ''}.",
        "Lists would show it so, and groups that differ there alone would be one: set `feedback.titles.encoding`, such "
        "as to cp1252 or latin-1, or save the file as UTF-8.",
    )
    item, text = next(iter(titles.several.items()), ("", ""))
    yield Finding(
        "titles_several",
        len(titles.several),
        listed,
        config.limits.titles_several,
        f"{len(titles.several):,} of {listed:,} items have several titles or groups"
        f"{f' (for example {text!r} of item {item!r})' if item else ''}; the first counts.",
        "Keep one row for each item in `feedback.titles.file`: an item is of one group.",
    )
