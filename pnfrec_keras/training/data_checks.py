"""Whether training data hold what a model learns from."""

import dataclasses

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.examples.batch import MIXED


def check_margins(training_data: TrainingArrays, sequence: str) -> None:
    """Whether the margins are there that `model.soft_boundary` needs.

    Raises:
        ValueError: They are not, or are all 0.
    """
    margins = (training_data.margins or {}).get(sequence)
    if margins is None:
        msg = "`model.soft_boundary` needs the margins of interactions: read the training data with `margins=True`."
        raise ValueError(msg)
    if not margins[:, 1:].any():
        msg = (
            "All values to learn from lie on the boundary, so that with `model.soft_boundary` none would count. Check "
            "`feedback.positive` (is any value below the threshold?), or set `model.soft_boundary: 0`."
        )
        raise ValueError(msg)


def check_data(training_data: TrainingArrays, validation_data: EvaluationArrays, reads: str) -> None:
    """Whether there is something to learn and something to choose the best epoch by.

    Raises:
        ValueError: There is not.
    """
    items = training_data.mixed if reads == MIXED else training_data.positive
    if items is None:
        msg = "This variant reads the mixed history: read the training data with `mixed=True`."
        raise ValueError(msg)
    if not (items[:, 1:] > 0).any():
        msg = (
            "No training user has two items in a sequence: there is no next item to learn. Check `feedback.positive` "
            "(is the threshold too high?) and the filters."
        )
        raise ValueError(msg)
    if not validation_data.is_positive.any():
        msg = (
            "The validation split has no positive target, which early stopping needs. Check "
            "`feedback.split`, `feedback.test_quantile` and `feedback.positive`."
        )
        raise ValueError(msg)


def dislikes_for(config: ModelConfig, training_data: TrainingArrays) -> TrainingArrays:
    """The data with the places of dislikes for a model that learns from them, and without for another.

    Raises:
        ValueError: They are not there, or there is no dislike.
    """
    if not config.places_dislikes:
        return dataclasses.replace(training_data, disliked=None, disliked_at=None)
    if training_data.disliked is None:
        msg = (
            "`model.eta` and `model.preference` need the places of dislikes: read the training data with "
            "`dislikes=True`."
        )
        raise ValueError(msg)
    if not training_data.disliked.any():
        msg = (
            "No training user has a dislike after a like, so that `model.eta` and `model.preference` would do nothing. "
            "Check `feedback.positive` (is any value below the threshold?), or set both to 0."
        )
        raise ValueError(msg)
    return training_data
