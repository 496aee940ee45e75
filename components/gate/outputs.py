"""Reads one model's answers to `rank_examples` from what TFMA hands to a metric."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow_model_analysis as tfma

from pnfrec_core import schema

Integers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

_OUTPUTS = (schema.OUTPUT_RANK, schema.OUTPUT_TOP_ITEMS, schema.OUTPUT_CATALOGUE_SIZE)


class RankOutputs(NamedTuple):
    """A batch of answers.

    Attributes:
        group: 1 for a positive target, else 0, shape (batch,).
        place: Rank of the target in the list of k items, 0 for a miss, shape (batch,).
        items: Item indices of the lists, 0 is padding, shape (batch, at most k).
        catalogue_size: Items that the model knows.
    """

    group: Integers
    place: Integers
    items: Integers
    catalogue_size: int


def read_outputs(element: Any, model: str, k: int, by_default: bool = False) -> RankOutputs:
    """The answers of `model` in `element`, one example or a batch.

    Args:
        element: `tfma.metrics.StandardMetricInputs` with labels and predictions.
        model: Name of the model; `""` where there is one.
        k: Length of the list that the measures look at.
        by_default: Take the rank in the list of `serving_default`; the items are those of the other list all the same.
            A baseline exported before models reported that rank has one rank for both (where its lists differ, it is
            left out: `components.gate.last_blessed`).

    Raises:
        ValueError: An output or the label is missing, of the wrong size or out of range.
    """
    predictions = element.get_predictions(model)
    where = f"model {model!r}" if model else "the model"
    # A baseline may be from before models reported that rank.
    asked = (*_OUTPUTS, schema.OUTPUT_DEFAULT_RANK) if by_default and model != tfma.BASELINE_KEY else _OUTPUTS
    if not isinstance(predictions, Mapping) or not set(asked) <= set(predictions):
        found = sorted(predictions) if isinstance(predictions, Mapping) else type(predictions).__name__
        msg = (
            f"Signature `{schema.RANK_SIGNATURE}` of {where} must return {', '.join(asked)}. Received: {found}. "
            "Export the model with this project's trainer."
        )
        raise ValueError(msg)
    rank = predictions[schema.OUTPUT_RANK]
    if by_default:
        rank = predictions.get(schema.OUTPUT_DEFAULT_RANK, rank)
    rank = np.asarray(rank, np.int64).reshape(-1)
    items = np.asarray(predictions[schema.OUTPUT_TOP_ITEMS], np.int64).reshape(len(rank), -1)
    size = _read_catalogue_size(predictions[schema.OUTPUT_CATALOGUE_SIZE], where)
    if items.shape[1] < min(k, size):
        msg = (
            f"`{schema.OUTPUT_TOP_ITEMS}` of {where} holds {items.shape[1]} items, yet the gate looks at k = {k}. "
            "Export the model with a `k` that is not below `gate.k`."
        )
        raise ValueError(msg)
    items = items[:, :k]
    if items.size and not 0 <= items.min() <= items.max() <= size:
        msg = f"`{schema.OUTPUT_TOP_ITEMS}` of {where} must lie in 0..{size}. Received: {items.min()} to {items.max()}."
        raise ValueError(msg)
    place = np.where((rank >= 1) & (rank <= k), rank, 0)
    return RankOutputs(_read_groups(element, model, len(rank)), place, items, size)


def mark_items(marks: Marks | None, outputs: RankOutputs, model: str) -> Marks:
    """Adds the items of `outputs` to `marks` (in place, once they exist), True at each recommended index."""
    if marks is None:
        marks = np.zeros(outputs.catalogue_size + 1, np.bool_)
    _check_same_size(len(marks), outputs.catalogue_size + 1, model)
    marks[outputs.items.reshape(-1)] = True
    marks[0] = False
    return marks


def merge_marks(left: Marks | None, right: Marks | None, model: str) -> Marks | None:
    """Items that either marks; neither argument is changed."""
    if left is None or right is None:
        return left if right is None else right.copy()
    _check_same_size(len(left), len(right), model)
    return left | right


def _read_catalogue_size(values: Any, where: str) -> int:
    sizes = np.unique(np.asarray(values, np.int64))
    if len(sizes) != 1 or sizes[0] < 1:
        msg = f"`{schema.OUTPUT_CATALOGUE_SIZE}` of {where} must be one positive number. Received: {sizes.tolist()}."
        raise ValueError(msg)
    return int(sizes[0])


def _read_groups(element: Any, model: str, examples: int) -> Integers:
    labels = element.get_labels(model)
    values = getattr(labels, "values", labels)  # a VarLenTensorValue holds its numbers in `values`
    if values is None or (group := np.asarray(values).reshape(-1)).size != examples:
        found = "none" if values is None else f"{np.asarray(values).size} for {examples} examples"
        msg = (
            f"Each example needs one `{schema.TARGET_IS_POSITIVE}` (0 or 1). Received: {found}. "
            "Evaluate a split with targets: validation or test."
        )
        raise ValueError(msg)
    if not np.isin(group, (0, 1)).all():
        msg = f"`{schema.TARGET_IS_POSITIVE}` must be 0 or 1. Received: {np.unique(group).tolist()}."
        raise ValueError(msg)
    return group.astype(np.int64)


def _check_same_size(left: int, right: int, model: str) -> None:
    if left != right:
        msg = f"Model {model!r} gave two catalogue sizes: {left - 1} and {right - 1}. A model has one catalogue."
        raise ValueError(msg)
