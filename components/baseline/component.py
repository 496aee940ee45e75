"""BaselineFinder and BaselineKeeper: the baseline of the gate from a folder, for runs without ML Metadata of their own.

On this machine the resolver `components.gate.last_blessed.LastBlessedOtherModel` asks ML Metadata. Nodes of Kubeflow
Pipelines get their inputs and nothing else, and open-source Kubeflow runs no resolver. There BaselineKeeper keeps what
was blessed, and BaselineFinder finds the baseline among it; which one it is, one function says for both.
"""

import json
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import pnfrec_artifacts as artifacts
from components.baseline import executor
from components.gate.last_blessed import BLESSING, CANDIDATE, GONE, MODEL, Asked


class BaselineFinderSpec(types.ComponentSpec):  # type: ignore[misc]
    """Interface of `BaselineFinder`."""

    INPUTS: ClassVar[dict[str, Any]] = {CANDIDATE: component_spec.ChannelParameter(type=standard_artifacts.Model)}
    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.FOLDER: component_spec.ExecutionParameter(type=str),
        executor.ASKED: component_spec.ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        GONE: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class BaselineFinder(base_component.BaseComponent):  # type: ignore[misc]
    """Finds the model that was blessed last, other than the candidate, among those that `BaselineKeeper` kept.

    Never let it be taken from a cache: what it finds depends on what earlier runs left.
    """

    SPEC_CLASS = BaselineFinderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Finder)

    def __init__(self, candidate: types.BaseChannel, folder: str, asked: Asked) -> None:
        """Makes the component.

        Args:
            candidate: Output of the Trainer.
            folder: Where the blessed models are kept.
            asked: What the gate asks of a baseline.
        """
        super().__init__(
            spec=BaselineFinderSpec(
                candidate=candidate,
                folder=folder,
                asked=json.dumps(asked._asdict()),
                model=types.Channel(type=standard_artifacts.Model),
                model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
                gone=types.Channel(type=standard_artifacts.Model),
            )
        )


class BaselineKeeperSpec(types.ComponentSpec):  # type: ignore[misc]
    """Interface of `BaselineKeeper`."""

    INPUTS: ClassVar[dict[str, Any]] = {
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        executor.REPORT: component_spec.ChannelParameter(type=artifacts.GateReport),
    }
    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.FOLDER: component_spec.ExecutionParameter(type=str),
        executor.MOST: component_spec.ExecutionParameter(type=int),
        executor.REFUSE: component_spec.ExecutionParameter(type=int),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {}


class BaselineKeeper(base_component.BaseComponent):  # type: ignore[misc]
    """Keeps a blessed model for the runs to come. It has no output: what must wait for it names it upstream.

    Never let it be taken from a cache: a model that is blessed anew becomes the last blessed one anew.
    """

    SPEC_CLASS = BaselineKeeperSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Keeper)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        report: types.BaseChannel,
        folder: str,
        most: int,
        refuse: bool,
    ) -> None:
        """Makes the component.

        Args:
            model: Output of the Trainer: the model that was judged.
            model_blessing: Output of the Evaluator.
            report: Output of GateReporter, whose text says why a model was refused.
            folder: Where the blessed models are kept.
            most: How many stay.
            refuse: Whether the node fails where the model was not blessed.
        """
        super().__init__(
            spec=BaselineKeeperSpec(
                model=model,
                model_blessing=model_blessing,
                report=report,
                folder=folder,
                most=most,
                refuse=int(refuse),
            )
        )
