"""How an arm of a study ranks. Apart from the study, whose reading is no part of what a trial comes from."""

import dataclasses
from typing import Any, ClassVar

from pnfrec_keras.ranking import rules

_FORBID: dict[str, Any] = {"extra": "forbid"}
# Of an arm that ranks with the positive encoder alone.
NO_RULE = "positive"


@dataclasses.dataclass(frozen=True)
class InferenceRule:
    """How an arm ranks with a trained model, where it is not the positive encoder alone.

    Attributes:
        rule: Name of a rule of `pnfrec_keras.ranking.rules`; "positive" for none.
        gamma: Weights of the dislikes to choose from, 0 first. Each trial takes the one with the largest delta NDCG on
            its own validation targets among those that lose no NDCG_p against the first that can be told from chance.
        delta_weight: Instead, the gamma with the largest NDCG_p + w delta NDCG on validation is taken, as by the tuner.
        largest: Instead, the largest gamma is taken that loses no NDCG_p against the first that can be told from chance
            on validation, as suits a rule that widens lists.
        recency: Weight of what is liked now; wants `feedback.recent_days`.
        without_positives: The positive items are taken out of all histories before anything ranks: what is left is a
            user who has disliked things only.
        negatives_for_positives: Where a history has no positive item, the positive encoder reads the negative ones:
            people dislike what they had reason to try.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    rule: str = NO_RULE
    gamma: list[float] = dataclasses.field(default_factory=lambda: [0.0])
    delta_weight: float | None = None
    largest: bool = False
    recency: float = 0.0
    without_positives: bool = False
    negatives_for_positives: bool = False

    def __post_init__(self) -> None:
        known = (NO_RULE, *rules.registry())
        if self.rule not in known:
            msg = f"`rule` must be one of {', '.join(known)}. Received: {self.rule!r}."
            raise ValueError(msg)
        if self.largest and self.delta_weight is not None:
            msg = "`largest` and `delta_weight` both say which gamma is taken. Leave one of them out."
            raise ValueError(msg)

    @property
    def rule_name(self) -> str | None:
        """The rule that lowers items; None for the positive encoder alone."""
        return None if self.rule == NO_RULE else self.rule
