"""`like_rate`: s_p(i) + gamma * log r(i)."""

from typing import TYPE_CHECKING, Any, ClassVar

from pnfrec_keras.ranking.rules.base import Dislikes, Rule, Tensor, by_row

if TYPE_CHECKING:
    from pnfrec_keras.examples.vocabulary import Vocabulary


class LikeRate(Rule):
    """Lowers what many people dislike: r(i) is what everybody thinks of the item."""

    name: ClassVar[str] = "like_rate"
    summary: ClassVar[str] = "It lowers an item for everybody by how seldom it is liked by those who chose it."
    without_dislikes: ClassVar[str] = "It does the same where a query sends no dislikes."

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__(vocabulary)
        from pnfrec_keras.ranking import rates

        self._log_rate = rates.log_like_rate(vocabulary.counts, vocabulary.positive_counts)

    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """See `Rule.lower`."""
        del dislikes
        import tensorflow as tf

        return scores + by_row(gamma) * tf.constant(self._log_rate)
