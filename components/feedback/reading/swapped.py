"""Files whose columns of users and items are swapped, told by the ids of the other files."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

# Of the ids in a column: the most that may be at home there, and the least that have to be at home in the other one.
_STRANGE, _CROSSING = 0.01, 0.1
# Where ids of users and items overlap: the least number of files, and the least that nine of ten of the others are more
# alike in their own columns than crosswise, as a part of 2; of their median, the least that the file is crosswise.
_LEAST_FILES: Final = 4
_LEAST_ALIKE, _LEAST_CROSSWISE = 0.05, 0.5


class Counts(NamedTuple):
    """The distinct ids in a column of a file.

    Attributes:
        hashes: Of each, rising.
        counts: Rows of each.
    """

    hashes: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.float64]


class Ids(NamedTuple):
    """The ids of a file, by column."""

    users: Counts
    items: Counts


def crossing(files: Sequence[Ids]) -> list[int]:
    """The files whose users are items of the others, and whose items are users of the others, and nothing else."""
    if len(files) < 2:
        return []
    users, of_users = np.unique(np.concatenate([ids.users.hashes for ids in files]), return_counts=True)
    items, of_items = np.unique(np.concatenate([ids.items.hashes for ids in files]), return_counts=True)

    def others(ids: Counts, known: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], own: Counts) -> float:
        """The share of some ids that files but one hold in a column; `own` are the ids that this one holds there."""
        held: npt.NDArray[np.float64] = _of(ids.hashes, known, counts) - np.isin(ids.hashes, own.hashes)
        return float(np.mean(held > 0))

    found = []
    for place, ids in enumerate(files):
        at_home = (
            others(ids.users, users, of_users, ids.users),
            others(ids.items, items, of_items, ids.items),
        )
        crosswise = (
            others(ids.users, items, of_items, ids.items),
            others(ids.items, users, of_users, ids.users),
        )
        # Many users come once, and so do many items: one of the two columns has to tell, and the other not to deny it.
        if max(at_home) <= _STRANGE and max(crosswise) >= _CROSSING and min(crosswise) > 0:
            found.append(place)
    return found


def misplaced(files: Sequence[Ids]) -> list[int]:
    """The files each of whose columns is more like the other column of all other files than like its own.

    This is for ids that are numbers from 1 on in both columns, where an id says nothing, and only how many rows each
    has does. Two columns are alike as far as the shares of the rows that ids have in them overlap (Bhattacharyya's
    coefficient, from 0 to 1). Where the other files are not more alike in their own columns than crosswise, as where
    people rate each other, nothing is told.
    """
    if len(files) < _LEAST_FILES:
        return []
    users, items = _sum([ids.users for ids in files]), _sum([ids.items for ids in files])
    more = np.array(
        [
            _alike(ids.users, users, ids.users)
            + _alike(ids.items, items, ids.items)
            - _alike(ids.users, items, ids.items)
            - _alike(ids.items, users, ids.users)
            for ids in files
        ]
    )
    found = []
    for place in np.flatnonzero(more < 0).tolist():
        others = np.delete(more, place)
        if np.quantile(others, 0.1) > _LEAST_ALIKE and more[place] < -_LEAST_CROSSWISE * np.median(others):
            found.append(place)
    return found


def _sum(columns: Sequence[Counts]) -> Counts:
    """The ids of all files."""
    counts = np.concatenate([column.counts for column in columns])
    hashes, places = np.unique(np.concatenate([column.hashes for column in columns]), return_inverse=True)
    return Counts(hashes, np.bincount(places.reshape(-1), counts).astype(np.float64))


def _alike(ids: Counts, known: Counts, own: Counts) -> float:
    """How far the shares of the rows overlap that ids have here and in a column of the other files.

    Args:
        ids: Of a column of this file.
        known: Of the column of all files.
        own: Of that column of this file.
    """
    total = known.counts.sum() - own.counts.sum()
    if total <= 0:
        return 0.0
    others = _of(ids.hashes, known.hashes, known.counts) - _of(ids.hashes, own.hashes, own.counts)
    return float(np.sum(np.sqrt(ids.counts / ids.counts.sum() * others / total)))


def _of(
    ids: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64], counts: npt.NDArray[np.float64] | npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The count of each id, 0 of one that is not known."""
    if not len(known):
        return np.zeros(len(ids))
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    found: npt.NDArray[np.float64] = np.where(known[places] == ids, counts[places], 0).astype(np.float64)
    return found
