from tfx import types
from tfx.types import standard_artifacts

import pnfrec_artifacts as artifacts
from components.gate import config
from components.gate.report import component, executor
from components.gate.report.origin import REPORT
from tests.components.gate.report import examples

GATE = examples.gate(ndcg_p={"min": 0.1})


def channel(artifact_type: type) -> types.Channel:
    return types.Channel(type=artifact_type)


def test_interface() -> None:
    made = component.GateReporter(
        evaluation=channel(standard_artifacts.ModelEvaluation),
        blessing=channel(standard_artifacts.ModelBlessing),
        model=channel(standard_artifacts.Model),
        baseline_model=channel(standard_artifacts.Model),
        baseline_blessing=channel(standard_artifacts.ModelBlessing),
        gone_baselines=channel(standard_artifacts.Model),
        statistics=channel(artifacts.FeedbackStatistics),
        gate=GATE,
    )
    assert {key: value.type for key, value in made.inputs.items()} == {
        "evaluation": standard_artifacts.ModelEvaluation,
        "blessing": standard_artifacts.ModelBlessing,
        "model": standard_artifacts.Model,
        "baseline_model": standard_artifacts.Model,
        "baseline_blessing": standard_artifacts.ModelBlessing,
        "gone_baselines": standard_artifacts.Model,
        "statistics": artifacts.FeedbackStatistics,
    }
    assert {key: value.type for key, value in made.outputs.items()} == {"report": artifacts.GateReport}
    assert made.exec_properties == {"gate": config.gate_to_json(GATE), "code": REPORT.digest()}
    assert made.executor_spec.executor_class is executor.Executor


def test_baseline_is_optional() -> None:
    made = component.GateReporter(
        evaluation=channel(standard_artifacts.ModelEvaluation),
        blessing=channel(standard_artifacts.ModelBlessing),
        model=channel(standard_artifacts.Model),
        gate=GATE,
    )
    assert sorted(made.inputs) == ["blessing", "evaluation", "model"]
