"""TFX's StatisticsGen, which looks at all examples or at a sample of those of training."""

from tfx import types
from tfx.components import StatisticsGen
from tfx.types import standard_component_specs

from components.data_contract.config import StatisticsConfig


def statistics_gen(examples: types.BaseChannel, config: StatisticsConfig) -> StatisticsGen:
    """The node `StatisticsGen`.

    Args:
        examples: Of FeedbackGen.
        config: How many of them it looks at.
    """
    node = StatisticsGen(examples=examples)
    if config.by_split is not None:
        # Its executor reads this parameter, and its component has no argument for it (TFX 1.16 and 1.21).
        node.spec.exec_properties[standard_component_specs.SAMPLE_RATE_BY_SPLIT_KEY] = config.by_split
    return node
