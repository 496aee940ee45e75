"""Recommenders that any reader asks for beside a new one. They reveal a broken protocol at once."""

import numpy as np
import numpy.typing as npt

from pnfrec_keras.evaluation.evaluate import Floats, Recommender
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.examples.histories import IntArray
from pnfrec_keras.examples.vocabulary import Vocabulary


def most_popular(vocabulary: Vocabulary) -> Recommender:
    """The same list for everyone: items by their training interactions, whatever the polarity."""
    return _constant(np.concatenate([[0], vocabulary.counts]))


def most_popular_positive(vocabulary: Vocabulary) -> Recommender:
    """The same list for everyone: items by their positive training interactions."""
    return _constant(vocabulary.popularity())


def most_popular_recent(vocabulary: Vocabulary) -> Recommender:
    """The same list for everyone: items by their likes of the last days of training (`feedback.recent_days`).

    Raises:
        ValueError: The vocabulary does not count them.
    """
    if vocabulary.recent_positive_counts is None:
        msg = "The most popular of late needs the likes of the last days: set `feedback.recent_days`."
        raise ValueError(msg)
    return _constant(np.concatenate([[0], vocabulary.recent_positive_counts]))


def _constant(scores: npt.NDArray[np.generic]) -> Recommender:
    return lambda arrays: np.tile(scores.astype(np.float64), (len(arrays), 1))


class ItemKNN:
    """Items that share users with the last positive item of the history (last-item co-occurrence).

    Similarity is the cosine of the sets of users who liked two items: |A and B| / sqrt(|A| |B|). Histories without a
    known positive item are ranked by the number of users who liked an item.

    Args:
        training: Positive sequences; of each user as many as the models see.
        num_items: Size of the catalogue.
    """

    def __init__(self, training: TrainingArrays, num_items: int) -> None:
        user = np.repeat(np.arange(len(training)), training.positive.shape[1])
        item = training.positive.ravel()
        pairs = np.unique(np.stack([user, item])[:, item > 0], axis=1)
        self._users, self._items = pairs
        self._starts = np.searchsorted(self._users, np.arange(len(training) + 1))
        by_item = np.argsort(self._items, kind="stable")
        self._owners = self._users[by_item]
        self._places = np.searchsorted(self._items[by_item], np.arange(num_items + 2))
        self._counts = np.bincount(self._items, minlength=num_items + 1).astype(np.float64)

    def __call__(self, arrays: EvaluationArrays) -> Floats:
        items = _last_positive(arrays)
        rows = {item: self.similarities(item) for item in np.unique(items).tolist()}
        return np.stack([rows[item] for item in items.tolist()])

    def similarities(self, item: int) -> npt.NDArray[np.float64]:
        """Of each item to one, (num_items + 1,); for 0, by how many users each was liked."""
        if not item:
            return self._counts
        owners = self._owners[self._places[item] : self._places[item + 1]]
        shared = [self._items[self._starts[owner] : self._starts[owner + 1]] for owner in owners.tolist()]
        together = np.bincount(np.concatenate([np.zeros(0, np.int32), *shared]), minlength=len(self._counts))
        norm = np.sqrt(np.maximum(self._counts, 1) * max(self._counts[item], 1))
        similarities: npt.NDArray[np.float64] = together / norm
        return similarities


def _last_positive(arrays: EvaluationArrays) -> IntArray:
    """The last positive item of each history, 0 where there is none."""
    last = np.maximum(np.count_nonzero(arrays.positive, axis=1) - 1, 0)
    items: IntArray = arrays.positive[np.arange(len(arrays)), last]
    return items
