"""Intervals for differences between recommenders on the same users. Needs numpy only.

Users are drawn, not targets: under `targets: successive` the targets of one user are not independent. Both recommenders
are judged on the same draw (paired), so that what is hard about some users cancels.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 5_000
_AT_ONCE = 250
# The draws of so many users take 50 MB, and a study compares dozens of arms on the same ones.
_MOST_KEPT = 5_000


class Interval(NamedTuple):
    """An estimate with its 95 % percentile interval."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def paired_difference(
    gains: Floats,
    other: Floats,
    user: npt.NDArray[np.int64],
    sign: Floats,
    seed: int = 0,
    half: npt.NDArray[np.int64] | None = None,
) -> Interval:
    """The difference of means, gains - other, with the interval of a bootstrap over users.

    Args:
        gains: (T,), gain of each target, such as NDCG@10; a mean over seeds where there are several.
        other: (T,), of the recommender that is compared with.
        user: (T,), number of each target's user.
        sign: (T,): 1 for targets whose mean counts, -1 for those whose mean is subtracted (the negative group of a
            delta), 0 for those that do not matter.
        seed: Of the draws.
        half: (T,), from 0: the draw of test users that a row is of, where there are several; a user may be in more than
            one. Means are taken within each, then over them. None: all are of one.

    >>> one, other, same = np.array([1.0, 0.5, 0.0]), np.array([0.5, 0.0, -0.5]), np.ones(3)
    >>> paired_difference(one, other, np.array([0, 1, 2]), same)
    Interval(estimate=0.5, low=0.5, high=0.5)
    """
    _, place = np.unique(user, return_inverse=True)
    users = int(place.max()) + 1
    cell = place if half is None else half * users + place
    halves = 1 if half is None else int(half.max()) + 1
    groups = [value for value in (1.0, -1.0) if (sign == value).any()]
    chosen: list[Floats] = [(sign == value).astype(np.float64) for value in groups]
    shape = (halves, users)
    sums = np.stack([np.bincount(cell, (gains - other) * one, halves * users).reshape(shape) for one in chosen])
    counts = np.stack([np.bincount(cell, one, halves * users).reshape(shape) for one in chosen])
    weights = np.array(groups)

    def statistic(drawn: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(weights @ ((sums @ drawn) / (counts @ drawn)).mean(axis=1), np.float64)

    drawn = _kept_draws(users, seed) if users <= _MOST_KEPT else _draws(users, seed)
    low, high = np.nanpercentile(np.concatenate([statistic(each.T.astype(np.float64)) for each in drawn]), [2.5, 97.5])
    return Interval(float(statistic(np.ones((users, 1)))[0]), float(low), float(high))


def _draws(users: int, seed: int) -> Iterator[npt.NDArray[Any]]:
    """How often each user is drawn: (draws, users) each, `DRAWS` in all."""
    generator = np.random.default_rng(seed)
    chance = np.full(users, 1.0 / users)
    for _ in range(DRAWS // _AT_ONCE):
        yield generator.multinomial(users, chance, _AT_ONCE)


@functools.lru_cache(maxsize=2)
def _kept_draws(users: int, seed: int) -> tuple[npt.NDArray[np.uint16], ...]:
    """The same, which takes most of the time of an interval, once for all comparisons on the same users."""
    return tuple(each.astype(np.uint16) for each in _draws(users, seed))
