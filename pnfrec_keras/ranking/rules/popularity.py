"""`popularity`: s_p(i) - gamma * log q(i).

q(i) is the item's share of the training interactions of either polarity (`pnfrec_core.popularity.log_shares`). It is
the prior of a network that is trained by the softmax: with gamma = 1 what is left of the score is how much more often
this user chooses the item than everybody does (Menon et al. 2021, arXiv 2007.07314, divide the prior out in this way).
"""

from typing import TYPE_CHECKING, Any, ClassVar

from pnfrec_keras.ranking.rules.base import Dislikes, Rule, Tensor, by_row

if TYPE_CHECKING:
    from pnfrec_keras.examples.vocabulary import Vocabulary


class Popularity(Rule):
    """Lowers what everybody chooses anyway, so that lists reach beyond the head of the catalogue."""

    name: ClassVar[str] = "popularity"
    summary: ClassVar[str] = "It lowers an item for everybody by how often it was chosen in training, liked or not."
    without_dislikes: ClassVar[str] = "It does the same where a query sends no dislikes."

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__(vocabulary)
        import numpy as np

        from pnfrec_core import popularity

        self._log_share = np.concatenate([[0.0], popularity.log_shares(vocabulary.counts)]).astype(np.float32)

    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """See `Rule.lower`."""
        del dislikes
        import tensorflow as tf

        return scores - by_row(gamma) * tf.constant(self._log_share)
