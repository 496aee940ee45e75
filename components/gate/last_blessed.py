"""Resolves the baseline: the model blessed last, other than the candidate, or the best of the last few."""

import logging
import math
import os
from collections.abc import Sequence
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.gate import history
from components.gate.model_files import SAVED_MODEL, is_whole
from components.gate.model_ranking import read_ranking
from pnfrec_core import events, model_marks, schema
from pnfrec_core.model_digest import model_digest

log = logging.getLogger(__name__)

MODEL = "model"
BLESSING = "model_blessing"
CANDIDATE = "candidate"
GONE = "gone"
REPORT = "report"


class LastBlessedOtherModel(ResolverStrategy):  # type: ignore[misc]
    """The model of the latest positive blessing that is not the candidate itself.

    TFX's own strategy may return the candidate when a run is repeated: the Evaluator would then compare the model
    with itself and the Pusher deliver it again. Leaving the candidate out makes a repeated run find the
    baseline of the first time, so that everything comes from the cache. It also goes by the time of the blessing, not
    of the training, nor of the artifact: a blessing taken from the cache is given anew.

    A model that tells the gate fewer items of each list than the gate looks at cannot be compared, nor can one that
    does not tell it all the lists that it looks at: then there is a blessing, but no model.

    A model whose files are gone is no baseline either: the one blessed before it is taken. Those that are passed over
    so are told under `gone`, for the report.

    Nor is a model that people have marked as bad (`pnfrec models rollback`). It is known by its files: a version does
    not tell which artifact it was pushed from, and an artifact may have been pushed under several numbers.

    Args:
        k: Length of the list that the gate looks at.
        default_list: Whether the gate looks at the list of `serving_default` as well.
        lists: Whether it compares what exports of earlier versions do not tell of their lists.
        serving: The serving folder, whose marks say which models are bad; "" for none.
        history_length: From how many of the last blessed models the best is taken (`components.gate.history`).
        metric: By which it is the best.
    """

    def __init__(
        self,
        k: int = 1,
        default_list: bool = False,
        lists: bool = False,
        serving: str = "",
        history_length: int = 1,
        metric: str = "",
    ) -> None:
        self._k = k
        self._default_list = default_list
        self._lists = lists
        self._serving = serving
        self._history = history_length
        self._metric = metric

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Chooses among the models and blessings of the pipeline; empty lists when none fits.

        Raises:
            MarksError: The marks of the serving folder are damaged.
        """
        bad = model_marks.read(self._serving).bad_models if self._serving else {}
        candidates = input_dict.get(CANDIDATE, [])
        candidate_ids = {artifact.id for artifact in candidates}
        models = {artifact.id: artifact for artifact in input_dict.get(MODEL, [])}
        gone: dict[int, Any] = {}
        found: dict[int, tuple[Any, Any]] = {}
        left_out: list[Any] = []
        for blessing in newest_first(store, input_dict.get(BLESSING, [])):
            model_id = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
            blessed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
            if not blessed or model_id not in models or model_id in candidate_ids or model_id in found:
                continue
            model = models[model_id]
            if not is_whole(model.uri, fileio.exists):
                if not found:
                    gone[model_id] = model
                continue
            if (mark := bad.get(digest_of(model)) if bad else None) is not None:
                said = events.BaselineIsBad(model.uri, mark.version, str(mark))
                log.warning("%s", said, extra={events.ATTRIBUTE: said})
                del models[model_id]
                continue
            if self._is_comparable(model):
                found[model_id] = (model, blessing)
            elif not found:
                left_out = [blessing]
                break
            if len(found) == self._history:
                break
        reports = input_dict.get(REPORT, []) if len(found) > 1 else []
        chosen = [self._best(list(found.values()), reports)] if found else []
        return {
            MODEL: [model for model, _ in chosen],
            BLESSING: [blessing for _, blessing in chosen] or left_out,
            CANDIDATE: candidates,
            GONE: list(gone.values()),
            REPORT: [],
        }

    def _is_comparable(self, model: Any) -> bool:
        return (
            list_length(model) >= self._k
            and (not self._default_list or tells_default_list(model))
            and (not self._lists or tells_lists(model))
        )

    def _best(self, found: list[tuple[Any, Any]], reports: Sequence[Any]) -> tuple[Any, Any]:
        """The best of the models, the last blessed one first, with its blessing."""
        by_name = {history.name_of(model.uri): (model, blessing) for model, blessing in found}
        newest = sorted(reports, key=lambda report: int(report.id), reverse=True)
        name = history.best_of(list(by_name), history.read_judged([report.uri for report in newest], self._metric))
        best = by_name[name]
        if best[0] is not found[0][0]:
            log.info("The baseline is %s, the best of the last %d blessed models.", best[0].uri, len(found))
        return best


def digest_of(model: Any) -> str:
    """By what the marks of a serving folder name the model of an artifact."""
    return model_digest(path_utils.serving_model_path(model.uri))


def newest_first(store: Any, artifacts: Sequence[Any]) -> list[Any]:
    """Artifacts by the time at which they were last put out, by a cached execution too; equal times by id."""
    outputs = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
    times: dict[int, int] = {}
    for event in store.get_events_by_artifact_ids([artifact.id for artifact in artifacts]) if artifacts else []:
        if event.type in outputs:
            times[event.artifact_id] = max(times.get(event.artifact_id, 0), event.milliseconds_since_epoch)
    return sorted(artifacts, key=lambda artifact: (times.get(artifact.id, 0), artifact.id), reverse=True)


def list_length(model: Any) -> float:
    """How many items of each list the model tells the gate; endless where neither its export nor its signature says."""
    ranking = read_ranking(model)
    return _signature_list_length(model) if ranking is None else ranking.k


def tells_default_list(model: Any) -> bool:
    """Whether the model tells the gate where targets stand in the list of `serving_default`.

    Exports that tell one rank alone are from before `default_rank`. It is the rank in that list too where the rule asks
    for no dislikes, which `ranking.json` says; a model from before that file as well is taken for one whose lists
    differ.
    """
    ranking = read_ranking(model)
    if ranking is not None and not ranking.asks_dislikes:
        return True  # its two lists are one
    return any(schema.OUTPUT_DEFAULT_RANK in outputs for outputs in _rank_outputs(model))


def tells_lists(model: Any) -> bool:
    """Whether the model tells the gate how popular the items of its lists and its targets are."""
    wanted = {schema.OUTPUT_TOP_INFORMATION, schema.OUTPUT_TARGET_BUCKET}
    return any(wanted <= set(outputs) for outputs in _rank_outputs(model))


def _signature_list_length(model: Any) -> float:
    """The width of `top_items`, for exports from before `ranking.json`."""
    tops = [outputs[schema.OUTPUT_TOP_ITEMS] for outputs in _rank_outputs(model) if schema.OUTPUT_TOP_ITEMS in outputs]
    widths = [top.tensor_shape.dim[1].size for top in tops if len(top.tensor_shape.dim) > 1]
    return float(min(widths, default=math.inf))


def _rank_outputs(model: Any) -> list[Any]:
    """The outputs of `rank_examples` by name, of each graph in the SavedModel; none where the file is gone."""
    from tensorflow.core.protobuf import saved_model_pb2  # TensorFlow, which a model with `ranking.json` does not need

    path = os.path.join(path_utils.serving_model_path(model.uri), SAVED_MODEL)
    if not fileio.exists(path):
        return []
    with fileio.open(path, "rb") as stream:
        saved = saved_model_pb2.SavedModel.FromString(stream.read())
    return [graph.signature_def[schema.RANK_SIGNATURE].outputs for graph in saved.meta_graphs]
