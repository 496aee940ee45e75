"""Settings of training in the pipeline: those of `pnfrec_keras`, and what becomes of a model from day to day."""

import dataclasses

from pnfrec_keras.config import TrainingConfig


@dataclasses.dataclass(frozen=True)
class TrainerConfig(TrainingConfig):
    """How the network is fitted (spec, section 5), and what is served of it.

    Attributes:
        refit: Whether a blessed model is trained anew on everything, held-out rows included, for as many steps as the
            judged one took to its best epoch; then that model is pushed, and knows the newest items. Null does so with
            the split "global_time", whose held-out rows are the newest ones, and not with others.
    """

    refit: bool | None = None

    def fitting(self) -> TrainingConfig:
        """What `pnfrec_keras` is to know."""
        return TrainingConfig(**{field.name: getattr(self, field.name) for field in dataclasses.fields(TrainingConfig)})
