"""Our measures of lists that any other library wrote: a table of users, items and ranks or scores.

    found = evaluate_table(recommended, held_out, positive=8, k=10, catalogue=vocabulary)

Each row of the targets is one example, and its list is that of its user. Ranks, misses, groups and means are those of
`evaluate`, so that a table written from one of our models has the very numbers of the model. Needs neither TensorFlow
nor Keras.
"""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_core.whole_numbers import whole_number
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.evaluation.pairs import Pairs, read_pairs, refuse_repeats
from pnfrec_keras.evaluation.ranked import Ranked, measure
from pnfrec_keras.evaluation.table_order import order_of_ranks, order_of_scores
from pnfrec_keras.examples.frame_columns import check_threshold, need_columns, read_ids, read_numbers
from pnfrec_keras.examples.vocabulary import Vocabulary

_Ints = npt.NDArray[np.int64]

_TABLE = "the table"
_TARGETS = "the targets"


def evaluate_table(
    table: Any,
    targets: Any,
    *,
    positive: float,
    k: int = TrainingConfig.k,
    catalogue: Any = None,
    user: str = "user",
    item: str = "item",
    value: str = "value",
    rank: str = "rank",
    score: str | None = None,
) -> dict[str, float]:
    """HR, NDCG and MRR of each group, their differences, and the measures of the lists, of a table of recommendations.

    A target that its user's list does not hold among the first `k` is a miss, which counts 0: also where the user has
    no list at all. The library that wrote the table has to leave out what users have seen, as `evaluate` does.

    Args:
        table: What was recommended, a row an item of a user: a DataFrame, or anything with columns that Arrow or numpy
            can read. Ids are read as the pipeline reads them: whole floats are integers, and blanks around ids are no
            part of them.
        targets: What was held out, a row a target; users have one or several.
        positive: A target is liked when its value is at least this, and disliked otherwise.
        k: Length of the list.
        catalogue: All items in the order of popularity, as a `Vocabulary` (which novelty and diversity need) or a
            column of ids; None leaves the measures of the lists NaN. Items with equal scores keep its order, as in
            `evaluate`; without it equal scores are refused.
        user: Name of the user column in both.
        item: Name of the item column in both.
        value: Name of the column of values in `targets`.
        rank: Name of the column of ranks in `table`, which are 1 to n for the n rows of each user.
        score: Name of a column of scores in `table`, higher is better, to be read instead of ranks.

    Returns:
        What `evaluate` returns.

    Raises:
        ValueError: `k` or `positive` cannot be used; or a column is missing, or a row cannot be used, of which the
            message names the first, counted from 0.
    """
    k = whole_number("k", k)
    check_threshold(positive)
    ranked = rank_table(table, targets, positive, k, catalogue, (user, item, value, rank, score))
    if isinstance(catalogue, Vocabulary):
        return measure(ranked, k, catalogue.counts, catalogue.group_numbers())
    return measure(ranked, k)


def rank_table(
    table: Any, targets: Any, positive: float, k: int, catalogue: Any, columns: tuple[str, str, str, str, str | None]
) -> Ranked:
    """The rank of each target in the list of its user: what `evaluate_table` measures, with its arguments."""
    user, item, value, rank, score = columns
    number = rank if score is None else score
    of_number = "rank" if score is None else "score"
    need_columns(
        table,
        {"user": user, "item": item, of_number: number},
        "The table",
        " Name them by `user`, `item`, and `rank` or `score`.",
    )
    need_columns(
        targets,
        {"user": user, "item": item, "value": value},
        "The frame of targets",
        " Name them by `user`, `item` and `value`.",
    )
    listed, wanted = read_pairs(table, user, item, _TABLE), read_pairs(targets, user, item, _TARGETS)
    refuse_repeats(listed, _TABLE)
    refuse_repeats(wanted, _TARGETS)
    _refuse_users_without_targets(listed, wanted)
    items = listed.items if catalogue is None else _ids_of(catalogue)
    item_index = _indices(listed, items)
    numbers = read_numbers(table, number, f" of {_TABLE}")
    if score is None:
        order = order_of_ranks(listed, numbers)
    else:
        order = order_of_scores(listed, numbers, None if catalogue is None else item_index)
    place = _places(listed.user[order])
    top = np.zeros((len(listed.users) + 1, k), np.int32)  # the last row is the list of users without one
    within = place <= k
    top[listed.user[order][within], place[within] - 1] = item_index[order][within]
    place_of_row = np.empty_like(place)
    place_of_row[order] = place
    return Ranked(
        rank=_ranks_of(wanted, listed, place_of_row),
        top=top[_codes_in(listed.users, wanted.users)[wanted.user]],
        is_positive=(read_numbers(targets, value, f" of {_TARGETS}") >= positive).astype(np.int32),
        num_items=0 if catalogue is None else len(items),
        target=None if catalogue is None else _targets_in(wanted, items),
    )


