"""The score that a list is ranked by, composed in one place for the gate, for serving and for studies.

It is the positive encoder's, or popularity where that has nothing to read; lowered by a rule
(`pnfrec_keras.ranking.rules`) and raised by recency (`pnfrec_keras.ranking.rates`). The trend is part of the model's
own scores, and its fallback (`pnfrec_keras.ranking.trend`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from pnfrec_keras.config import check_recency
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.ranking import rates, topk
from pnfrec_keras.ranking.rules import Dislikes, find_rule

if TYPE_CHECKING:
    from pnfrec_keras.network.model import PNFRec

Tensor = Any


class Scorer:
    """Scores of one model over its catalogue.

    Weights `gamma` are floats, or tensors (batch,) with one a row. At a plain 0 no rule acts.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, for popularity, like rates and recency.
        rule: Name of the rule; None for none. Whether the model can follow it is the caller's to check (`Rule.check`).
        recency: Weight of what is liked now.

    Raises:
        ValueError: The rule is unknown, or recency is weighed beside a trend or needs counts that the vocabulary does
            not have.
    """

    def __init__(self, model: "PNFRec", vocabulary: Vocabulary, rule: str | None, recency: float = 0.0) -> None:
        self.rule = None if rule is None else find_rule(rule)(vocabulary)
        check_recency(recency, model.trend_days)
        self._recency = _recency(vocabulary, recency) if recency else None
        # Not the model itself, whose Keras variables no SavedModel may track (`pnfrec_keras.export`).
        self._state_scores = model.state_scores
        self._history_length = model.history_length
        popularity = vocabulary.popularity()
        self.popularity = tf.constant(np.array(model.fallback(popularity)))
        # In the scale of scores, for something to be added to; in the same order.
        self.log_popularity = tf.constant(np.array(model.fallback(rates.log_popularity(popularity))))

    @property
    def needs_dislikes(self) -> bool:
        """Whether the rule asks what the user dislikes."""
        return self.rule is not None and self.rule.needs_dislikes

    @property
    def needs_negative_encoder(self) -> bool:
        """Whether the rule reads dislikes by the negative encoder."""
        return self.rule is not None and self.rule.needs_negative_encoder

    def __call__(self, state: Tensor, known: Tensor, gamma: Any, dislikes: Dislikes | None = None) -> Tensor:
        """The scores that lists are ranked by: `lower` of `own`.

        Args:
            state: (batch, dim), what the positive encoder makes of each history (`PNFRec.encode_history`).
            known: (batch,), how many known items each history has.
            gamma: Weight of the rule.
            dislikes: Of `dislikes`; None where a query sends none.

        Returns:
            float32 (batch, items + 1); column 0 is padding.
        """
        return self.lower(self.own(state, known, gamma), gamma, dislikes)

    def own(self, state: Tensor, known: Tensor, gamma: Any) -> Tensor:
        """Scores of the positive encoder; popularity where it has nothing to read, in the scale of what is added."""
        popularity = self.popularity if self._recency is None and _is_zero(gamma) else self.log_popularity
        return topk.fall_back(self._state_scores(state), known, popularity)

    def lower(self, own: Tensor, gamma: Any, dislikes: Dislikes | None = None) -> Tensor:
        """`own` by rule and recency; the very same scores where both weights are a plain 0."""
        scores = own
        if self.rule is not None and not _is_zero(gamma):
            weight = float(gamma) if isinstance(gamma, int) else gamma
            scores = self.rule.lower(own, weight, dislikes if self.needs_dislikes else None)
        return scores if self._recency is None else scores + self._recency

    def dislikes(self, liked: Tensor, disliked: Tensor, negative_state: Tensor | None = None) -> Dislikes:
        """What a rule may ask about the users of a batch.

        Args:
            liked: (batch,), how many known items the positive history of each has.
            disliked: (batch,), how many the negative one has.
            negative_state: (batch, dim), what the negative encoder makes of the latter; None where the rule needs none.
        """
        negative = None if negative_state is None else self._state_scores(negative_state, negative=True)
        return Dislikes(self._read(liked), self._read(disliked), negative)

    def offsets(self, dim: Any, gamma: Any) -> Tensor:
        """(items + 1,): what an item's score gets whoever asks, where nobody tells dislikes: trend, recency and rule.

        Args:
            dim: Width of a state.
            gamma: Weight of the rule.
        """
        return self.lower(self._state_scores(tf.zeros([1, dim])), gamma)[0]

    def _read(self, known: Tensor) -> Tensor:
        """How many of the known items of a history the encoders read."""
        return tf.minimum(known, self._history_length)


def _is_zero(gamma: Any) -> bool:
    return isinstance(gamma, int | float) and gamma == 0


def _recency(vocabulary: Vocabulary, weight: float) -> Tensor:
    if vocabulary.recent_positive_counts is None:
        msg = (
            "`export.recency` above 0 needs the likes of the last days, which this vocabulary does not have: set "
            "`feedback.recent_days` and run the pipeline again."
        )
        raise ValueError(msg)
    recent = rates.log_recency(vocabulary.positive_counts, vocabulary.recent_positive_counts)
    return tf.constant(weight * recent, tf.float32)
