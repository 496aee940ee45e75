"""Settings of the push."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

# The version that serves, and one before it.
_LEAST_KEPT: Final = 2


@dataclasses.dataclass(frozen=True)
class RefitBounds:
    """What a refitted model has to show beside the judged one, before it is pushed in its place (`training.refit`).

    Attributes:
        users: How many held-out users both are asked for. With 0 their lists are not compared.
        min_overlap: The least share of the items of a list that must stand in the list of the judged model too, the
            mean over those users.
        min_items: The least size of its catalogue, as a share of the judged one's. It has all items of training, and
            those that came later, so that below 1 something is wrong.
        min_coverage: The least number of different items in the lists of those users, as a share of the judged one's.
        refused: What happens where it shows less: "stop" fails the run and pushes nothing, "judged" pushes the judged
            model and says so.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    users: int = 200
    min_overlap: float = 0.2
    min_items: float = 1.0
    min_coverage: float = 0.5
    refused: Literal["stop", "judged"] = "stop"

    def __post_init__(self) -> None:
        if self.users < 0:
            msg = f"`push.refit.users` must be 0, for none, or more. Received: {self.users}."
            raise ValueError(msg)
        for name in ("min_overlap", "min_items", "min_coverage"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                msg = f"`push.refit.{name}` must be a share from 0, for no bound, to 1. Received: {value}."
                raise ValueError(msg)


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
    refit: RefitBounds = dataclasses.field(default_factory=RefitBounds)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PushConfig":
        """The settings of which `dataclasses.asdict` made plain values."""
        return cls(**{**values, "refit": RefitBounds(**values.get("refit", {}))})

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
