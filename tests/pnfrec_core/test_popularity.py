import numpy as np
import pytest

from pnfrec_core import popularity


def test_shares_are_smoothed_and_add_up_to_one() -> None:
    found = np.exp(popularity.log_shares([8, 1, 0, 0]))
    assert found.tolist() == pytest.approx([8.5 / 11, 1.5 / 11, 0.5 / 11, 0.5 / 11], rel=1e-12)
    assert found.sum() == pytest.approx(1.0)


def test_without_any_interaction_all_shares_are_equal() -> None:
    assert np.exp(popularity.log_shares([0, 0])).tolist() == pytest.approx([0.5, 0.5], rel=1e-7)


@pytest.mark.parametrize(
    ("size", "bounds"), [(1, [1, 1]), (2, [1, 1]), (10, [1, 5]), (11, [2, 6]), (70, [7, 35]), (10_000, [1_000, 5_000])]
)
def test_the_head_is_a_tenth_of_the_items_and_the_middle_reaches_to_half(size: int, bounds: list[int]) -> None:
    assert popularity.bucket_bounds(size) == bounds
    found = popularity.bucket_of(np.arange(size + 1), size)
    head, both = bounds
    assert found.tolist() == [-1, *[0] * head, *[1] * (both - head), *[2] * (size - both)]


def test_items_keep_their_shape_and_padding_has_no_bucket() -> None:
    assert popularity.BUCKETS == ("head", "middle", "tail")
    assert popularity.bucket_of([[0, 1], [5, 6]], 10).tolist() == [[-1, 0], [1, 2]]
    assert popularity.bucket_of(np.zeros((0, 3)), 10).shape == (0, 3)
