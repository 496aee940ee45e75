"""How many examples StatisticsGen looks at."""

import json

import pytest
from tfx import types
from tfx.types import standard_artifacts

from components.data_contract.config import StatisticsConfig
from components.data_contract.statistics import statistics_gen

EXAMPLES = types.Channel(type=standard_artifacts.Examples)


def test_a_sample_is_one_of_the_training_examples_alone() -> None:
    found = statistics_gen(EXAMPLES, StatisticsConfig(sample_rate=0.25)).exec_properties
    assert json.loads(found["sample_rate_by_split"]) == {"train": 0.25}


def test_by_default_the_node_is_that_of_tfx_to_the_last_property() -> None:
    from tfx.components import StatisticsGen

    found = statistics_gen(EXAMPLES, StatisticsConfig()).exec_properties
    assert found == StatisticsGen(examples=EXAMPLES).exec_properties


@pytest.mark.parametrize("rate", [0.0, -0.5, 1.5, float("nan")])
def test_refuses_what_is_no_share(rate: float) -> None:
    with pytest.raises(ValueError, match=r"`statistics.sample_rate` must be above 0 and at most 1. Received"):
        StatisticsConfig(sample_rate=rate)
