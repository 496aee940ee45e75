"""`difference`: s_p(i) - gamma * s_n(i)."""

from typing import Any, ClassVar

from pnfrec_keras.ranking.rules.base import Dislikes, Rule, Tensor


class Difference(Rule):
    """Subtracts what the negative encoder expects that the user will dislike next."""

    name: ClassVar[str] = "difference"
    summary: ClassVar[str] = "It subtracts the score that the negative encoder gives an item after the user's dislikes."
    without_dislikes: ClassVar[str] = "Where a query sends no dislikes, it changes nothing."
    needs_dislikes: ClassVar[bool] = True
    needs_negative_encoder: ClassVar[bool] = True

    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """See `Rule.lower`."""
        if dislikes is None:
            return scores
        return scores - weight_where_read(gamma, dislikes.disliked) * dislikes.negative


def weight_where_read(gamma: Any, disliked: Tensor) -> Tensor:
    """The weight of each row as a column: 0 where the negative encoder has nothing to read, so that scores stay.

    Args:
        gamma: A float, or a tensor (batch,).
        disliked: (batch,), how many disliked items it reads.
    """
    import tensorflow as tf

    gamma = tf.broadcast_to(tf.cast(gamma, tf.float32), tf.shape(disliked))
    return tf.where(disliked > 0, gamma, 0.0)[:, tf.newaxis]
