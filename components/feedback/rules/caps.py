"""How much of one user's feedback the examples hold, so that one account of millions of events cannot fill the disk."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pnfrec_columns.arrays import Mask


@dataclasses.dataclass(frozen=True)
class CapsConfig:
    """How much of one user's feedback the examples hold.

    Counts of items, thresholds and the split are of all rows, whatever the caps.

    Attributes:
        history: A history holds that many of a user's newest interactions before the target, or before the end of
            training; 0 for all. What is older is not left out of that user's lists any more.
        targets: With `feedback.targets: successive` the first so many held-out interactions of a user in each split are
            targets; 0 for all. Each of them is an example with a whole history.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    history: int = 10_000
    targets: int = 1_000

    def __post_init__(self) -> None:
        for name in ("history", "targets"):
            if getattr(self, name) < 0:
                msg = f"`feedback.caps.{name}` must be 0, for no cap, or more. Received: {getattr(self, name)}."
                raise ValueError(msg)


def newest_of_users(user: npt.NDArray[Any], most: int) -> Mask:
    """Which rows are among the last `most` of their user; all with 0.

    Args:
        user: Of each row, in runs of equal users, (N,).
        most: How many.

    >>> newest_of_users(np.array([3, 3, 3, 5]), 2).tolist()
    [False, True, True, True]
    """
    return first_of_users(user[::-1], most)[::-1]


def first_of_users(user: npt.NDArray[Any], most: int) -> Mask:
    """Which rows are among the first `most` of their user; all with 0."""
    if not most or not len(user):
        return np.ones(len(user), bool)
    is_start = np.append(True, user[1:] != user[:-1])
    place = np.arange(len(user))
    begin = np.maximum.accumulate(np.where(is_start, place, 0))
    return np.asarray(place - begin < most)
