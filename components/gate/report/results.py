"""Reads what the Evaluator wrote: numbers by model and slice, and TFMA's own verdict."""

import os
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma

from components.gate.report.measured import Evaluation, SliceValues, Values
from components.gate.responsiveness import RESULT_FILE, Response, from_json
from pnfrec_core import schema


def read_evaluation(path: str, has_baseline: bool) -> Evaluation:
    """Results in the folder of a `ModelEvaluation` artifact.

    Args:
        path: The folder.
        has_baseline: Whether the Evaluator was given a baseline; the results must say the same.

    Raises:
        ValueError: The folder holds no results of the Evaluator, or they and `has_baseline` contradict each other.
    """
    if not tf.io.gfile.glob(os.path.join(path, f"{tfma.constants.VALIDATIONS_KEY}*")):
        msg = f"There is no evaluation in {path}. It must be the output of an Evaluator with bounds."
        raise ValueError(msg)
    validation = tfma.load_validation_result(path)
    found = [_read_slice(metrics) for metrics in tfma.load_metrics(path)]
    if found and has_baseline != any(values.baseline is not None for values in found):
        expected = "with" if has_baseline else "without"
        msg = f"The evaluation in {path} should be one {expected} a baseline. Wire the Evaluator and the report alike."
        raise ValueError(msg)
    empty = SliceValues("", "", {}, {} if has_baseline else None)
    return Evaluation(
        overall=next((values for values in found if not values.feature), empty),
        slices=tuple(values for values in found if values.feature),
        has_baseline=has_baseline,
        validation_ok=bool(validation.validation_ok),
        failures=tuple(_describe_failures(validation)),
    )


def read_random(path: str) -> SliceValues | None:
    """What was measured on what was shown at random; None where that was not evaluated.

    Args:
        path: The folder of a `ModelEvaluation` artifact.
    """
    folder = os.path.join(path, schema.TEST_RANDOM_SPLIT)
    if not tf.io.gfile.isdir(folder):
        return None
    found = [_read_slice(metrics) for metrics in tfma.load_metrics(folder)]
    return found[0] if found else SliceValues("", "", {}, None)


def read_response(path: str) -> Response | None:
    """What a dislike does, by what lies beside the results; None where nobody measured it."""
    file = os.path.join(path, RESULT_FILE)
    return from_json(tf.io.gfile.GFile(file).read()) if tf.io.gfile.exists(file) else None


def _read_slice(metrics: Any) -> SliceValues:
    models: dict[str, Values] = {}
    for entry in metrics.metric_keys_and_values:
        if not entry.key.is_diff:
            models.setdefault(entry.key.model_name, {})[entry.key.name] = entry.value.double_value.value
    feature, value = "", ""
    for part in metrics.slice_key.single_slice_keys:
        feature = part.column
        kind = part.WhichOneof("kind")
        raw = getattr(part, kind)
        value = raw.decode() if isinstance(raw, bytes) else str(raw)
    baseline = models.pop(tfma.BASELINE_KEY, None)
    # A model that is evaluated alone has the empty name.
    candidate = next(iter(models.values()), {})
    return SliceValues(feature, value, candidate, baseline)


def _describe_failures(validation: Any) -> list[str]:
    failures = []
    for part in validation.metric_validations_per_slice:
        for failure in part.failures:
            kind = "change" if failure.metric_key.is_diff else "value"
            reason = failure.message.strip() or "out of bounds"
            failures.append(
                f"{failure.metric_key.name} ({kind} {failure.metric_value.double_value.value:.6g}): {reason}"
            )
    failures.extend("no example at all" for _ in validation.missing_slices)
    return sorted(failures)
