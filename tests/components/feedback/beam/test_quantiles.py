"""Ranks found by Beam in rounds, against sorting."""

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as Pipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.beam import quantiles
from components.feedback.rules.boundary import middle_ranks
from components.feedback.rules.ranks import RankRule, nearest_rank

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integer_keys_keep_the_order_and_can_be_undone(values: list[int]) -> None:
    keys = quantiles.integer_keys(np.array(values, np.int64))
    assert [quantiles.integer_of(int(key)) for key in keys] == values
    assert np.sort(keys).tolist() == quantiles.integer_keys(np.array(sorted(values), np.int64)).tolist()


@given(st.lists(finite.map(lambda value: value + 0.0), min_size=1))
def test_float_keys_keep_the_order_and_can_be_undone(values: list[float]) -> None:
    keys = quantiles.float_keys(np.array(values))
    assert [quantiles.float_of(int(key)) for key in keys] == values
    assert np.sort(keys).tolist() == quantiles.float_keys(np.array(sorted(values))).tolist()


@given(st.integers(1, 200), st.floats(0.001, 0.999))
def test_nearest_rank_is_numpys(count: int, quantile: float) -> None:
    assert nearest_rank(quantile, count) == [np.quantile(np.arange(count), quantile, method="nearest")]


@pytest.mark.parametrize("count", range(1, 8))
def test_middle_ranks_give_the_median(count: int) -> None:
    assert np.mean(middle_ranks(count)) == np.median(np.arange(count))


def test_select_ranks_finds_what_sorting_finds() -> None:
    generator = np.random.default_rng(0)
    values = {
        "spread": generator.integers(0, 2**64, 1000, np.uint64),
        # They differ in the last digit of all, and in the first.
        "close": np.uint64(2**63) + generator.integers(0, 5, 500).astype(np.uint64),
        "apart": generator.integers(0, 3, 500).astype(np.uint64) << np.uint64(62),
        "equal": np.full(40, 12345678901234567890, np.uint64),
        "edges": np.array([0, 2**64 - 1], np.uint64),
        "one": np.array([2**48], np.uint64),
    }
    rules: dict[str, RankRule] = dict.fromkeys(values, _every_third)
    rules["nothing"] = middle_ranks
    parts = [(name, part.tobytes()) for name, all_ in values.items() for part in np.array_split(all_, 4)]
    expected = {name: np.sort(all_)[_every_third(len(all_))].tolist() for name, all_ in values.items()}
    with Pipeline() as pipeline:
        histograms = pipeline | beam.Create(parts) | quantiles.SelectRanks(rules)
        once = pipeline | "Once" >> beam.Create([None])
        # As text, since Beam's integers have 63 bits.
        found = once | beam.Map(lambda _, all_: str(quantiles.keys_of(all_, rules)), beam.pvalue.AsIter(histograms))
        assert_that(found, equal_to([str({**expected, "nothing": []})]))


def _every_third(count: int) -> list[int]:
    return [*range(0, count, 3), count - 1]
