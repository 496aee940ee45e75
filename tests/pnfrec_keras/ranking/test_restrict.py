"""What a query may ask of its list, against the plain definitions in Python."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pnfrec_keras.ranking import restrict, topk

pytestmark = pytest.mark.tensorflow


def greedy(scores: list[float], groups: list[int], k: int, most: int) -> list[int]:
    """From the best item on, passing over those whose group is full. Column 0 is padding."""
    order = sorted(
        (item for item in range(1, len(scores)) if math.isfinite(scores[item])), key=lambda item: (-scores[item], item)
    )
    taken: list[int] = []
    for item in order:
        held = sum(groups[other] == groups[item] for other in taken)
        if len(taken) < k and (not groups[item] or most < 1 or held < most):
            taken.append(item)
    return taken


@settings(max_examples=150, deadline=None)
@given(data=st.data(), k=st.integers(0, 12))
def test_at_most_so_many_of_a_group_are_those_of_a_greedy_choice(data: st.DataObject, k: int) -> None:
    items, rows = data.draw(st.integers(1, 90)), data.draw(st.integers(0, 3))
    # Few values, so that many tie; and what is no finite number.
    value = st.sampled_from([0.0, 1.0, 2.0, 2.5, math.nan, math.inf, -math.inf])
    scores = data.draw(st.lists(st.lists(value, min_size=items + 1, max_size=items + 1), min_size=rows, max_size=rows))
    groups = data.draw(st.lists(st.integers(0, 3), min_size=items + 1, max_size=items + 1))
    most = data.draw(st.lists(st.integers(-1, 4), min_size=rows, max_size=rows))
    given_scores = tf.constant(np.array(scores, np.float32).reshape(rows, items + 1))
    excluded = topk.exclude(given_scores, tf.zeros([rows, 0], tf.int32))
    top = restrict.top_of_groups(excluded, tf.constant(k), tf.constant(groups), tf.constant(most, tf.int32))
    indices, values, valid = (value.numpy() for value in top)
    assert indices.shape == (rows, min(k, items))
    for row in range(rows):
        expected = greedy(scores[row], groups, k, most[row])
        assert indices[row][valid[row]].tolist() == expected
        assert values[row][valid[row]].tolist() == [scores[row][item] for item in expected]
        # What is listed stands first, and 0 beyond.
        assert valid[row].tolist() == [place < len(expected) for place in range(min(k, items))]
        assert not indices[row][~valid[row]].any()


def test_a_full_group_is_passed_over_however_deep_the_next_one_lies() -> None:
    groups = tf.constant([0] + [1] * 3000 + [2])
    scores = topk.exclude(tf.reverse(tf.range(3002.0), [0])[tf.newaxis, :], tf.zeros([1, 0], tf.int32))
    indices, _, valid = restrict.top_of_groups(scores, tf.constant(3), groups, tf.constant([1]))
    assert indices.numpy().tolist() == [[1, 3001, 0]]
    assert valid.numpy().tolist() == [[True, True, False]]


def test_only_what_is_allowed_is_listed() -> None:
    scores = topk.exclude(tf.constant([[9.0, 4.0, 3.0, 2.0, 1.0]] * 4), tf.constant([[1]] * 4))
    allowed = tf.constant([[2, 4, 4, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 3, 0, 0]])
    asked = tf.constant([True, False, True, True])
    found = restrict.allow(scores, allowed, asked).numpy()
    listed = [np.flatnonzero(np.isfinite(row)).tolist() for row in found]
    # Two of them; all but the excluded one; none, since no allowed item is known; the excluded one stays out.
    assert listed == [[2, 4], [2, 3, 4], [], [3]]


def test_nothing_allowed_in_a_batch_of_any_size() -> None:
    for rows in (0, 2):
        scores = topk.exclude(tf.ones([rows, 3]), tf.zeros([rows, 0], tf.int32))
        found = restrict.allow(scores, tf.zeros([rows, 0], tf.int32), tf.zeros([rows], tf.bool))
        assert np.isfinite(found.numpy()).sum() == rows * 2
