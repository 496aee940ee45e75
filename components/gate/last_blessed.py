"""Resolves the baseline: the model blessed last, other than the candidate."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.gate.model_files import SAVED_MODEL, is_whole
from components.gate.model_ranking import read_ranking
from pnfrec_core import schema

MODEL = "model"
BLESSING = "model_blessing"
CANDIDATE = "candidate"
GONE = "gone"


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
    """

    k: int = 1
    default_list: bool = False
    lists: bool = False


def choose(history: Iterable[Blessed], asked: Asked) -> dict[str, list[Any]]:
    """The baseline among what was blessed before, wherever that is recorded; see `LastBlessedOtherModel`.

    Args:
        history: Blessed models other than the candidate, blessed last first.
        asked: What the gate asks of it.

    Returns:
        `model` and `model_blessing` with one artifact or none, and under `gone` the models that were passed over.
    """
    gone: dict[str, Any] = {}
    for model, blessing in history:
        if not is_whole(model.uri, fileio.exists):
            gone[model.uri] = model
            continue
        comparable = (
            list_length(model) >= asked.k
            and (not asked.default_list or tells_default_list(model))
            and (not asked.lists or tells_lists(model))
        )
        return {MODEL: [model] if comparable else [], BLESSING: [blessing], GONE: list(gone.values())}
    return {MODEL: [], BLESSING: [], GONE: list(gone.values())}


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

    Args:
        k: Length of the list that the gate looks at.
        default_list: Whether the gate looks at the list of `serving_default` as well.
        lists: Whether it compares what exports of earlier versions do not tell of their lists.
    """

    def __init__(self, k: int = 1, default_list: bool = False, lists: bool = False) -> None:
        self._asked = Asked(k, default_list, lists)

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Chooses among the models and blessings of the pipeline; empty lists when none fits."""
        candidates = input_dict.get(CANDIDATE, [])
        candidate_ids = {artifact.id for artifact in candidates}
        models = {artifact.id: artifact for artifact in input_dict.get(MODEL, []) if artifact.id not in candidate_ids}

        def history() -> Iterator[Blessed]:
            for blessing in newest_first(store, input_dict.get(BLESSING, [])):
                model_id = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
                blessed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
                if blessed and model_id in models:
                    yield Blessed(models[model_id], blessing)

        return {**choose(history(), self._asked), CANDIDATE: candidates}


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
