"""Executor of ServingPusher."""

import contextlib
import functools
import json
import logging
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils, proto_utils

from components.pusher import properties
from components.pusher.config import PushConfig
from components.pusher.delivery import REFIT_FILE, REPLAY_FILE, deliver, newest_version, serving_version
from components.pusher.programs import Programs
from components.pusher.refitted import Choice, choose, describe
from components.pusher.rehearsal import rehearse
from components.pusher.replay import Compared, replay
from components.pusher.retention import delete_old
from components.pusher.unfinished import clear_unfinished
from pnfrec_core import events, model_marks, schema, served, serving_config, versions
from pnfrec_core.model_digest import model_digest

REPORT = "report"
EXAMPLES = "examples"
REFITTED = "refitted"
RESOLVED_CONFIG = "resolved_config"
PUSH = "push"
_CHUNK = 1 << 20

log = logging.getLogger(__name__)


class _BadByNowError(RuntimeError):
    """People have marked the model as bad since the push began."""

    def __init__(self, refusal: events.ModelIsBad) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Executor(executor.Executor):  # type: ignore[misc]
    """Pushes a blessed model unless it is marked as bad, or the newest good version in the serving folder is it.

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
            output_dict: `pushed_model`, which gets the properties in `components.pusher.properties`.
                Where there is `refitted`, that one is pushed, if it keeps to the bounds of `push.refit`.
            exec_properties: `push_destination`, a PushDestination as JSON, and `custom_config`, whose
                `resolved_config` is written into the version that is pushed, and `push` the fields of a PushConfig.

        Raises:
            MarksError: The marks of the serving folder are damaged. Nothing was pushed.
            NotServableError: The model does not answer as it has to. Nothing was pushed.
            NoVersionLeftError: The serving folder holds the greatest version that there is.
        """
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        base, judged = destination.filesystem.base_directory, self.GetModelPath(input_dict)
        decided, refitted = model_marks.read(base), _refitted(input_dict)
        if (refusal := _refusal(decided, base, judged, refitted)) is not None:
            self._MarkRefused(pushed, refusal)
            return
        folder = newest_version(base, decided)
        settings = json.loads(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}")
        push = PushConfig.from_dict(settings.get(PUSH, {"rehearse": False, "replay_users": 0}))
        model, choice = refitted or judged, None
        is_new = not folder or not same_files(model, folder)
        told: dict[str, str] = {}
        with Programs() as programs:
            if is_new and refitted:
                choice = choose(refitted, judged, _test_examples(input_dict), push, programs)
                model = choice.model
                is_new = not folder or not same_files(model, folder)
            if is_new and push.rehearse:
                rehearse(model, push, programs)
            if is_new:
                told = _replay(input_dict, model, serving_version(base, decided), push, programs)
        if is_new:
            texts = _card(input_dict, choice) | told | _record(choice)
            still_wanted = functools.partial(_while_not_bad, decided, base, judged, refitted)
            try:
                folder = _deliver(model, base, settings.get(RESOLVED_CONFIG, ""), texts, still_wanted)
            except _BadByNowError as error:
                self._MarkRefused(pushed, error.refusal)
                return
            _tidy(base, push.keep_versions)
        else:
            log.info("%s is this very model: nothing to push.", folder)
        # Also of a version that a run has pushed which was killed before it came to this.
        _tell_servers(base)
        if is_new:
            io_utils.copy_dir(model, pushed.uri)
        self._MarkPushed(pushed, pushed_destination=folder, pushed_version=os.path.basename(folder))
        pushed.set_int_custom_property(properties.IS_NEW, int(is_new))
        if decided.pinned is not None:
            pushed.set_int_custom_property(properties.PINNED, decided.pinned.version)
        if refitted:
            pushed.set_string_custom_property(properties.SERVES, _serves(folder, choice))

    def _MarkRefused(self, pushed: types.Artifact, refusal: events.ModelIsBad) -> None:  # noqa: N802 (as TFX's own)
        log.warning("%s", refusal, extra={events.ATTRIBUTE: refusal})
        self._MarkNotPushed(pushed)
        pushed.set_string_custom_property(properties.REFUSED, str(refusal))


def _deliver(
    model: str,
    base: str,
    resolved_config: str,
    texts: Mapping[str, str],
    still_wanted: Callable[[], AbstractContextManager[None]],
) -> str:
    """Writes the new version; its folder."""
    # Before the new one is written, which may need their room.
    clear_unfinished(base)
    folder = deliver(model, base, resolved_config, texts, still_wanted)
    log.info("Pushed to %s.", folder)
    return folder


