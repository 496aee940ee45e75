"""Resolves the baseline: the model blessed last, other than the candidate."""

from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.components.common.resolver import ResolverStrategy

MODEL = "model"
BLESSING = "model_blessing"
CANDIDATE = "candidate"


class LastBlessedOtherModel(ResolverStrategy):  # type: ignore[misc]
    """The model of the latest positive blessing that is not the candidate itself.

    TFX's own strategy may return the candidate when a run is repeated: the Evaluator would then compare the model
    with itself and the Pusher deliver it again. Leaving the candidate out makes a repeated run find the
    baseline of the first time, so that everything comes from the cache. It also goes by the time of the blessing, not
    of the training.
    """

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Chooses among the models and blessings of the pipeline; empty lists when none fits."""
        del store
        candidates = input_dict.get(CANDIDATE, [])
        candidate_ids = {artifact.id for artifact in candidates}
        models = {artifact.id: artifact for artifact in input_dict.get(MODEL, [])}
        for blessing in sorted(input_dict.get(BLESSING, []), key=lambda artifact: artifact.id, reverse=True):
            model_id = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
            blessed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
            if blessed and model_id in models and model_id not in candidate_ids:
                return {MODEL: [models[model_id]], BLESSING: [blessing], CANDIDATE: candidates}
        return {MODEL: [], BLESSING: [], CANDIDATE: candidates}
