"""EverythingGen: the feedback of FeedbackGen once more, with nothing held out."""

import dataclasses
import os
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.everything import executor
from components.everything.origin import EVERYTHING
from components.feedback.config import FeedbackConfig, to_json
from components.feedback.reading.files import is_remote
from components.feedback.reading.inventory import inventory
from pnfrec_artifacts import FeedbackStatistics, ItemVocabulary


class EverythingGenSpec(types.ComponentSpec):
    """Interface of `EverythingGen`."""

    INPUTS: ClassVar[dict[str, Any]] = {executor.JUDGED: component_spec.ChannelParameter(type=FeedbackStatistics)}
    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.FEEDBACK: component_spec.ExecutionParameter(type=str),
        executor.INVENTORY: component_spec.ExecutionParameter(type=str),
        executor.CODE: component_spec.ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.VOCABULARY: component_spec.ChannelParameter(type=ItemVocabulary),
        executor.STATISTICS: component_spec.ChannelParameter(type=FeedbackStatistics),
    }


class EverythingGen(base_beam_component.BaseBeamComponent):
    """Turns every feedback row into training examples, by the rules and the threshold of the model that was judged.

    Outputs: `examples` with the split "train", `vocabulary` and `statistics`. Like FeedbackGen it is cached by its
    settings, by what the files hold and by the code.
    """

    SPEC_CLASS = EverythingGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, config: FeedbackConfig, statistics: types.BaseChannel, files_are_here: bool = True) -> None:
        """Makes the component.

        Args:
            config: The files and the rules of the run.
            statistics: Output of FeedbackGen under the same config.
            files_are_here: As of FeedbackGen.
        """
        base = config.base if is_remote(config.base) else os.path.abspath(config.base)
        config = dataclasses.replace(config, base=base)
        super().__init__(
            spec=EverythingGenSpec(
                **{executor.JUDGED: statistics},
                feedback=to_json(config),
                inventory=inventory(config) if files_are_here else "",
                code=EVERYTHING.digest(),
                examples=types.Channel(type=standard_artifacts.Examples),
                vocabulary=types.Channel(type=ItemVocabulary),
                statistics=types.Channel(type=FeedbackStatistics),
            )
        )
