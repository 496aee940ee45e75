"""Interactions of many users in order, both polarities, and what training reads of them. No TensorFlow."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
Number = TypeVar("Number", np.int32, np.float32)


@dataclasses.dataclass(frozen=True)
class Histories:
    """The interactions of some users, one after the other.

    Attributes:
        users: How many users.
        user: Whose each interaction is; rises.
        item: int32, index of its item, 0 where the model does not know it.
        is_positive: Its polarity.
    """

    users: int
    user: npt.NDArray[np.int64]
    item: IntArray
    is_positive: npt.NDArray[np.bool_]

    @classmethod
    def of_rows(cls, rows: Sequence[Iterable[tuple[int, bool]]]) -> "Histories":
        """Of one row a user: index and polarity of each interaction, oldest first."""
        listed = [list(row) for row in rows]
        user = np.repeat(np.arange(len(listed)), [len(row) for row in listed])
        pairs = [pair for row in listed for pair in row]
        items = np.array([item for item, _ in pairs], np.int32)
        return cls(len(listed), user, items, np.array([bool(flag) for _, flag in pairs], np.bool_))

    def rows(self, values: npt.NDArray[Number], chosen: npt.NDArray[np.bool_], length: int) -> npt.NDArray[Number]:
        """Of each user the last `length` of the `chosen` values, padded on the right with 0: (users, length)."""
        ends = np.cumsum(np.bincount(self.user[chosen], minlength=self.users))[:-1]
        return pad_as(values.dtype.type, np.split(values[chosen], ends), length)

    def merged(self, length: int) -> tuple[IntArray, IntArray]:
        """The mixed histories and the polarity of their items, (users, length) each."""
        known = self.item > 0
        return self.rows(self.item, known, length), self.rows(self.is_positive.astype(np.int32), known, length)

    def placed_dislikes(self, max_length: int) -> tuple[npt.NDArray[np.bool_], IntArray]:
        """The dislikes that a state of the encoder of likes precedes.

        Training reads the last `max_length + 1` likes, the last of them as a label alone where there are so many. So a
        dislike has no place before the first like that is read, nor behind the last of as many.

        Args:
            max_length: L of the model.

        Returns:
            Which interactions they are; and for each interaction the position, from 0, of the last like before it.
        """
        known = self.item > 0
        likes = known & self.is_positive
        counts = np.bincount(self.user[likes], minlength=self.users)
        of_earlier_users = np.cumsum(counts) - counts
        before = np.cumsum(likes) - likes - of_earlier_users[self.user]
        places = before - 1 - np.maximum(counts - (max_length + 1), 0)[self.user]
        chosen = known & ~self.is_positive & (places >= 0) & (places < max_length)
        return chosen, places.astype(np.int32)


def pad_as(dtype: type[Number], rows: Sequence[npt.ArrayLike], length: int) -> npt.NDArray[Number]:
    """The last `length` values of each row, padded on the right with 0: `dtype` (rows, length)."""
    padded = np.zeros((len(rows), length), dtype=dtype)
    if length:
        for place, row in enumerate(rows):
            kept = np.asarray(row, dtype=dtype)[-length:]
            padded[place, : len(kept)] = kept
    return padded
