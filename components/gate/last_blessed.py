"""Resolves the baseline: the model blessed last, other than the candidate, or the best of the last few."""

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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


class Blessed(NamedTuple):
    """A blessing of the past: artifacts, of which the model is known by its URI."""

    model: Any
    blessing: Any


class Asked(NamedTuple):
    """What the gate asks of a baseline.

    Attributes:
        k: Length of the list that the gate looks at.
        default_list: Whether the gate looks at the list of `serving_default` as well.
        lists: Whether it compares what exports of earlier versions do not tell of their lists.
        groups: Whether it compares the groups of the listed items, which exports of earlier versions do not tell.
        serving: The serving folder, whose marks say which models are bad; "" for none.
        history_length: From how many of the last blessed models the best is taken (`components.gate.history`).
        metric: By which it is the best.
    """

    k: int = 1
    default_list: bool = False
    lists: bool = False
    groups: bool = False
    serving: str = ""
    history_length: int = 1
    metric: str = ""


def choose(
    past: Iterable[Blessed], asked: Asked, best: Callable[[Sequence[Blessed]], Blessed] = lambda found: found[0]
) -> dict[str, list[Any]]:
    """The baseline among what was blessed before, wherever that is recorded; see `LastBlessedOtherModel`.

    Args:
        past: Blessed models other than the candidate, blessed last first.
        asked: What the gate asks of it.
        best: Gives the best of some models, the last blessed one first; called where there is one.

    Returns:
        `model` and `model_blessing` with one artifact or none, and under `gone` the models that were passed over.

    Raises:
        MarksError: The marks of the serving folder are damaged.
    """
    bad = model_marks.read(asked.serving).bad_models if asked.serving else {}
    gone: dict[str, Any] = {}
    found: dict[str, Blessed] = {}
    told: set[str] = set()
    left_out: list[Any] = []
    for each in past:
        uri = each.model.uri
        if uri in found or uri in told:
            continue
        if not is_whole(uri, fileio.exists):
            if not found:
                gone[uri] = each.model
        elif (mark := bad.get(digest_of(each.model)) if bad else None) is not None:
            told.add(uri)
            said = events.BaselineIsBad(uri, mark.version, str(mark))
            log.warning("%s", said, extra={events.ATTRIBUTE: said})
        elif _is_comparable(each.model, asked):
            found[uri] = each
        elif not found:
            left_out = [each.blessing]
            break
        if len(found) == asked.history_length:
            break
    chosen = [best(list(found.values()))] if found else []
    return {
        MODEL: [each.model for each in chosen],
        BLESSING: [each.blessing for each in chosen] or left_out,
        GONE: list(gone.values()),
    }


def _is_comparable(model: Any, asked: Asked) -> bool:
    return (
        list_length(model) >= asked.k
        and (not asked.default_list or tells_default_list(model))
        and (not asked.lists or tells_lists(model))
        and (not asked.groups or tells_groups(model))
    )


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
        asked: The fields of `Asked`, by name: TFX writes them into the graph and hands them back one by one.
    """

    def __init__(self, **asked: Any) -> None:
        self._asked = Asked(**asked)

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Chooses among the models and blessings of the pipeline; empty lists when none fits.

        Raises:
            MarksError: The marks of the serving folder are damaged.
        """
        candidates = input_dict.get(CANDIDATE, [])
        candidate_ids = {artifact.id for artifact in candidates}
        models = {artifact.id: artifact for artifact in input_dict.get(MODEL, []) if artifact.id not in candidate_ids}

        def blessed() -> Iterator[Blessed]:
            for blessing in newest_first(store, input_dict.get(BLESSING, [])):
                model_id = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
                positive = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
                if positive and model_id in models:
                    yield Blessed(models[model_id], blessing)

        def best(found: Sequence[Blessed]) -> Blessed:
            return self._best(found, input_dict.get(REPORT, []))

        return {**choose(blessed(), self._asked, best), CANDIDATE: candidates, REPORT: []}

    def _best(self, found: Sequence[Blessed], reports: Sequence[Any]) -> Blessed:
        """The best of the models, the last blessed one first."""
        by_name = {history.name_of(each.model.uri): each for each in found}
        newest = sorted(reports, key=lambda report: int(report.id), reverse=True)
        judged = history.read_judged([report.uri for report in newest], self._asked.metric)
        best = by_name[history.best_of(list(by_name), judged)]
        if best.model is not found[0].model:
            log.info("The baseline is %s, the best of the last %d blessed models.", best.model.uri, len(found))
        return best


def digest_of(model: Any) -> str:
    """By what the marks of a serving folder name the model of an artifact."""
    return model_digest(path_utils.serving_model_path(model.uri))


def newest_first(store: Any, artifacts: Sequence[Any]) -> list[Any]:
    """Artifacts by when they were last put out, by a cached execution too; of one execution by id.

    Executions are numbered one after the other. The times of their events are the machine's, whose clock may have been
    wrong for a day: what was blessed then would be the newest for as long as it ran ahead.
    """
    outputs = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
    runs: dict[int, int] = {}
    for event in store.get_events_by_artifact_ids([artifact.id for artifact in artifacts]) if artifacts else []:
        if event.type in outputs:
            runs[event.artifact_id] = max(runs.get(event.artifact_id, 0), event.execution_id)
    return sorted(artifacts, key=lambda artifact: (runs.get(artifact.id, 0), artifact.id), reverse=True)


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


def tells_groups(model: Any) -> bool:
    """Whether the model tells the gate which groups the items of its lists are of."""
    return any(schema.OUTPUT_TOP_GROUPS in outputs for outputs in _rank_outputs(model))


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
