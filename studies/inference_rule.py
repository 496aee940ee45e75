"""How an arm of a study ranks. Apart from the study, whose reading is no part of what a trial comes from."""

import dataclasses
from typing import Any, ClassVar, Literal

_FORBID: dict[str, Any] = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class InferenceRule:
    """How an arm ranks with a trained model, where it is not the positive encoder alone.

    Attributes:
        rule: Of `pnfrec_keras.ranking.rules`.
        gamma: Weights of the dislikes to choose from, 0 first. Each trial takes the one with the largest delta NDCG on
            its own validation targets among those that lose no NDCG_p against the first that can be told from chance.
        delta_weight: Instead, the gamma with the largest NDCG_p + w delta NDCG on validation is taken, as by the tuner.
        recency: Weight of what is liked now; wants `feedback.recent_days`.
        without_positives: The positive items are taken out of all histories before anything ranks: what is left is a
            user who has disliked things only.
        negatives_for_positives: Where a history has no positive item, the positive encoder reads the negative ones:
            people dislike what they had reason to try.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    rule: Literal["positive", "like_rate", "like_odds", "difference", "posterior"] = "positive"
    gamma: list[float] = dataclasses.field(default_factory=lambda: [0.0])
    delta_weight: float | None = None
    recency: float = 0.0
    without_positives: bool = False
    negatives_for_positives: bool = False