def _refuse_users_without_targets(listed: Pairs, wanted: Pairs) -> None:
    targeted = {wanted.users[code] for code in np.unique(wanted.user).tolist()}
    without = np.array([each not in targeted for each in listed.users], bool)[listed.user]
    if without.any():
        row = int(np.argmax(without))
        name, number = listed.users[listed.user[row]], len(np.unique(listed.user[without]))
        msg = (
            f"Row {row} of {_TABLE} recommends to the user {name!r}, who has no target: leave out the {number:,} such "
            "user(s), or write ids as the targets have them."
        )
        raise ValueError(msg)


def _ids_of(catalogue: Any) -> list[str]:
    """The ids of a catalogue, in its order."""
    if isinstance(catalogue, Vocabulary):
        return list(catalogue.item_ids)
    if (
        isinstance(catalogue, str | Set | Mapping)
        or hasattr(catalogue, "columns")
        or not hasattr(catalogue, "__iter__")
    ):
        msg = (
            "`catalogue` must be a Vocabulary, or a column of all item ids in the order of popularity. Received: "
            f"{type(catalogue).__name__}."
        )
        raise ValueError(msg)
    ids, codes = read_ids({"item": catalogue}, "item", " of the catalogue")
    found = [ids[code] for code in codes.tolist()]
    if len(set(found)) < len(found):
        firsts = set(np.unique(codes, return_index=True)[1].tolist())
        row = next(place for place in range(len(found)) if place not in firsts)
        msg = f"Row {row} of the catalogue repeats the item {found[row]!r}: give each item once, in their order."
        raise ValueError(msg)
    return found


def _codes_in(ids: list[str], wanted: list[str]) -> _Ints:
    """Where each of `wanted` is in `ids`; -1 where it is not."""
    place = {each: code for code, each in enumerate(ids)}
    return np.array([place.get(each, -1) for each in wanted], np.int64)


def _targets_in(wanted: Pairs, items: list[str]) -> npt.NDArray[np.int32]:
    """The index of each target in the catalogue, from 1; 0 where it is not there."""
    return (_codes_in(items, wanted.items)[wanted.item] + 1).astype(np.int32)


def _indices(listed: Pairs, items: list[str]) -> _Ints:
    """The index of each row's item in the catalogue, from 1."""
    index = _codes_in(items, listed.items)[listed.item] + 1
    if (index == 0).any():
        row = int(np.argmin(index))
        msg = (
            f"Row {row} of {_TABLE} recommends the item {listed.items[listed.item[row]]!r}, which the catalogue lacks: "
            "give the catalogue that the lists were made from, or write ids as it has them."
        )
        raise ValueError(msg)
    return index


def _places(user: npt.NDArray[np.int32]) -> _Ints:
    """Counts from 1 within each user, whose rows are together."""
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    lengths = np.diff(np.r_[starts, len(user)])
    return np.arange(len(user)) - np.repeat(starts, lengths) + 1


def _ranks_of(wanted: Pairs, listed: Pairs, place_of_row: _Ints) -> _Ints:
    """The place of each target in the list of its user; 0 where the list does not hold it."""
    user = _codes_in(listed.users, wanted.users)[wanted.user]
    item = _codes_in(listed.items, wanted.items)[wanted.item]
    by_key = np.argsort(listed.keys())
    keys = listed.keys()[by_key]
    key = user * len(listed.items) + item
    found = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    is_there = (user >= 0) & (item >= 0) & (keys[found] == key)
    return np.where(is_there, place_of_row[by_key[found]], 0)
