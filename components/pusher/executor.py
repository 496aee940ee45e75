"""Executor of ServingPusher."""

import json
import os
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from pnfrec_core import schema

SAVED_MODEL_FILE = "saved_model.pb"
RESOLVED_CONFIG = "resolved_config"
# Beside config.yaml, which holds what made the model; a model may be pushed again by a run with another gate.
CONFIG_FILE = os.path.join(schema.EXTRA_ASSETS, "run.yaml")
_CHUNK = 1 << 20


class Executor(executor.Executor):  # type: ignore[misc]
    """Pushes a blessed model unless the newest version in the serving folder is that very model."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes, or marks the version that is there already.

        Args:
            input_dict: `model` and `model_blessing`.
            output_dict: `pushed_model`.
            exec_properties: `push_destination`, a PushDestination as JSON, and `custom_config`, whose
                `resolved_config` is written into the version unless it holds some already.
        """
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        newest = newest_version(destination.filesystem.base_directory)
        blessed = self.CheckBlessing(input_dict)
        if newest and blessed and same_files(self.GetModelPath(input_dict), newest):
            logging.info("%s is this very model: nothing to push.", newest)
            pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
            self._MarkPushed(pushed, pushed_destination=newest, pushed_version=os.path.basename(newest))
        else:
            super().Do(input_dict, output_dict, exec_properties)
        if blessed:
            path = os.path.join(newest_version(destination.filesystem.base_directory), CONFIG_FILE)
            settings = json.loads(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}")
            # Not there either where a push was killed before this line.
            if not fileio.exists(path):
                _write(path, settings.get(RESOLVED_CONFIG, ""))


def newest_version(base: str) -> str:
    """The folder of the greatest version below `base` that is complete; "" where there is none."""
    if not fileio.isdir(base):
        return ""
    names = [name.rstrip("/") for name in fileio.listdir(base)]
    versions = sorted((name for name in names if name.isascii() and name.isdecimal()), key=int, reverse=True)
    folders = (os.path.join(base, name) for name in versions)
    return next((folder for folder in folders if fileio.exists(os.path.join(folder, SAVED_MODEL_FILE))), "")


def _write(path: str, text: str) -> None:
    """Writes a file that is whole as soon as it is there."""
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path + ".unfinished", "w") as stream:
        stream.write(text)
    fileio.rename(path + ".unfinished", path, overwrite=True)


def same_files(one: str, other: str) -> bool:
    """Whether two folders hold the same files, byte for byte, but for the settings of the run."""
    files = _files(one)
    return files == _files(other) and all(_same(os.path.join(one, name), os.path.join(other, name)) for name in files)


def _files(folder: str) -> list[str]:
    paths = (os.path.join(root, name) for root, _, names in fileio.walk(folder) for name in names)
    names = (os.path.relpath(path, folder) for path in paths)
    return sorted(name for name in names if not name.startswith(CONFIG_FILE))


def _same(one: str, other: str) -> bool:
    with fileio.open(one, "rb") as first, fileio.open(other, "rb") as second:
        while True:
            part = first.read(_CHUNK)
            if part != second.read(_CHUNK):
                return False
            if not part:
                return True
