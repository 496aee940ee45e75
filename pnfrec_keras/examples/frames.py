"""From a table of interactions in memory to arrays, for scripts and notebooks.

The pipeline does this in Beam, with filters, split rules and an account of every row; this helper is the short way: the
last positive interaction of each user is held out for validation, everything before it is training.
"""

import logging
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, evaluation_arrays, training_arrays
from pnfrec_keras.examples.frame_columns import check_threshold, read_columns
from pnfrec_keras.examples.vocabulary import Vocabulary

log = logging.getLogger(__name__)


class FrameArrays(NamedTuple):
    """What `arrays_from_frame` returns."""

    vocabulary: Vocabulary
    training: TrainingArrays
    validation: EvaluationArrays


def arrays_from_frame(
    frame: Any,
    *,
    positive: float,
    max_length: int = ModelConfig.max_length,
    user: str = "user",
    item: str = "item",
    value: str = "value",
    timestamp: str = "timestamp",
    dislikes: bool = False,
) -> FrameArrays:
    """Leave-one-out arrays from a DataFrame (pandas, or anything whose columns numpy can read).

    Users are held out with their last positive interaction, if they have at least three positive ones; what follows it
    is dropped, so that nothing later leaks into training. Like every leave-one-out split it still lets the model see
    other users' later interactions. It warns where nothing is disliked, of held-out items that can only be missed, and
    of rows that say two values of one interaction.

    Args:
        frame: One row an interaction. Ids, times and values are read as the pipeline reads those of a file: whole
            floats are integers, blanks around ids are no part of them, and times are numbers of one unit or dates.
        positive: An interaction is positive when its value is at least this.
        max_length: L of the model.
        user: Name of the user column.
        item: Name of the item column.
        value: Name of the value column.
        timestamp: Name of the time column. Equal timestamps keep the order of the rows.
        dislikes: Whether to tell where dislikes stand among the likes, for `eta` and `preference` of the model.

    Raises:
        ValueError: `positive` is no finite number, or `max_length` is none that a model has; or a column is missing, or
            has a row that cannot be used, of which the message names the first.
    """
    check_threshold(positive)
    max_length = ModelConfig(max_length=max_length).max_length
    users, items, values, times = read_columns(frame, user, item, value, timestamp)
    is_positive = values >= positive
    order = np.lexsort((np.arange(len(users)), times, users))
    users, items, is_positive = users[order], items[order], is_positive[order]
    training, held_out, in_training = _leave_one_out(users, is_positive)
    if is_positive.all():
        log.warning("No value is below `positive`, %g: there are no dislikes to learn from.", positive)
    if repeated := sum(bool((items[a:b] == items[b]).any()) for a, b in held_out):
        log.warning(
            "%d of %d held-out items are in the history of their user already, so that they can only be missed: keep "
            "one row of each user and item, as by `frame.drop_duplicates`.",
            *(repeated, len(held_out)),
        )
    vocabulary = Vocabulary.from_interactions(items[in_training], is_positive[in_training])

    def histories(spans: list[tuple[int, int]], polarity: bool) -> list[list[str]]:
        return [list(items[a:b][is_positive[a:b] == polarity]) for a, b in spans]

    return FrameArrays(
        vocabulary,
        training_arrays(
            histories(training, polarity=True),
            histories(training, polarity=False),
            vocabulary,
            max_length,
            [list(zip(items[a:b], is_positive[a:b], strict=True)) for a, b in training],
            dislikes=dislikes,
        ),
        evaluation_arrays(
            histories(held_out, polarity=True),
            [list(items[a:b]) for a, b in held_out],
            [items[b] for _, b in held_out],
            [1] * len(held_out),
            vocabulary,
            max_length,
        ),
    )


def _leave_one_out(
    users: npt.NDArray[Any], is_positive: npt.NDArray[np.bool_]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], npt.NDArray[np.bool_]]:
    """Where histories lie among the rows, which are sorted by user and time.

    Returns:
        Begin and end of each user's history for training; the same for users who are held out, where the end is the row
        of their target; and which rows are training.
    """
    starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]][: len(users)]).tolist()
    whole = list(zip(starts, [*starts[1:], len(users)], strict=True))
    in_training = np.ones(len(users), dtype=bool)
    held_out: list[tuple[int, int]] = []
    for start, end in whole:
        places = start + np.flatnonzero(is_positive[start:end])
        if len(places) >= 3:
            in_training[places[-1] : end] = False
            held_out.append((start, int(places[-1])))
    ends = dict(held_out)
    return [(start, ends.get(start, end)) for start, end in whole], held_out, in_training
