"""TFX component that stops the pipeline on a data anomaly, or on a day that is not like the days before."""

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.data_gate import executor
from pnfrec_artifacts import FeedbackStatistics


class AnomalyGateSpec(types.ComponentSpec):
    """Interface of `AnomalyGate`."""

    INPUTS: ClassVar[dict[str, Any]] = {
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        executor.STATISTICS: component_spec.ChannelParameter(type=FeedbackStatistics, optional=True),
    }
    PARAMETERS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar[dict[str, Any]] = {}


class AnomalyGate(base_component.BaseComponent):
    """Fails where ExampleValidator found an anomaly, or FeedbackGen a newest day that stops the run.

    It has no output: what must wait for it names it upstream.

    Example:
        ```python
        gate = AnomalyGate(validator.outputs["anomalies"], feedback.outputs["statistics"])
        trainer.add_upstream_node(gate)
        ```
    """

    SPEC_CLASS = AnomalyGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, anomalies: types.BaseChannel, feedback_statistics: types.BaseChannel | None = None) -> None:
        """Makes the component.

        Args:
            anomalies: Output of ExampleValidator.
            feedback_statistics: Output `statistics` of FeedbackGen; None looks at no days.
        """
        super().__init__(spec=AnomalyGateSpec(anomalies=anomalies, feedback_statistics=feedback_statistics))
