"""`like_odds`: s_p(i) + gamma * log sigmoid(logit r(i) + logit r(u) - logit r).

r(u) is the share of likes in what the model reads of the user's history, drawn towards r by `USER_PRIOR` interactions,
and odds multiply (the model of Rasch), so that what some dislike is lowered for who dislikes much, and hardly for who
likes everything.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from pnfrec_keras.ranking.rules.base import Dislikes, Tensor, by_row
from pnfrec_keras.ranking.rules.like_rate import LikeRate

if TYPE_CHECKING:
    from pnfrec_keras.examples.vocabulary import Vocabulary

# Interactions that a user's share of likes counts beside their own: histories are short, and people differ more than
# items do.
USER_PRIOR = 2.0


class LikeOdds(LikeRate):
    """Asks the user too: what some dislike is lowered for those who dislike much."""

    name: ClassVar[str] = "like_odds"
    summary: ClassVar[str] = (
        "It lowers an item by how seldom it is liked by those who chose it, and more so for a user who dislikes much."
    )
    without_dislikes: ClassVar[str] = "Where a query sends no dislikes, it is `like_rate`."
    needs_dislikes: ClassVar[bool] = True

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__(vocabulary)
        import numpy as np

        from pnfrec_keras.ranking import rates

        self._overall = rates.overall(vocabulary.positive_counts, vocabulary.counts)
        self._overall_logit = float(rates.logit(self._overall))
        rate = np.exp(self._log_rate.astype(np.float64)[1:])
        self._item = np.concatenate([[0.0], rates.logit(rate)]).astype(np.float32)

    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """See `Rule.lower`."""
        if dislikes is None:
            return super().lower(scores, gamma, None)
        return scores + by_row(gamma) * self.log_like(dislikes.liked, dislikes.disliked)

    def log_like(self, liked: Tensor, disliked: Tensor) -> Tensor:
        """The logarithm of the probability that a user likes each item, float32 (batch, items + 1).

        Args:
            liked: (batch,), how many liked items the model reads of each user.
            disliked: (batch,), how many disliked ones.
        """
        import tensorflow as tf

        liked, disliked = tf.cast(liked, tf.float32), tf.cast(disliked, tf.float32)
        # r(u) / (1 - r(u)) by its definition; both parts are above 0.
        odds = (liked + USER_PRIOR * self._overall) / (disliked + USER_PRIOR * (1.0 - self._overall))
        lead = tf.math.log(odds) - self._overall_logit
        return tf.math.log_sigmoid(self._item[tf.newaxis, :] + lead[:, tf.newaxis])
