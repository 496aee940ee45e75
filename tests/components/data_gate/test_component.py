from tfx import types
from tfx.types import standard_artifacts

from components.data_gate import component, executor
from pnfrec_artifacts import FeedbackStatistics


def test_interface() -> None:
    made = component.AnomalyGate(anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies))
    assert {key: value.type for key, value in made.inputs.items()} == {"anomalies": standard_artifacts.ExampleAnomalies}
    days = component.AnomalyGate(
        anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        feedback_statistics=types.Channel(type=FeedbackStatistics),
    )
    assert days.inputs["feedback_statistics"].type is FeedbackStatistics
    assert made.outputs == {}
    assert made.exec_properties == {}
    assert made.executor_spec.executor_class is executor.Executor
