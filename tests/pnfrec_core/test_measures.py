"""Gains of ranks, by hand."""

import itertools
import math

import numpy as np
import pytest

from pnfrec_core import measures


def test_gain_tables_are_the_definitions() -> None:
    assert measures.gain_table("hr", 3).tolist() == [0.0, 1.0, 1.0, 1.0]
    assert measures.gain_table("mrr", 3).tolist() == [0.0, 1.0, 0.5, 1 / 3]
    # 1 / log2(rank + 1): log2(2) = 1, log2(3), log2(4) = 2.
    assert measures.gain_table("ndcg", 3).tolist() == pytest.approx([0.0, 1.0, 1 / math.log2(3), 0.5])


def test_misses_are_worth_nothing() -> None:
    ranks = [0, 1, 10, 11, 1_000_000]
    assert measures.hit(ranks, 10).tolist() == [0, 1, 1, 0, 0]
    assert measures.mrr(ranks, 10).tolist() == [0, 1, 0.1, 0, 0]
    assert measures.ndcg(ranks, 10).tolist() == pytest.approx([0, 1, 1 / math.log2(11), 0, 0])


@pytest.mark.parametrize("measure", measures.MEASURES)
def test_a_longer_list_is_never_worth_less(measure: str) -> None:
    ranks = np.arange(0, 30)
    worth = [measures.gains(ranks, measure, k) for k in range(1, 25)]
    assert all((longer >= shorter).all() for shorter, longer in itertools.pairwise(worth))


def test_wrong_arguments_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"`k` must be at least 1. Received: 0."):
        measures.gain_table("hr", 0)
    with pytest.raises(ValueError, match=r"one of hr, ndcg, mrr. Received: 'map'"):
        measures.gain_table("map", 5)
