"""TFX's StatisticsGen, which looks at all examples or at a sample of those of training."""

from tfx import types
from tfx.components import StatisticsGen
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs

from components.data_contract import sample
from components.data_contract.config import StatisticsConfig


class SampledStatisticsGen(StatisticsGen):  # type: ignore[misc]
    """TFX's StatisticsGen on some of the files. It takes its name: other nodes know it as that."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(sample.Executor)


def statistics_gen(examples: types.BaseChannel, config: StatisticsConfig) -> StatisticsGen:
    """The node `StatisticsGen`; TFX's own where it looks at all.

    Args:
        examples: Of FeedbackGen.
        config: How many of them it looks at.
    """
    if config.by_split is None:
        return StatisticsGen(examples=examples)
    node = SampledStatisticsGen(examples=examples).with_id("StatisticsGen")
    # Its executor reads this parameter, and its component has no argument for it (TFX 1.16 and 1.21).
    node.spec.exec_properties[standard_component_specs.SAMPLE_RATE_BY_SPLIT_KEY] = config.by_split
    return node
