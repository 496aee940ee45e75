"""The data protocol in plain Python and pandas, one rule after another: slow, and simple enough to be checked by eye.

Shares no code with components.feedback; of its settings it reads the config alone.
"""

import dataclasses
from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from components.feedback.config import FeedbackConfig


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of input. `order` is its place in the input."""

    user: str
    item: str
    value: float
    time: int
    split: str = "train"
    order: int = 0


@dataclasses.dataclass
class Outcome:
    examples: dict[str, list[dict[str, Any]]]
    vocabulary: list[dict[str, Any]]
    dropped: Counter[str]
    kept: dict[str, dict[str, int]]
    time: int | None
    threshold: float | None
    training_rows: int


class NothingLeftError(Exception):
    """No training row, or no training user."""


def k_core(rows: list[Row], config: FeedbackConfig, dropped: Counter[str]) -> list[Row]:
    users_of: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        users_of[row.item].add(row.user)
    with_items = [row for row in rows if len(users_of[row.item]) >= config.min_item_users]
    dropped["rare_item"] += len(rows) - len(with_items)
    items_of: defaultdict[str, set[str]] = defaultdict(set)
    for row in with_items:
        items_of[row.user].add(row.item)
    with_users = [row for row in with_items if len(items_of[row.user]) >= config.min_user_items]
    dropped["rare_user"] += len(with_items) - len(with_users)
    return with_users


def outside_gap(rows: list[Row], config: FeedbackConfig, time: int | None, dropped: Counter[str]) -> list[Row]:
    """Without the rows just before the held-out time; the timestamps are in seconds and so is the gap."""
    if time is None:
        return rows
    left = [row for row in rows if not time - int(config.gap) <= row.time < time]
    dropped["gap"] += len(rows) - len(left)
    return left


def remove_duplicates(rows: list[Row], rule: str, dropped: Counter[str]) -> list[Row]:
    if rule == "all":
        return rows
    stays: dict[tuple[str, str], Row] = {}
    for row in rows if rule == "first" else reversed(rows):
        stays.setdefault((row.user, row.item), row)
    left = [row for row in rows if stays[row.user, row.item] is row]
    dropped["duplicate"] += len(rows) - len(left)
    return left


def by_user(rows: list[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.user, []).append(row)
    return groups


def splits_of(
    rows: list[Row], config: FeedbackConfig, time: int | None, held_out: set[int] | None = None
) -> dict[int, str]:
    """The split of each row by its order; "heldout" where it depends on the user's half.

    `held_out`: the rows that may be held out by their place; all of them where it is None.
    """
    if config.split == "column":
        return {row.order: row.split for row in rows}
    if config.split == "global_time":
        assert time is not None
        return {row.order: "train" if row.time < time else "heldout" for row in rows}
    splits = {row.order: "train" for row in rows}
    for group in by_user(rows).values():
        splits[group[-1].order] = "test"
        if len(group) > 1 and (held_out is None or group[-2].order in held_out):
            splits[group[-2].order] = "validation"
    return splits


def last_on_each_side(
    rows: list[Row], last: list[Row], config: FeedbackConfig, time: int | None
) -> tuple[list[Row], set[int]]:
    """The last row of each user and item in training, and the last one that is held out; and the rows of that side.

    `last`: the last row of each, of all rows.
    """
    held_out: set[int] = set()
    for user, group in by_user(rows).items():
        if config.split == "leave_one_out":
            begin = [row for row in last if row.user == user][-2:][0]
            held_out |= {row.order for row in group[group.index(begin) :]}
        elif config.split == "column":
            held_out |= {row.order for row in group if row.split != "train"}
        else:
            assert time is not None
            held_out |= {row.order for row in group if row.time >= time}
    stays = {(row.user, row.item, row.order in held_out): row for row in rows}
    return [row for row in rows if stays[row.user, row.item, row.order in held_out] is row], held_out


def validation_half(users: set[str], seed: int) -> set[str]:
    """The half of the users with the smaller hashes; the odd one is not in it."""
    key = "split" + str(seed).zfill(11)
    hashes = {user: int(pd.util.hash_array(np.array([user], object), hash_key=key)[0]) for user in users}
    return set(sorted(users, key=lambda user: hashes[user])[: len(users) // 2])


def bucket(count: int) -> str:
    for name, upper in (("0-4", 4), ("5-9", 9), ("10-19", 19), ("20-49", 49)):
        if count <= upper:
            return name
    return "50+"


def popularity(place: int, size: int) -> str:
    """`place` from 0. The first tenth (rounded up), up to the first half (rounded up), the rest."""
    if Fraction(place) < Fraction(size, 10):
        return "head"
    return "middle" if Fraction(place) < Fraction(size, 2) else "tail"


def is_recent(row: Row, time: int | None, config: FeedbackConfig) -> bool:
    """Of the last days before the held-out time; the timestamps are in seconds."""
    if time is None:
        return False
    end = time - int(config.gap)
    return end - 86_400 * config.recent_days <= row.time < end


def run(rows: list[Row], config: FeedbackConfig) -> Outcome:
    dropped: Counter[str] = Counter()
    # Blanks around ids are no part of them.
    rows = [dataclasses.replace(row, user=row.user.strip(), item=row.item.strip()) for row in rows]
    # Code points: Python compares strings that way.
    rows = sorted(rows, key=lambda row: (row.user, row.time, row.order))
    read = rows
    rows = remove_duplicates(rows, config.duplicates, dropped)
    rows = k_core(rows, config, dropped)
    if not rows:
        raise NothingLeftError
    time = None
    if config.split == "global_time":
        time = int(np.quantile(np.array([row.time for row in rows]), config.test_quantile, method="nearest"))
    held_out = None
    if config.duplicates == "last":
        everything = outside_gap(k_core(read, config, Counter()), config, time, dropped)
        rows, held_out = last_on_each_side(everything, rows, config, time)
        dropped["duplicate"] = len(read) - len(rows) - dropped["rare_item"] - dropped["rare_user"] - dropped["gap"]
    else:
        rows = outside_gap(rows, config, time, dropped)
    split = splits_of(rows, config, time, held_out)
    train = [row for row in rows if split[row.order] == "train"]
    if not train:
        raise NothingLeftError

    # Rule 3: the threshold is a matter of the training rows.
    threshold: float | None = None
    own: dict[str, float] = {}
    if config.positive == "user_median":
        own = {user: float(np.median([row.value for row in group])) for user, group in by_user(train).items()}
    elif config.positive == "median":
        threshold = float(np.median([row.value for row in train]))
    else:
        threshold = 0.5 if config.positive == "column" else float(config.positive)

    def is_positive(row: Row) -> bool:
        return row.value >= (own[row.user] if threshold is None else threshold)

    # Half way between the threshold and the largest training value below it: of everybody's, or of the user's own.
    def boundary(wanted: float, among: list[Row]) -> float:
        return wanted - (wanted - max((row.value for row in among if row.value < wanted), default=wanted)) / 2

    if threshold is None:
        boundaries = {user: boundary(own[user], group) for user, group in by_user(train).items()}
    else:
        boundaries = dict.fromkeys(by_user(train), boundary(threshold, train))

    # Rule 8: the catalogue.
    counts = Counter(row.item for row in train)
    positive_counts = Counter(row.item for row in train if is_positive(row))
    recent_counts = Counter(row.item for row in train if is_positive(row) and is_recent(row, time, config))
    order = sorted(counts, key=lambda item: (-counts[item], item))
    vocabulary = [{"item_id": i, "count": counts[i], "positive_count": positive_counts[i]} for i in order]
    if config.recent_days:
        for entry in vocabulary:
            entry["recent_positive_count"] = recent_counts[str(entry["item_id"])]
    place = {item: index for index, item in enumerate(order)}

    # Rule 4: held-out rows of known users and items.
    known_users = {row.user for row in train}
    known: list[Row] = []
    for row in rows:
        if split[row.order] == "train" or (row.user in known_users and row.item in place):
            known.append(row)
        else:
            dropped["unknown_user" if row.user not in known_users else "unknown_item"] += 1
    half = validation_half({row.user for row in known if split[row.order] == "heldout"}, config.split_seed)
    for row in known:
        if split[row.order] == "heldout":
            split[row.order] = "validation" if row.user in half else "test"

    # Rules 5 and 6.
    examples: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    kept = {name: {"positive": 0, "negative": 0} for name in examples}
    for user, group in by_user(known).items():
        own_train = [row for row in group if split[row.order] == "train"]
        enough = sum(map(is_positive, own_train)) >= config.min_positives
        used: set[int] = set()
        too_few: set[int] = set()
        without_caps: set[int] = set()
        if enough:
            without_caps.update(row.order for row in own_train)
            own_train = own_train[-(config.caps.history or len(own_train)) :]
            used.update(row.order for row in own_train)
            examples["train"].append(
                {
                    "user_id": user,
                    "positive_item_ids": [row.item for row in own_train if is_positive(row)],
                    "negative_item_ids": [row.item for row in own_train if not is_positive(row)],
                    "history_is_positive": [int(is_positive(row)) for row in own_train],
                    "history_margins": [float(np.float32(abs(row.value - boundaries[user]))) for row in own_train]
                    if config.positive != "column"
                    else [],
                    "history_days": [float(np.float32(row.time / 86_400)) for row in own_train],
                }
            )
        for name, allowed in (("validation", ("train", "validation")), ("test", ("train", "validation", "test"))):
            heldout = [row for row in group if split[row.order] == name]
            if not enough or not heldout:
                continue
            if sum(map(is_positive, heldout)) < config.min_heldout_positives:
                too_few.update(row.order for row in heldout)
                continue
            wanted = [
                target
                for target in (heldout[-1:] if config.targets == "last" else heldout)
                if name == "test" or config.validation_targets == "both" or is_positive(target)
            ]
            for number, target in enumerate(wanted):
                before = group[: group.index(target)]
                whole = [row for row in before if split[row.order] in allowed]
                without_caps.update(row.order for row in [*whole, target])
                if config.targets == "successive" and config.caps.targets and number >= config.caps.targets:
                    continue
                history = whole[-(config.caps.history or len(whole)) :] if whole else []
                # A row of training counts as used where a training example holds it.
                used.update(row.order for row in [*history, target] if split[row.order] != "train")
                examples[name].append(
                    {
                        "user_id": user,
                        "positive_item_ids": [row.item for row in history if is_positive(row)],
                        "negative_item_ids": [row.item for row in history if not is_positive(row)],
                        "history_is_positive": [int(is_positive(row)) for row in history],
                        "seen_item_ids": [row.item for row in history],
                        "target_day": [float(np.float32(target.time / 86_400))],
                        "target_item_id": target.item,
                        "target_is_positive": int(is_positive(target)),
                        "history_length_bucket": bucket(len(whole)),
                        "target_popularity_bucket": popularity(place[target.item], len(order)),
                    }
                )
        for row in group:
            if row.order in used:
                kept[split[row.order]]["positive" if is_positive(row) else "negative"] += 1
            elif not enough:
                dropped["few_positives"] += 1
            elif row.order in without_caps:
                dropped["capped"] += 1
            else:
                dropped["few_heldout_positives" if row.order in too_few else "no_positive_target"] += 1
    if not examples["train"]:
        raise NothingLeftError
    return Outcome(examples, vocabulary, dropped, kept, time, threshold, len(train))
