"""Executor of ServingPusher."""

import json
import logging
import os
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.pusher import marks
from components.pusher.config import PushConfig
from components.pusher.delivery import OF_THE_RUN, REPLAY_FILE, deliver, newest_version
from components.pusher.rehearsal import rehearse
from components.pusher.replay import Compared, replay
from pnfrec_core import schema, versions

REPORT = "report"
EXAMPLES = "examples"
RESOLVED_CONFIG = "resolved_config"
PUSH = "push"
_CHUNK = 1 << 20

log = logging.getLogger(__name__)


class Executor(executor.Executor):  # type: ignore[misc]
    """Pushes a blessed model unless the newest version in the serving folder is that very model.

    TFX's own names a version by the present second, whatever is there: below a greater number nobody would serve it,
    and beside a run that pushes in the same second it would take the other's model for its own.
    """

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes, or marks the version that is there already.

        Args:
            input_dict: `model` and `model_blessing`; `report`, if there is one, whose model card goes with the model;
                `examples`, if there are any, whose users are asked for by `push.replay_users`.
            output_dict: `pushed_model`, which gets the properties in `components.pusher.marks`.
            exec_properties: `push_destination`, a PushDestination as JSON, and `custom_config`, whose
                `resolved_config` is written into the version that is pushed, and `push` the fields of a PushConfig.

        Raises:
            NotServableError: The model does not answer as it has to. Nothing was pushed.
            NoVersionLeftError: The serving folder holds the greatest version that there is.
        """
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        base, model = destination.filesystem.base_directory, self.GetModelPath(input_dict)
        folder = newest_version(base)
        is_new = not folder or not same_files(model, folder)
        if is_new:
            settings = json.loads(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}")
            push = PushConfig(**settings.get(PUSH, {"rehearse": False, "replay_users": 0}))
            if push.rehearse:
                rehearse(model, push)
            told = _replay(input_dict, model, folder, push)
            folder = deliver(model, base, settings.get(RESOLVED_CONFIG, ""), _card(input_dict), told)
            io_utils.copy_dir(model, pushed.uri)
            log.info("Pushed to %s.", folder)
        else:
            log.info("%s is this very model: nothing to push.", folder)
        self._MarkPushed(pushed, pushed_destination=folder, pushed_version=os.path.basename(folder))
        pushed.set_int_custom_property(marks.IS_NEW, int(is_new))


def same_files(one: str, other: str) -> bool:
    """Whether two folders hold the same model, byte for byte: but for what is of a run, or of one export alone."""
    files = _files(one)
    return files == _files(other) and all(_same(os.path.join(one, name), os.path.join(other, name)) for name in files)


def _files(folder: str) -> list[str]:
    paths = (os.path.join(root, name) for root, _, names in fileio.walk(folder) for name in names)
    names = (os.path.relpath(path, folder) for path in paths)
    return sorted(name for name in names if not name.startswith((*OF_THE_RUN, versions.FINGERPRINT_FILE)))


def _replay(input_dict: dict[str, list[types.Artifact]], model: str, serving: str, push: PushConfig) -> dict[str, str]:
    """The file that says how a model differs from the version that serves; none where there is nothing to compare."""
    examples = input_dict.get(EXAMPLES)
    if not (serving and examples):
        return {}
    (folder,) = artifact_utils.get_split_uris(examples, schema.TEST_SPLIT)
    found = replay(Compared(model, serving, folder), push)
    return {} if found is None else {REPLAY_FILE: json.dumps(found, indent=1) + "\n"}


def _card(input_dict: dict[str, list[types.Artifact]]) -> list[str]:
    """The files of the model card; none where there is no report, or one that was written before there were cards."""
    paths = [
        os.path.join(report.uri, name)
        for report in input_dict.get(REPORT) or []
        for name in (versions.CARD_TEXT, versions.CARD_HTML)
    ]
    return [path for path in paths if fileio.exists(path)]


def _same(one: str, other: str) -> bool:
    with fileio.open(one, "rb") as first, fileio.open(other, "rb") as second:
        while True:
            part = first.read(_CHUNK)
            if part != second.read(_CHUNK):
                return False
            if not part:
                return True
