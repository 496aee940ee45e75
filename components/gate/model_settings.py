"""The settings that the Trainer wrote beside a model."""

import os
from typing import Any

import yaml
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from pnfrec_core import schema
from pnfrec_keras.ranking import rules

_FILE = os.path.join(schema.EXTRA_ASSETS, "config.yaml")


def read_settings(model: Any) -> dict[str, Any]:
    """Sections of the configuration that made a `Model` artifact; empty where none is written."""
    path = os.path.join(path_utils.serving_model_path(model.uri), _FILE)
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as stream:
        found: dict[str, Any] = yaml.safe_load(stream.read()) or {}
    return found


def asks_dislikes(model: Any) -> bool:
    """Whether the model ranks by what a user dislikes, so that its two lists, told and not told that, differ."""
    export = read_settings(model).get("export", {})
    return bool(export.get("gamma")) and rules.needs_dislikes(export.get("rule", ""))
