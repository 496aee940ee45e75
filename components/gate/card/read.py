"""Reads what the card is made of from artifacts."""

import datetime
import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, Final

import yaml
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.gate.card.sources import Record, Sources
from components.gate.model_ranking import read_ranking
from components.gate.report.content import Report
from pnfrec_core import schema

_STATISTICS: Final = "statistics.json"
# What judges: the model's own manifest says what trained it.
_SOFTWARE: Final = ("pnfrec", "tfx", "tensorflow-model-analysis", "tensorflow", "apache-beam")


def read_sources(report: Report, model: Any, statistics: Sequence[Any] = ()) -> Sources:
    """The records of the run that made a model.

    Args:
        report: The gate's verdict.
        model: The `Model` artifact.
        statistics: The `FeedbackStatistics` artifact, alone in a list; empty where nobody wired it.

    Raises:
        ValueError: A file is there and cannot be read.
    """
    extra = os.path.join(path_utils.serving_model_path(model.uri), schema.EXTRA_ASSETS)
    return Sources(
        report=report,
        statistics=read_statistics(statistics),
        manifest=_read(os.path.join(extra, "manifest.json"), json.loads),
        config=_read(os.path.join(extra, "config.yaml"), yaml.safe_load),
        ranking=read_ranking(model),
        trained_at=_moment(model.mlmd_artifact.create_time_since_epoch),
        versions={name: version for name in _SOFTWARE if (version := _version(name))},
    )


def read_statistics(statistics: Sequence[Any]) -> Record:
    """The account of the feedback, of an argument as of `read_sources`."""
    return _read(os.path.join(statistics[0].uri, _STATISTICS), json.loads) if statistics else {}


def _read(path: str, parse: Callable[[str], Any]) -> Record:
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as stream:
        text = stream.read()
    try:
        found = parse(text)
    except (ValueError, yaml.YAMLError) as error:
        msg = f"{path}: cannot be read for the model card ({error}). Train and export again."
        raise ValueError(msg) from error
    return found if isinstance(found, Mapping) else {}


def _moment(milliseconds: int) -> str:
    """The time of the pipeline's record as a date; "" for 0, which an artifact has that is not recorded."""
    if not milliseconds:
        return ""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
