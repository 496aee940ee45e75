"""TFX component that stops the pipeline on a data anomaly."""

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.data_gate import executor


class AnomalyGateSpec(types.ComponentSpec):
    """Interface of `AnomalyGate`."""

    INPUTS: ClassVar[dict[str, Any]] = {
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies)
    }
    PARAMETERS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar[dict[str, Any]] = {}


class AnomalyGate(base_component.BaseComponent):
    """Fails where ExampleValidator found an anomaly. It has no output: what must wait for it names it upstream.

    Example:
        ```python
        gate = AnomalyGate(anomalies=validator.outputs["anomalies"])
        trainer.add_upstream_node(gate)
        ```
    """

    SPEC_CLASS = AnomalyGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, anomalies: types.BaseChannel) -> None:
        """Makes the component.

        Args:
            anomalies: Output of ExampleValidator.
        """
        super().__init__(spec=AnomalyGateSpec(anomalies=anomalies))
