"""Settings of the push."""

import dataclasses
import math
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class PushConfig:
    """What a blessed model has to show before it is pushed.

    Attributes:
        rehearse: Whether the model is first loaded in a process of its own, in a TF1-style session as TensorFlow
            Serving loads it, and answers the requests that the export keeps for warm-up. Where it fails, the run
            fails, and nothing is pushed.
        max_answer_ms: The longest that an answer to one user may take there, in milliseconds: the median of twenty, of
            the slowest signature. Null sets no bound. It holds for the machine that pushes, and for its load.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    rehearse: bool = True
    max_answer_ms: float | None = None

    def __post_init__(self) -> None:
        bound = self.max_answer_ms
        if bound is None:
            return
        if not (math.isfinite(bound) and bound > 0):
            msg = f"`push.max_answer_ms` must be above 0, or null for no bound. Received: {bound}."
            raise ValueError(msg)
        if not self.rehearse:
            msg = "`push.max_answer_ms` is measured by the rehearsal: set `push.rehearse: true`, or leave it null."
            raise ValueError(msg)
