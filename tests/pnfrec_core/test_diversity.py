import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnfrec_core import diversity

_LISTS = st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), max_size=8)


def _plain(groups: list[list[int]]) -> float:
    """By the definition, pair by pair."""
    shares = []
    for row in groups:
        pairs = list(itertools.combinations([group for group in row if group], 2))
        if pairs:
            shares.append(sum(left != right for left, right in pairs) / len(pairs))
    return sum(shares) / len(shares) if shares else math.nan


@given(_LISTS)
def test_is_the_mean_share_of_pairs_of_two_groups(groups: list[list[int]]) -> None:
    found = diversity.diversity(diversity.count_pairs(np.array(groups, np.int64).reshape(-1, 6), 6))
    assert found == pytest.approx(_plain(groups), nan_ok=True)


@given(_LISTS, _LISTS)
def test_counts_of_parts_add_up(left: list[list[int]], right: list[list[int]]) -> None:
    parts = [diversity.count_pairs(np.array(part, np.int64).reshape(-1, 6), 6) for part in (left, right, left + right)]
    assert (parts[0] + parts[1]).tolist() == parts[2].tolist()


def test_what_nobody_knows_is_not_defined() -> None:
    assert math.isnan(diversity.diversity(None))
    assert math.isnan(diversity.diversity(diversity.count_pairs([[1, 0, 0], [0, 0, 0]], 3))), "no pair"
