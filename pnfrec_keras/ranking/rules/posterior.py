"""`posterior`: s_p(i) + gamma * log(p(i) / (p(i) + n(i))), p and n the softmax of s_p and s_n over the catalogue.

The last factor is the probability that an interaction with i is positive if both polarities come equally often (Bayes'
rule): what this user would think of it.
"""

from typing import Any, ClassVar

from pnfrec_keras.ranking.rules.base import Dislikes, Rule, Tensor
from pnfrec_keras.ranking.rules.difference import weight_where_read


class Posterior(Rule):
    """Weighs the two encoders by Bayes' rule."""

    name: ClassVar[str] = "posterior"
    summary: ClassVar[str] = (
        "It lowers an item by how much likelier the negative encoder finds it than the positive one, by Bayes' rule."
    )
    without_dislikes: ClassVar[str] = "Where a query sends no dislikes, it changes nothing."
    needs_dislikes: ClassVar[bool] = True
    needs_negative_encoder: ClassVar[bool] = True

    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """See `Rule.lower`."""
        if dislikes is None:
            return scores
        import tensorflow as tf

        lead = _log_softmax(scores) - _log_softmax(dislikes.negative)
        return scores + weight_where_read(gamma, dislikes.disliked) * tf.math.log_sigmoid(lead)


def _log_softmax(scores: Tensor) -> Tensor:
    """Over the catalogue, without column 0."""
    import tensorflow as tf

    return scores - tf.reduce_logsumexp(scores[:, 1:], axis=1, keepdims=True)
