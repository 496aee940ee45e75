"""Settings of training in the pipeline: those of `pnfrec_keras`, and what becomes of a model from day to day."""

import dataclasses
from typing import Any, Literal

from pnfrec_keras.config import TrainingConfig


@dataclasses.dataclass(frozen=True)
class TrainerConfig(TrainingConfig):
    """How the network is fitted (spec, section 5), and what is served of it.

    Attributes:
        refit: Whether a blessed model is trained anew on everything, held-out rows included, for as many steps as the
            judged one took to its best epoch; then that model is pushed, and knows the newest items. Null does so with
            the split "global_time", whose held-out rows are the newest ones, and not with others.
        warm_start: Whether a training on newer data begins with the models of the run before, by item id, instead of
            from scratch: the judged model with the judged one, a refit with the refit. It takes a fraction of the
            time. The split has to be "global_time".
        from_scratch_every: Every so many days, or rather sets of data, a training is from scratch all the same, so that
            what has gone wrong does not stay for ever. With 0 it never is.
        warm_epochs: The number of epochs of a warm training, at most; `patience` holds there too, `min_epochs` not.
        warm_new_items: What an item begins with that the earlier model does not know: the mean of the items that the
            "users" liked who met it, or of those of its "group" (`feedback.titles.group`), or "random".
        warm_positions: Whether the tables of positions are taken over, too.
        warm_norms: Whether the scales and shifts of the layer normalisations are.
    """

    refit: bool | None = None
    warm_start: bool = False
    from_scratch_every: int = 7
    warm_epochs: int = 5
    warm_new_items: Literal["users", "group", "random"] = "users"
    warm_positions: bool = True
    warm_norms: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strategy == "multi_worker":
            msg = (
                "`training.strategy: multi_worker` is for scripts that are started on each machine: the pipeline "
                "trains in one process, of one container on Kubeflow. Set `mirrored`, which takes all GPUs of its "
                "machine, or train with `pnfrec_keras.fit` (docs/guides/workers.md)."
            )
            raise ValueError(msg)
        if self.from_scratch_every < 0:
            msg = f"`training.from_scratch_every` must be 0, for never, or more. Received: {self.from_scratch_every}."
            raise ValueError(msg)
        if self.warm_epochs < 1:
            msg = f"`training.warm_epochs` must be at least 1. Received: {self.warm_epochs}."
            raise ValueError(msg)

    def warm(self) -> dict[str, Any] | None:
        """The fields of a `components.warm.start.WarmConfig`; None where every training is from scratch."""
        if not self.warm_start:
            return None
        return {
            "from_scratch_every": self.from_scratch_every,
            "epochs": self.warm_epochs,
            "new_items": self.warm_new_items,
            "positions": self.warm_positions,
            "norms": self.warm_norms,
        }

    def fitting(self) -> TrainingConfig:
        """What `pnfrec_keras` is to know."""
        return TrainingConfig(**{field.name: getattr(self, field.name) for field in dataclasses.fields(TrainingConfig)})
