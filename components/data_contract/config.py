"""How much of the examples the data contract is checked on."""

import dataclasses
import json
from typing import Any, ClassVar

from pnfrec_core import schema


@dataclasses.dataclass(frozen=True)
class StatisticsConfig:
    """The statistics by which the data contract is checked.

    Attributes:
        sample_rate: The share of the training examples that StatisticsGen looks at: 1 for all. With less it looks at
            some of the files (`feedback.shards`), which hold users by a hash of their ids, and opens no other: one at
            least, rounded up to as many as a pattern can name, the same ones each time. So an anomaly of a few users
            may pass unseen, and the node takes less time: some millions of users need no more than 0.1. The held-out
            examples, of which there are few, are looked at whole. Files without an example end the run.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    sample_rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sample_rate <= 1:
            msg = f"`statistics.sample_rate` must be above 0 and at most 1. Received: {self.sample_rate:g}."
            raise ValueError(msg)

    @property
    def by_split(self) -> str | None:
        """What TFX's StatisticsGen takes as `sample_rate_by_split`; None, its default, where all are looked at."""
        return None if self.sample_rate == 1 else json.dumps({schema.TRAIN_SPLIT: self.sample_rate})
