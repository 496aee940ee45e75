"""Keras metrics against numpy."""

import math

import keras
import numpy as np
import pytest

from pnfrec_core import measures
from pnfrec_keras.ranking.metrics import RankingMetric

RANKS = np.array([1, 3, 0, 10, 11, 2, 500])
IS_POSITIVE = np.array([1, 1, 1, 0, 1, 0, 0])


@pytest.mark.parametrize("measure", measures.MEASURES)
@pytest.mark.parametrize("k", [1, 3, 10])
def test_equals_numpy_in_any_batching(measure: str, k: int) -> None:
    for group, members in (("p", IS_POSITIVE == 1), ("n", IS_POSITIVE == 0)):
        expected = measures.gains(RANKS[members], measure, k).mean()
        whole, parts = RankingMetric(measure, group, k), RankingMetric(measure, group, k)
        whole.update_state(IS_POSITIVE, RANKS)
        for start in (0, 3, 5):
            stop = {0: 3, 3: 5, 5: 7}[start]
            parts.update_state(IS_POSITIVE[start:stop], RANKS[start:stop])
        assert float(whole.result()) == pytest.approx(expected, rel=1e-6)
        assert float(parts.result()) == pytest.approx(expected, rel=1e-6)


def test_a_miss_stays_in_the_denominator() -> None:
    metric = RankingMetric("ndcg", "p", 10)
    metric.update_state([1, 1], [1, 0])
    assert float(metric.result()) == 0.5


def test_an_empty_group_is_no_number_not_zero() -> None:
    metric = RankingMetric("hr", "n", 10)
    metric.update_state([1, 1], [1, 2])
    assert math.isnan(float(metric.result()))


def test_reset_and_config() -> None:
    metric = RankingMetric("mrr", "p", 5)
    metric.update_state([1], [1])
    metric.reset_state()
    assert math.isnan(float(metric.result()))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert (copy.name, copy.measure, copy.group, copy.k) == ("mrr_p", "mrr", "p", 5)


def test_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`group` must be 'p' or 'n'. Received: 'q'"):
        RankingMetric("hr", "q", 10)
