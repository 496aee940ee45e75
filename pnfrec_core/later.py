"""What users came to like and to dislike of a list in the days after it was made (docs/reference/metrics.md).

There is one list a user, and each held-out row in its days is one target of it. Needs numpy only.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures

Floats = npt.NDArray[np.float64]

HIT_RATE: Final = "later_hr"
PLACES: Final = "later_places"
MEASURES: Final = (
    *(f"{HIT_RATE}_{group}" for group in (*measures.GROUPS, measures.DELTA)),
    *(f"{PLACES}_{group}" for group in measures.GROUPS),
)


class Parts(NamedTuple):
    """What each target brings into a measure.

    Attributes:
        gain: (T,).
        sign: (T,): 1 where its mean counts, -1 where it is taken off, 0 where it has no part.
    """

    gain: Floats
    sign: Floats


def parts(
    name: str,
    listed: npt.NDArray[Any],
    length: npt.NDArray[Any],
    user: npt.NDArray[Any],
    is_positive: npt.NDArray[Any],
) -> Parts:
    """What each target brings into one of `MEASURES`.

    Args:
        name: Of the measure.
        listed: (T,): 1 where the list of the user holds the target, 0 where it does not, NaN for a target that is not
            within the days.
        length: (T,): how many items the list of the user holds; NaN as in `listed`.
        user: (T,), whose each target is.
        is_positive: (T,): 1 for a liked target, else 0.

    >>> listed, user, liked = np.array([1.0, 0.0, 1.0, np.nan]), np.array([7, 7, 8, 8]), np.array([1, 0, 0, 0])
    >>> length = np.array([2.0, 2.0, 2.0, np.nan])
    >>> found = parts("later_places_n", listed, length, user, liked)
    >>> found.gain.tolist(), found.sign.tolist()
    ([0.0, 0.0, 0.5, 0.0], [1.0, 0.0, 1.0, 0.0])
    """
    measure, _, group = name.rpartition("_")
    within = np.isfinite(listed)
    found = np.where(within, listed, 0.0).astype(np.float64)
    if measure == HIT_RATE:
        of_groups = {measures.POSITIVE_GROUP: (0.0, 1.0), measures.NEGATIVE_GROUP: (1.0, 0.0)}
        sign = np.array(of_groups.get(group, (-1.0, 1.0)))[np.asarray(is_positive, np.int64)]
        return Parts(found, np.where(within, sign, 0.0))
    # Each list counts once, with the first of its targets.
    _, place = np.unique(user, return_inverse=True)
    hits = np.bincount(place, found * (is_positive == measures.GROUPS[group]))
    counted = within & (np.where(within, length, 0) > 0)
    first = np.flatnonzero(counted)[np.unique(place[counted], return_index=True)[1]]
    gain, sign = np.zeros(len(found)), np.zeros(len(found))
    gain[first] = hits[place[first]] / np.asarray(length, np.float64)[first]
    sign[first] = 1.0
    return Parts(gain, sign)


def measure(
    listed: npt.NDArray[Any], length: npt.NDArray[Any], user: npt.NDArray[Any], is_positive: npt.NDArray[Any]
) -> dict[str, float]:
    """Each of `MEASURES`, of what `parts` takes; NaN without a target of a group that it needs.

    >>> listed, length = np.array([1.0, 0.0, 0.0]), np.full(3, 5.0)
    >>> found = measure(listed, length, np.array([7, 7, 8]), np.array([1, 0, 1]))
    >>> found["later_hr_p"], found["later_hr_delta"], found["later_places_p"]
    (0.5, 0.5, 0.1)
    """
    return {name: mean_of(name, parts(name, listed, length, user, is_positive)) for name in MEASURES}


def mean_of(name: str, found: Parts) -> float:
    """The value of one of `MEASURES`, of what targets bring into it."""
    needed = (1.0, -1.0) if name.endswith(measures.DELTA) else (1.0,)
    groups = [found.gain[found.sign == value] for value in needed]
    if not all(map(len, groups)):
        return math.nan
    return sum(value * float(gain.mean()) for value, gain in zip(needed, groups, strict=True))


def higher_is_better(name: str) -> bool:
    """Which way one of `MEASURES` is better: upwards, but downwards for disliked targets."""
    return not name.endswith(f"_{measures.NEGATIVE_GROUP}")
