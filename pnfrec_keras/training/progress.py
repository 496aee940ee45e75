"""What is about to be trained, as the event that logs and terminals show."""

import numpy as np

from pnfrec_core import events
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays


def training_started(
    num_items: int,
    config: ModelConfig,
    training_data: TrainingArrays,
    validation_data: EvaluationArrays | None,
    epochs_done: int,
) -> events.TrainingStarted:
    """The network by the settings that distinguish it, and how much it is trained and validated on.

    Args:
        num_items: Size of the catalogue.
        config: The network.
        training_data: Sequences of the training users.
        validation_data: Examples that decide when to stop; None where the number of steps is given.
        epochs_done: Epochs of an earlier, interrupted run.
    """
    variant = variant_of(config.variant)
    settings: dict[str, str | float] = {
        "variant": config.variant,
        "width": config.dim,
        "blocks": config.num_blocks,
        "histories of up to": config.max_length,
    }
    optional = {
        "alpha": config.alpha if variant.negative_loss else 0,
        "beta": config.beta if variant.contrastive else 0,
        "soft boundary": config.soft_boundary,
        "trend of days": config.trend_days,
        "eta": config.eta,
        "preference": config.preference,
    }
    settings |= {name: value for name, value in optional.items() if value}
    if variant.mixed:
        sequences = [training_data.mixed]
    else:
        reads_negatives = optional["alpha"] or optional["beta"] or config.places_dislikes
        sequences = [training_data.positive, training_data.negative if reads_negatives else None]
    return events.TrainingStarted(
        settings=settings,
        users=len(training_data),
        interactions=sum(int(np.count_nonzero(items)) for items in sequences if items is not None),
        items=num_items,
        validation_examples=0 if validation_data is None else len(validation_data),
        epochs_done=epochs_done,
    )
