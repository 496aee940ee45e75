"""Refit: the blessed model once more, on everything."""

import json
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.refit import executor
from components.refit.origin import REFIT
from pnfrec_artifacts import ItemVocabulary


class RefitSpec(types.ComponentSpec):
    """Interface of `Refit`."""

    INPUTS: ClassVar[dict[str, Any]] = {
        executor.JUDGED: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.VOCABULARY: component_spec.ChannelParameter(type=ItemVocabulary),
        executor.INITIAL: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.CUSTOM_CONFIG: component_spec.ExecutionParameter(type=str),
        executor.CODE: component_spec.ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.REFITTED: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.RUN: component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Refit(base_component.BaseComponent):
    """Trains a blessed model anew on all rows, as many steps as the judged one took to its best epoch.

    Its output is never blessed, so that no resolver takes it for a baseline: it has seen the rows that the gate judges
    by. Where the judged model was not blessed, the output is empty.
    """

    SPEC_CLASS = RefitSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        judged: types.BaseChannel,
        blessing: types.BaseChannel,
        examples: types.BaseChannel,
        vocabulary: types.BaseChannel,
        custom_config: dict[str, Any],
        initial: types.BaseChannel | None = None,
    ) -> None:
        """Makes the component.

        Args:
            judged: Output of the Trainer.
            blessing: Output of the Evaluator.
            examples: Of everything, with the split "train".
            vocabulary: Of everything.
            custom_config: That of the Trainer; what the Tuner chose is read off the judged model.
            initial: The model that a refit begins with where the judged one began with an earlier one.
        """
        super().__init__(
            spec=RefitSpec(
                judged=judged,
                blessing=blessing,
                examples=examples,
                vocabulary=vocabulary,
                initial=initial,
                custom_config=json.dumps(custom_config, sort_keys=True),
                code=REFIT.digest(),
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
