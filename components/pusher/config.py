"""Settings of the push."""

import dataclasses
import math
from typing import Any, ClassVar, Final

# The version that serves, and one before it.
_LEAST_KEPT: Final = 2


@dataclasses.dataclass(frozen=True)
class PushConfig:
    """What a blessed model has to show before it is pushed.

    Attributes:
        rehearse: Whether the model is first loaded in a process of its own, in a TF1-style session as TensorFlow
            Serving loads it, and answers the requests that the export keeps for warm-up. Where it fails, the run
            fails, and nothing is pushed.
        max_answer_ms: The longest that an answer to one user may take there, in milliseconds: the median of twenty, of
            the slowest signature. Null sets no bound. It holds for the machine that pushes, and for its load.
        replay_users: How many held-out users are asked for both of the version that serves and of the new model; what
            differs is told and lies beside the model as `replay.json`. With 0 none are.
        min_overlap: The least share of the items of a list that must stand in the list of the version that serves too,
            the mean over those users. Below it nothing is pushed. Null sets no bound.
        keep_versions: How many versions stay in the serving folder: after a push the oldest beyond are deleted, but
            none that is pinned or labelled (`pnfrec models`). Those marked as bad do not count, and go with the oldest.
            Null keeps all.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    rehearse: bool = True
    max_answer_ms: float | None = None
    replay_users: int = 200
    min_overlap: float | None = None
    keep_versions: int | None = None

    def __post_init__(self) -> None:
        if self.replay_users < 0:
            msg = f"`push.replay_users` must be 0, for none, or more. Received: {self.replay_users}."
            raise ValueError(msg)
        if self.keep_versions is not None and self.keep_versions < _LEAST_KEPT:
            msg = (
                f"`push.keep_versions` must be {_LEAST_KEPT} or more, since a rollback needs a version to go back to, "
                f"or null to keep all. Received: {self.keep_versions}."
            )
            raise ValueError(msg)
        if self.min_overlap is not None:
            self._check_overlap(self.min_overlap)
        bound = self.max_answer_ms
        if bound is None:
            return
        if not (math.isfinite(bound) and bound > 0):
            msg = f"`push.max_answer_ms` must be above 0, or null for no bound. Received: {bound}."
            raise ValueError(msg)
        if not self.rehearse:
            msg = "`push.max_answer_ms` is measured by the rehearsal: set `push.rehearse: true`, or leave it null."
            raise ValueError(msg)

    def _check_overlap(self, least: float) -> None:
        if not 0.0 <= least <= 1.0:
            msg = f"`push.min_overlap` must be a share from 0 to 1, or null for no bound. Received: {least}."
            raise ValueError(msg)
        if not self.replay_users:
            msg = "`push.min_overlap` is measured by the replay: set `push.replay_users`, or leave it null."
            raise ValueError(msg)
