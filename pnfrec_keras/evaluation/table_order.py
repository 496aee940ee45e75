"""The order of each user's rows in a table of recommendations, by ranks or by scores, and what makes it none."""

import numpy as np
import numpy.typing as npt

from pnfrec_keras.evaluation.pairs import Pairs

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def order_of_ranks(listed: Pairs, ranks: _Floats) -> _Ints:
    """The rows, user after user, the best first.

    Raises:
        ValueError: The ranks of a user with n rows are not 1 to n, each once; the message names a row.
    """
    order: _Ints = np.lexsort((ranks, listed.user))
    user, rank = listed.user[order], ranks[order]
    counts = np.bincount(listed.user, minlength=len(listed.users))
    starts = np.r_[0, np.cumsum(counts)[:-1]]
    wrong = rank != np.arange(len(user)) - starts[user] + 1
    if not wrong.any():
        return order
    place = int(np.argmax(wrong))
    row, told, number = int(order[place]), f"{rank[place]:.15g}", int(counts[user[place]])
    name = repr(listed.users[user[place]])
    remedy = "number the rows of each user anew from 1, the best first, or name a column of scores by `score`"
    if place and user[place - 1] == user[place] and rank[place - 1] == rank[place]:
        msg = (
            f"Rows {int(order[place - 1])} and {row} of the table give the user {name} the rank {told} twice: {remedy}."
        )
    else:
        msg = (
            f"Row {row} of the table has the rank {told}, and the user {name} needs 1 to {number}, each once: {remedy}."
        )
    raise ValueError(msg)


def order_of_scores(listed: Pairs, scores: _Floats, index: _Ints | None) -> _Ints:
    """The rows, user after user, the highest score first; equal scores by `index`, the item's place in the catalogue.

    Raises:
        ValueError: Two scores of a user are equal, and there is no `index`; the message names the rows.
    """
    if index is not None:
        by_catalogue: _Ints = np.lexsort((index, -scores, listed.user))
        return by_catalogue
    order: _Ints = np.lexsort((-scores, listed.user))
    user, score = listed.user[order], scores[order]
    tied = (user[1:] == user[:-1]) & (score[1:] == score[:-1])
    if tied.any():
        place = int(np.argmax(tied))
        first, second = sorted(order[place : place + 2].tolist())
        msg = (
            f"Rows {first} and {second} of the table have the same score, {score[place]:.15g}, for the user "
            f"{listed.users[user[place]]!r}: give `catalogue`, whose order decides between equals, or write ranks."
        )
        raise ValueError(msg)
    return order
