"""Rows of a user and an item: what tables of recommendations and of targets have in common."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_keras.examples.frame_columns import read_ids


class Pairs(NamedTuple):
    """The users and items of R rows.

    Attributes:
        users: Distinct ids of users, as text.
        user: int32 (R,), the place in `users` of each row.
        items: Distinct ids of items, as text.
        item: int32 (R,), the place in `items` of each row.
    """

    users: list[str]
    user: npt.NDArray[np.int32]
    items: list[str]
    item: npt.NDArray[np.int32]

    def keys(self) -> npt.NDArray[np.int64]:
        """A number (R,) that two rows share when they have the same user and the same item."""
        return self.user.astype(np.int64) * len(self.items) + self.item


def read_pairs(frame: Any, user: str, item: str, called: str) -> Pairs:
    """Reads the two columns of ids.

    Raises:
        ValueError: There is no row, or one has no id; the message names the first.
    """
    pairs = Pairs(*read_ids(frame, user, f" of {called}"), *read_ids(frame, item, f" of {called}"))
    if not len(pairs.user):
        msg = f"{called.capitalize()} must have a row at least: there is nothing to evaluate."
        raise ValueError(msg)
    return pairs


def refuse_repeats(pairs: Pairs, called: str) -> None:
    """Raises a ValueError that names the first row with the user and the item of an earlier row."""
    keys = pairs.keys()
    by_key = np.argsort(keys, kind="stable")
    again = by_key[1:][keys[by_key][1:] == keys[by_key][:-1]]
    if len(again):
        row = int(again.min())
        first = int(np.argmax(keys == keys[row]))
        msg = (
            f"Row {row} of {called} repeats the item {pairs.items[pairs.item[row]]!r} for the user "
            f"{pairs.users[pairs.user[row]]!r}, which row {first} has: keep one row for each user and item."
        )
        raise ValueError(msg)