@contextlib.contextmanager
def _while_not_bad(decided: model_marks.Marks, base: str, *models: str) -> Iterator[None]:
    """Keeps people from marking a model as bad while it becomes a version: a rollback marks those that are there.

    Args:
        decided: The marks by which none of the models was bad, before they were asked for their answers.
        base: The serving folder.
        models: Those that may be pushed.

    Raises:
        _BadByNowError: One of them has been marked as bad since.
    """
    with contextlib.ExitStack() as held:
        if "://" not in base:
            with contextlib.suppress(OSError):  # a file system without locks
                held.enter_context(model_marks.locked(base))
        marks = model_marks.read(base)
        if marks.bad != decided.bad and (refusal := _refusal(marks, base, *models)) is not None:
            raise _BadByNowError(refusal)
        yield


def _refusal(decided: model_marks.Marks, base: str, *models: str) -> events.ModelIsBad | None:
    """Why none of the models may be pushed; None where one may. Known by its files: each push gives it another number.

    Where a refitted model is bad, so is the judged one that it was made of, and the other way round.
    """
    bad = decided.bad_models
    found = (bad.get(model_digest(model)) for model in models if model) if bad else ()
    mark = next((mark for mark in found if mark is not None), None)
    return None if mark is None else events.ModelIsBad(base, mark.version, str(mark))


def _tidy(base: str, keep: int | None) -> None:
    """Deletes old versions. The new one is pushed, whatever becomes of them."""
    if keep is None:
        return
    try:
        delete_old(base, keep)
    except (OSError, model_marks.MarksError) as error:
        log.warning("No old version was deleted (`push.keep_versions`): %s", error)


def _tell_servers(base: str) -> None:
    """Writes the models.config of TensorFlow Serving anew, where there is one: it names each version to load.

    The version is pushed, whatever becomes of that file.
    """
    if "://" in base:
        return
    try:
        serving_config.refresh(base)
    except (OSError, model_marks.MarksError) as error:
        log.warning(
            "%s could not be written anew, so that TensorFlow Serving does not know of the version just pushed (%s). "
            "Write it by `pnfrec models config --base %s`.",
            serving_config.config_file(base),
            error,
            shlex.quote(base),
        )


def same_files(one: str, other: str) -> bool:
    """Whether two folders hold the same model, byte for byte: but for what is of a run, or of one export alone."""
    files = _files(one)
    return files == _files(other) and all(_same(os.path.join(one, name), os.path.join(other, name)) for name in files)


def _files(folder: str) -> list[str]:
    paths = (os.path.join(root, name) for root, _, names in fileio.walk(folder) for name in names)
    names = (os.path.relpath(path, folder) for path in paths)
    return sorted(name for name in names if not name.startswith(versions.OF_THE_RUN))


def _replay(
    input_dict: dict[str, list[types.Artifact]], model: str, serving: str, push: PushConfig, programs: Programs
) -> dict[str, str]:
    """The file that says how a model differs from the version that serves; none where there is nothing to compare."""
    folder = _test_examples(input_dict)
    found = replay(Compared(model, serving, folder), push, programs) if serving and folder else None
    return {} if found is None else {REPLAY_FILE: json.dumps(found, indent=1) + "\n"}


def _test_examples(input_dict: dict[str, list[types.Artifact]]) -> str:
    """Folder of the examples whose users are asked for; "" where nobody wired any."""
    examples = input_dict.get(EXAMPLES)
    return artifact_utils.get_split_uris(examples, schema.TEST_SPLIT)[0] if examples else ""


def _refitted(input_dict: dict[str, list[types.Artifact]]) -> str:
    """Folder of the refitted model; "" where none is asked for."""
    found = input_dict.get(REFITTED)
    return path_utils.serving_model_path(artifact_utils.get_single_uri(found)) if found else ""


def _card(input_dict: dict[str, list[types.Artifact]], choice: Choice | None) -> dict[str, str]:
    """The model card and the verdict; none where there is no report. One of before there were cards brings none."""
    texts = {}
    for report in input_dict.get(REPORT) or []:
        for name in (versions.CARD_TEXT, versions.CARD_HTML, versions.VERDICT):
            path = os.path.join(report.uri, name)
            if fileio.exists(path):
                with fileio.open(path) as stream:
                    text = str(stream.read())
                # The report was written before there was a refitted model.
                texts[os.path.join(schema.EXTRA_ASSETS, name)] = (
                    text.replace(served.JUDGED, choice.sentence) if choice else text
                )
    return texts


def _record(choice: Choice | None) -> dict[str, str]:
    return {} if choice is None else {REFIT_FILE: json.dumps(choice.record, indent=1) + "\n"}


def _serves(folder: str, choice: Choice | None) -> str:
    """What a version says of the model that it is."""
    record: dict[str, Any] | None = None if choice is None else choice.record
    path = os.path.join(folder, REFIT_FILE)
    if record is None and fileio.exists(path):
        with fileio.open(path) as stream:
            record = json.loads(stream.read())
    return "refitted on everything" if record is None else describe(record)


def _same(one: str, other: str) -> bool:
    with fileio.open(one, "rb") as first, fileio.open(other, "rb") as second:
        while True:
            part = first.read(_CHUNK)
            if part != second.read(_CHUNK):
                return False
            if not part:
                return True
