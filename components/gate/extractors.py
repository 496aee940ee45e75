"""Slices batches instead of examples, so that the gate's cost grows with batches.

TFMA's own extractors take every batch apart and send each example through the slices alone: most of the Evaluator's
time from some ten thousand users on. The Evaluator takes these extractors with
`module_path="components.gate.extractors"`; results are equal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.extractors import slice_key_extractor, unbatch_extractor
from tensorflow_model_analysis.proto import config_pb2

from pnfrec_core import schema

_REPLACED = (unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME, slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME)


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[Any]:
    """The hook that TFX's Evaluator looks for: TFMA's extractors with slicing by batch."""
    stock = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    features = [feature for spec in eval_config.slicing_specs for feature in spec.feature_keys]
    # A bound on a slice that has no example would fail: TFMA has to see the slice all the same.
    judged = {
        pair
        for spec in eval_config.metrics_specs
        for metric in spec.metrics
        for part in metric.per_slice_thresholds
        for slicing in part.slicing_specs
        for pair in slicing.feature_values.items()
    }
    # TFMA's evaluator needs a stage of this name.
    slicing = tfma.extractors.Extractor(
        stage_name=slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME, ptransform=SliceBatches(features, sorted(judged))
    )
    return [*(extractor for extractor in stock if extractor.stage_name not in _REPLACED), slicing]


class SliceBatches(beam.PTransform):
    """From a batch of extracts to one smaller batch for each slice that has examples in it, and one of all examples.

    Args:
        features: Features whose values are slices, each of its own.
        judged: Slices, by feature and value, that come out of every batch, empty where it has no example of them.
    """

    def __init__(self, features: list[str], judged: list[tuple[str, str]] | None = None) -> None:
        super().__init__()
        self._features = features
        self._judged = judged

    def expand(self, extracts: Any) -> Any:
        return extracts | "SliceBatch" >> beam.FlatMap(slice_batch, self._features, self._judged)


def slice_batch(
    extracts: Mapping[str, Any], features: list[str], judged: list[tuple[str, str]] | None = None
) -> Iterator[dict[str, Any]]:
    """Yields the labels and predictions of `extracts` for all examples and for each value of each of `features`.

    Those of `judged` that are none of these come out with no example.

    Raises:
        ValueError: An example has no value, or several, of a slice feature or of the label.
    """
    kept = {
        tfma.LABELS_KEY: _read_labels(extracts[tfma.LABELS_KEY]),
        tfma.PREDICTIONS_KEY: extracts[tfma.PREDICTIONS_KEY],
    }
    yield {**kept, tfma.SLICE_KEY_TYPES_KEY: _one_key(())}
    missing = dict.fromkeys(judged or [])
    for feature in features:
        column = _read_column(extracts[tfma.FEATURES_KEY].get(feature), feature)
        for value in np.unique(column):
            rows = np.flatnonzero(column == value)
            pair = (feature, value.decode() if isinstance(value, bytes) else value)
            missing.pop(pair, None)
            yield {**_take(kept, rows), tfma.SLICE_KEY_TYPES_KEY: _one_key((pair,))}
    nothing = np.zeros(0, np.int64)
    for pair in missing:
        yield {**_take(kept, nothing), tfma.SLICE_KEY_TYPES_KEY: _one_key((pair,))}


def _read_labels(labels: Any) -> Any:
    """The labels, by model where there are several, with a dimension for the batch."""
    if isinstance(labels, Mapping):
        return {model: _read_labels(values) for model, values in labels.items()}
    return _read_column(labels, schema.TARGET_IS_POSITIVE)


def _read_column(values: Any, feature: str) -> Any:
    """The one value of each example, shape (batch,)."""
    rows = len(values) if isinstance(values, np.ndarray) else 0
    column = values
    if isinstance(values, types.VarLenTensorValue):  # as examples are read under a schema
        rows = int(values.dense_shape[0])
        column = values.values if np.array_equal(values.indices[:, 0], np.arange(rows)) else None
    if not isinstance(column, np.ndarray) or column.size != rows:
        msg = f"Each example needs one value of the feature `{feature}`. Received: {values!r}."
        raise ValueError(msg)
    return column.reshape(-1)


def _one_key(key: tuple[Any, ...]) -> Any:
    # numpy would take the tuple for a dimension.
    keys = np.empty(1, dtype=object)
    keys[0] = key
    return keys


def _take(tree: Any, rows: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _take(value, rows) for key, value in tree.items()}
    return tree[rows]
