"""Filter, rank and list against a plain sort."""

import math
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pnfrec_keras.ranking import topk

Array = npt.NDArray[Any]

ITEMS = 7


def plain_order(scores: Array, seen: list[int]) -> list[int]:
    """Item indices, best first: the definition in the glossary of `pnfrec_core.schema`."""
    return sorted((item for item in range(1, len(scores)) if item not in seen), key=lambda item: (-scores[item], item))


# Few distinct scores, so that ties are common.
score_rows = arrays.arrays(np.float32, ITEMS + 1, elements=st.sampled_from([-1.5, 0.0, 0.25, 3.0]))
seen_rows = st.lists(st.integers(0, ITEMS), max_size=9)


@settings(max_examples=60, deadline=None)
@given(scores=score_rows, seen=seen_rows, target=st.integers(0, ITEMS), k=st.integers(0, ITEMS + 3))
def test_rank_and_list_agree_with_a_plain_sort(scores: Array, seen: list[int], target: int, k: int) -> None:
    filtered = topk.exclude(tf.constant(scores[np.newaxis]), tf.constant([seen], tf.int32, shape=[1, len(seen)]))
    order = plain_order(scores, seen)

    rank = int(topk.target_rank(filtered, tf.constant([target]))[0])
    assert rank == (order.index(target) + 1 if target in order else 0)

    indices, values, valid = topk.top_items(filtered, tf.constant(k))
    count = int(tf.math.count_nonzero(valid))
    assert indices.numpy()[0, :count].tolist() == order[:k]
    assert values.numpy()[0, :count].tolist() == [scores[item] for item in order[:k]]
    assert indices.shape[1] == min(k, ITEMS)
    assert not indices.numpy()[0, count:].any()
    assert not values.numpy()[0, count:].any()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), k=st.integers(0, 4), width=st.integers(0, 4))
def test_both_ways_to_exclude_give_the_same_list(data: st.DataObject, k: int, width: int) -> None:
    # 40 columns: from few exclusions and a small k, which are filtered, to many, which are copied out.
    rows = arrays.arrays(np.float32, (2, 40), elements=st.sampled_from([-1.5, 0.0, 0.25, 3.0]))
    scores = tf.constant(data.draw(rows))
    seen = tf.constant(data.draw(arrays.arrays(np.int32, (2, width), elements=st.integers(0, 39))))
    expected = topk.top_items(topk.exclude(scores, seen), tf.constant(k))
    for found, wanted in zip(topk.best_items(scores, seen, tf.constant(k)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 20])
def test_blocks_of_rows_come_back_in_order(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(topk, "_BLOCK", 12)  # four rows of three columns
    blocks: list[int] = []

    def function(values: Any, other: Any) -> tuple[Any, Any]:
        blocks.append(int(values.shape[0]))
        return values[:, 0] * 2, other + 1

    values = tf.reshape(tf.range(rows * 3), [rows, 3])
    doubled, more = topk.by_blocks(function, (values, tf.range(rows)), 3, [tf.int32, tf.int32])
    assert doubled.numpy().tolist() == [6 * row for row in range(rows)]
    assert more.numpy().tolist() == [row + 1 for row in range(rows)]
    assert max(blocks) <= 4


def test_rows_are_filtered_on_their_own() -> None:
    filtered = topk.exclude(tf.ones([2, 4]), tf.constant([[1, 1], [3, 0]]))
    assert np.isneginf(filtered.numpy()).tolist() == [[True, True, False, False], [True, False, False, True]]


def test_a_score_that_is_no_number_is_a_miss() -> None:
    scores = topk.exclude(tf.constant([[0.0, 1.0, math.nan, 2.0]]), tf.zeros([1, 0], tf.int32))
    assert topk.target_rank(scores, tf.constant([2])).numpy().tolist() == [0]
    broken = topk.exclude(tf.fill([1, 4], math.nan), tf.zeros([1, 0], tf.int32))
    assert topk.target_rank(broken, tf.constant([1])).numpy().tolist() == [0]
    endless = tf.constant([[-math.inf, 1.0, math.inf]])
    assert topk.target_rank(endless, tf.constant([2])).numpy().tolist() == [0]
    assert not topk.top_items(broken, tf.constant(2))[2].numpy().any()


@settings(max_examples=60, deadline=None)
@given(row=st.lists(st.integers(0, 5), max_size=8), length=st.integers(1, 4))
def test_latest_items_are_the_last_known_ones(row: list[int], length: int) -> None:
    found = topk.latest_items(tf.constant([row, row[::-1]], tf.int32, shape=[2, len(row)]), length).numpy()
    for result, given_row in zip(found, (row, row[::-1]), strict=True):
        known = [item for item in given_row if item][-length:]
        assert result.tolist() == known + [0] * (length - len(known))


@settings(max_examples=60, deadline=None)
@given(
    row=st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan, math.inf, -math.inf]), min_size=2, max_size=9),
    target=st.integers(1, 8),
    k=st.integers(0, 9),
)
def test_what_is_no_finite_number_takes_no_place(row: list[float], target: int, k: int) -> None:
    order = sorted((i for i in range(1, len(row)) if math.isfinite(row[i])), key=lambda i: (-row[i], i))
    target = min(target, len(row) - 1)
    scores, nothing = tf.constant([row]), tf.zeros([1, 0], tf.int32)
    for indices, _, valid in (
        topk.best_items(scores, nothing, tf.constant(k)),
        topk.top_items(topk.exclude(scores, nothing), tf.constant(k)),
    ):
        assert indices.numpy()[valid.numpy()].tolist() == order[:k]
    rank = order.index(target) + 1 if target in order else 0
    for static in (False, True):
        found = topk.target_rank(topk.exclude(scores, nothing), tf.constant([target]), static_shapes=static)
        assert found.numpy().tolist() == [rank]
