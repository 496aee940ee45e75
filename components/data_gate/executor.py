"""Raises where ExampleValidator found an anomaly or saw no example, or FeedbackGen a day that stops the run."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.data_gate import drift, message, sample

# Key of the input of FeedbackGen.
STATISTICS = "feedback_statistics"

_LOGGER = logging.getLogger(__name__)


class DataAnomalyError(RuntimeError):
    """The examples break the schema."""


class EmptySampleError(RuntimeError):
    """The sample by which the examples are checked holds none of them."""


class DriftError(RuntimeError):
    """The newest day is not like the days before, and the settings say that this stops the run."""


class Executor(base_executor.BaseExecutor):
    """Executor of `AnomalyGate`."""

    def Do(  # noqa: N802 (TFX calls it so)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],  # noqa: ARG002
        exec_properties: dict[str, Any],  # noqa: ARG002
    ) -> None:
        """Reads the anomalies of every split, and what FeedbackGen says of the newest day.

        Args:
            input_dict: Artifacts by key.
                - anomalies: Output of ExampleValidator.
                - feedback_statistics: Output of FeedbackGen; none looks at no days.
            output_dict: Empty.
            exec_properties: Empty.

        Raises:
            DriftError: The newest day stops the run; the message names each measure with its band.
            EmptySampleError: `statistics.sample_rate` is so small that no example was drawn.
            DataAnomalyError: There is one; the message names split, feature and reason of each.
            FileNotFoundError: A split was not validated.
        """
        accounts = [statistics.uri for statistics in input_dict.get(STATISTICS) or []]
        for folder in accounts:
            _check_days(folder)
        artifact = artifact_utils.get_single_instance(input_dict["anomalies"])
        splits = artifact_utils.decode_split_names(artifact.split_names)
        found = {split: read_anomalies(artifact_utils.get_split_uri([artifact], split)) for split in splits}
        for folder in accounts:
            _check_sample(folder, found)
        findings = [finding for split in splits for finding in message.list_findings(split, found[split])]
        if findings:
            raise DataAnomalyError(message.to_message(findings))
        _LOGGER.info("No anomaly in the splits %s.", ", ".join(splits))


def _check_days(folder: str) -> None:
    if stops := drift.list_stops(_account(folder)):
        raise DriftError(drift.to_message(stops, os.path.join(folder, "report.html")))


def _check_sample(folder: str, anomalies: Mapping[str, anomalies_pb2.Anomalies]) -> None:
    empty = [split for split, found in anomalies.items() if found.data_missing]
    if undrawn := sample.find_undrawn(empty, _account(folder)):
        raise EmptySampleError(sample.to_message(undrawn))


def _account(folder: str) -> str:
    with fileio.open(os.path.join(folder, "statistics.json"), "rb") as file:
        text: str = file.read().decode()
    return text


def read_anomalies(folder: str) -> anomalies_pb2.Anomalies:
    """What ExampleValidator wrote about one split."""
    path = os.path.join(folder, DEFAULT_FILE_NAME)
    if not fileio.exists(path):
        msg = f"No anomalies at {path}: ExampleValidator did not validate this split."
        raise FileNotFoundError(msg)
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
