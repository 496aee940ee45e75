"""Which of the rows that a user adds in some days a list holds that was made before the first of them.

Measures and formulas: `pnfrec_core.later`. Needs numpy only.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_keras.evaluation.evaluate import Recommender, examples_at, rank_all
from pnfrec_keras.examples.arrays import EvaluationArrays

Floats = npt.NDArray[np.float32]


class Later(NamedTuple):
    """Of T targets, what `pnfrec_core.later.parts` takes.

    Attributes:
        listed: (T,): 1 where the list of the user holds the target, 0 where it does not, NaN for a target that comes
            later than the days, or that repeats one of the same polarity.
        length: (T,): how many items that list holds; NaN as in `listed`.
    """

    listed: Floats
    length: Floats


def look(
    recommender: Recommender,
    arrays: EvaluationArrays,
    user: npt.NDArray[Any],
    place: npt.NDArray[np.int64],
    day: npt.NDArray[np.float64],
    days: float,
    k: int,
) -> Later:
    """Makes one list a user, from the history before the first target, and looks for all targets of the next days.

    Args:
        recommender: What ranks.
        arrays: Every held-out row of each user as a target (`feedback.targets: successive`).
        user: (T,), whose each target is.
        place: (T,), how many interactions came before each.
        day: (T,), when each was, in days.
        days: How long after the first target a target counts; exactly so many days later is too late.
        k: Length of the list.
    """
    order = np.lexsort((place, user))
    _, starts, count = np.unique(user[order], return_index=True, return_counts=True)
    first = order[starts]
    owner = np.empty(len(order), np.int64)
    owner[order] = np.repeat(np.arange(len(first)), count)
    within = (day - day[first][owner] < days) & ~_repeats(arrays, owner, order)
    top = rank_all(recommender, examples_at(arrays, first), k).top
    listed = ((top[owner] == arrays.target[:, np.newaxis]) & (arrays.target[:, np.newaxis] > 0)).any(axis=1)
    length = np.count_nonzero(top, axis=1)[owner]
    return Later(*(np.where(within, values, np.nan).astype(np.float32) for values in (listed, length)))


def _repeats(
    arrays: EvaluationArrays, owner: npt.NDArray[np.int64], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which targets repeat an earlier one: the same user, item and polarity; items that are not known never do."""
    keys = np.stack([owner, arrays.target, arrays.is_positive])[:, order]
    _, firsts = np.unique(keys, axis=1, return_index=True)
    repeated = np.ones(len(order), bool)
    repeated[order[firsts]] = False
    return repeated & (arrays.target > 0)
