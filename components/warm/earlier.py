"""Resolves the models that a day's training begins with: those of the last run on earlier data."""

import json
import logging
import os
from collections.abc import Iterable
from typing import Any, Final

from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio

from components.gate.last_blessed import digest_of, newest_first
from components.gate.model_files import is_whole
from pnfrec_core import model_marks

MODEL, BLESSING, STATISTICS = "model", "model_blessing", "statistics"
# What comes out.
JUDGED, REFITTED = "judged", "refitted"
# As a refit marks what it puts out.
_IS_REFITTED: Final = "refitted"
_STATISTICS_FILE: Final = "statistics.json"

log = logging.getLogger(__name__)


class EarlierModels(ResolverStrategy):  # type: ignore[misc]
    """The model blessed last that was trained on other, earlier data, and the one that it was refitted to.

    A judged model must not begin with weights that have seen its test rows. So it begins with an earlier judged model,
    held out from a time that is not later; and only the refit begins with an earlier refit. Models of the present data
    are left out: a run that is repeated would else begin with its own result, and train for ever. So are those that
    people have marked as bad (`pnfrec models rollback`): what is wrong with them must not be handed on.

    Args:
        serving: The serving folder, whose marks say which models are bad; "" for none.
    """

    def __init__(self, serving: str = "") -> None:
        self._serving = serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Chooses among the models of the pipeline; empty lists when none fits.

        Raises:
            MarksError: The marks of the serving folder are damaged.
        """
        bad = model_marks.read(self._serving).bad_models if self._serving else {}
        now = input_dict.get(STATISTICS, [])
        models = {artifact.id: artifact for artifact in input_dict.get(MODEL, [])}
        judged: list[Any] = []
        refitted: list[Any] = []
        for blessing in newest_first(store, input_dict.get(BLESSING, [])) if now else []:
            model = models.get(blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY))
            blessed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
            if not blessed or model is None or not is_whole(model.uri, fileio.exists):
                continue
            then = _statistics_of(store, model.id)
            if not then or then[0] == now[0].id or not _is_earlier(then[1], now[0].uri):
                continue
            if bad and digest_of(model) in bad:
                log.warning("The training does not begin with the model in %s: it is marked as bad.", model.uri)
                continue
            judged = [model]
            refits = (models[each] for each in _made_of(store, model.id) if each in models)
            whole = [
                each
                for each in refits
                if each.get_int_custom_property(_IS_REFITTED) == 1 and is_whole(each.uri, fileio.exists)
            ]
            refitted = whole[-1:] or judged
            break
        return {**input_dict, JUDGED: judged, REFITTED: refitted}


def _is_earlier(then: str, now: str) -> bool:
    """Whether what was trained on before lies before what is held out now; both are folders of statistics."""
    before, present = (_split(folder) for folder in (then, now))
    if not before or not present:
        return False
    fits = all(before.get(name) == present.get(name) for name in ("rule", "time_unit"))
    return bool(fits and before.get("time") is not None and before["time"] <= present["time"])


def _split(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, _STATISTICS_FILE)
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as stream:
        found: dict[str, Any] = json.loads(stream.read())["split"]
    return found


def _statistics_of(store: Any, model: int) -> tuple[int, str] | None:
    """Id and folder of the statistics of the data that a model was trained on."""
    examples = _inputs(store, _executions(store, model, _OUTPUTS))
    made = _executions(store, examples.get("examples"), _OUTPUTS)
    artifacts = store.get_artifacts_by_id([found]) if (found := _outputs(store, made).get(STATISTICS)) else []
    return (artifacts[0].id, artifacts[0].uri) if artifacts else None


def _made_of(store: Any, model: int) -> list[int]:
    """The models that executions put out which took a model for the judged one, oldest first."""
    runs = [
        event.execution_id
        for event in store.get_events_by_artifact_ids([model])
        if event.type in _INPUTS and _key(event) == JUDGED
    ]
    events = store.get_events_by_execution_ids(runs) if runs else []
    return sorted(event.artifact_id for event in events if event.type in _OUTPUTS and _key(event) == MODEL)


_INPUTS: Final = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_OUTPUTS: Final = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)


def _executions(store: Any, artifact: int | None, kinds: Iterable[Any]) -> list[int]:
    """The executions that put an artifact out, or took it, newest last; those from the cache too."""
    if artifact is None:
        return []
    events = store.get_events_by_artifact_ids([artifact])
    return sorted({event.execution_id for event in events if event.type in kinds})


def _inputs(store: Any, executions: list[int]) -> dict[str, int]:
    return _by_key(store, executions[:1], _INPUTS)


def _outputs(store: Any, executions: list[int]) -> dict[str, int]:
    return _by_key(store, executions[:1], _OUTPUTS)


def _by_key(store: Any, executions: list[int], kinds: Iterable[Any]) -> dict[str, int]:
    events = store.get_events_by_execution_ids(executions) if executions else []
    return {_key(event): event.artifact_id for event in events if event.type in kinds}


def _key(event: Any) -> str:
    return str(event.path.steps[0].key) if event.path.steps else ""
