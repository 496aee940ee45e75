"""Reads one model's answers to `rank_examples` from what TFMA hands to a metric."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow_model_analysis as tfma

from pnfrec_core import diversity, schema

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_OUTPUTS = (schema.OUTPUT_RANK, schema.OUTPUT_TOP_ITEMS, schema.OUTPUT_CATALOGUE_SIZE)


class RankOutputs(NamedTuple):
    """A batch of answers.

    Attributes:
        group: 1 for a positive target, else 0, shape (batch,).
        place: Rank of the target in the list of k items, 0 for a miss, shape (batch,).
        items: Item indices of the lists, 0 is padding, shape (batch, at most k).
        catalogue_size: Items that the model knows.
        bits: Self-information of `items`, of the same shape; None of an export from before models told it.
        target_bucket: Popularity bucket of each target by its place in `popularity.BUCKETS`, -1 where it is unknown,
            shape (batch,); None as `bits`.
        pairs: Of the groups of `items`, as `diversity.count_pairs` has them; None of an export from before models told
            groups.
    """

    group: Integers
    place: Integers
    items: Integers
    catalogue_size: int
    bits: Floats | None = None
    target_bucket: Integers | None = None
    pairs: Integers | None = None


def is_empty(element: Any, model: str) -> bool:
    """Whether a batch holds no example, as that of a slice does which is judged and has none."""
    predictions = element.get_predictions(model)
    return isinstance(predictions, Mapping) and np.size(predictions.get(schema.OUTPUT_RANK, 0)) == 0


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
    told = (*_read_lists(predictions, items), _read_pairs(predictions, items, k))
    return RankOutputs(_read_groups(element, model, len(rank)), place, items, size, *told)


def _read_lists(predictions: Mapping[str, Any], items: Integers) -> tuple[Floats | None, Integers | None]:
    if not {schema.OUTPUT_TOP_INFORMATION, schema.OUTPUT_TARGET_BUCKET} <= set(predictions):
        return None, None
    bits = np.asarray(predictions[schema.OUTPUT_TOP_INFORMATION], np.float64).reshape(len(items), -1)
    return bits[:, : items.shape[1]], np.asarray(predictions[schema.OUTPUT_TARGET_BUCKET], np.int64).reshape(-1)


def _read_pairs(predictions: Mapping[str, Any], items: Integers, k: int) -> Integers | None:
    if schema.OUTPUT_TOP_GROUPS not in predictions:
        return None
    groups = np.asarray(predictions[schema.OUTPUT_TOP_GROUPS], np.int64).reshape(len(items), -1)
    return diversity.count_pairs(groups[:, : items.shape[1]], k)


def add_exposure(exposure: Integers | None, outputs: RankOutputs, model: str) -> Integers:
    """Counts the items of `outputs`, but no padding, in `exposure` (in place, if it exists), (catalogue size + 1,)."""
    if exposure is None:
        exposure = np.zeros(outputs.catalogue_size + 1, np.int64)
    _check_same_size(len(exposure), outputs.catalogue_size + 1, model)
    np.add.at(exposure, outputs.items.reshape(-1), 1)
    exposure[0] = 0
    return exposure


def note_bits(bits: Floats | None, outputs: RankOutputs) -> Floats | None:
    """Writes the self-information of the items of `outputs` into `bits` (in place), 0 at items of no list.

    None where the model does not tell it.
    """
    if outputs.bits is None:
        return None
    if bits is None:
        bits = np.zeros(outputs.catalogue_size + 1, np.float64)
    bits[outputs.items.reshape(-1)] = outputs.bits.reshape(-1)
    bits[0] = 0.0
    return bits


def merge_exposures(left: Integers | None, right: Integers | None, model: str) -> Integers | None:
    """The exposures of both; neither argument is changed."""
    if left is None or right is None:
        return left if right is None else right.copy()
    _check_same_size(len(left), len(right), model)
    return left + right


def merge_bits(left: Floats | None, right: Floats | None) -> Floats | None:
    """The self-information of what is in a list of either; neither argument is changed."""
    if left is None or right is None:
        return left if right is None else right.copy()
    return np.maximum(left, right)


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
