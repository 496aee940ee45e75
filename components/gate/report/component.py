"""TFX component that explains the Evaluator's verdict."""

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import pnfrec_artifacts as artifacts
from components.gate import config
from components.gate.report import executor
from components.gate.report.origin import REPORT


class GateReporterSpec(types.ComponentSpec):
    """Interface of `GateReporter`."""

    INPUTS: ClassVar[dict[str, Any]] = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "baseline_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "gone_baselines": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "statistics": component_spec.ChannelParameter(type=artifacts.FeedbackStatistics, optional=True),
    }
    PARAMETERS: ClassVar[dict[str, Any]] = {
        "gate": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {"report": component_spec.ChannelParameter(type=artifacts.GateReport)}


class GateReporter(base_component.BaseComponent):
    """Writes why a model was blessed or not: `report.json`, `report.txt` and `report.html` in output `report`.

    Beside them lies the model card, `model_card.md` and `model_card.html`, which the Pusher delivers with the model.

    It fails where its own verdict and the Evaluator's blessing contradict each other, so a Pusher should come after it
    (`pusher.add_upstream_node(reporter)`).

    Example:
        ```python
        reporter = GateReporter(
            evaluation=evaluator.outputs["evaluation"],
            blessing=evaluator.outputs["blessing"],
            model=trainer.outputs["model"],
            baseline_model=resolver.outputs["model"],
            baseline_blessing=resolver.outputs["model_blessing"],
            gone_baselines=resolver.outputs["gone"],
            statistics=feedback.outputs["statistics"],
            gate=settings.gate,
        )
        ```
    """

    SPEC_CLASS = GateReporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        model: types.BaseChannel,
        gate: config.GateConfig,
        baseline_model: types.BaseChannel | None = None,
        baseline_blessing: types.BaseChannel | None = None,
        gone_baselines: types.BaseChannel | None = None,
        statistics: types.BaseChannel | None = None,
    ) -> None:
        """Makes the component.

        Args:
            evaluation: The Evaluator's results.
            blessing: The Evaluator's blessing.
            model: The model under test.
            gate: The settings that the Evaluator's `eval_config` was made of.
            baseline_model: The model that the Evaluator took for the baseline.
            baseline_blessing: Its blessing, also where the model was left out since it cannot be compared.
            gone_baselines: Models blessed later than it, which were passed over since their files are gone.
            statistics: Of the feedback, for the model card, which says that they are not recorded where there are none.
        """
        super().__init__(
            spec=GateReporterSpec(
                evaluation=evaluation,
                blessing=blessing,
                model=model,
                baseline_model=baseline_model,
                baseline_blessing=baseline_blessing,
                gone_baselines=gone_baselines,
                statistics=statistics,
                gate=config.gate_to_json(gate),
                code=REPORT.digest(),
                report=types.Channel(type=artifacts.GateReport),
            )
        )
