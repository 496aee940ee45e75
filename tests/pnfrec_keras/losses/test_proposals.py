"""Draws of negatives: their expected numbers are what the losses are told."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.losses import proposals

PROPOSALS = [proposals.uniform_items, proposals.log_uniform_items]


def draws(propose: Callable[..., Any], items: int, count: int, seeds: int) -> Any:
    """(seeds, count)."""
    draw = tf.function(lambda seed: propose(items, count, seed))
    return np.stack([draw(tf.constant([seed, 7], tf.int32)).numpy() for seed in range(seeds)])


def log_uniform_shares(items: int) -> Any:
    return np.array([math.log((k + 1) / k) / math.log(items + 1) for k in range(1, items + 1)])


@pytest.mark.parametrize("propose", PROPOSALS)
@pytest.mark.parametrize(("items", "count"), [(20, 1), (20, 6), (20, 19)])
def test_items_are_drawn_as_often_as_expected(propose: Callable[..., Any], items: int, count: int) -> None:
    seeds = 4_000
    shares = np.full(items, 1 / items) if propose is proposals.uniform_items else log_uniform_shares(items)
    found = draws(propose, items, count, seeds)
    assert found.dtype == np.int32
    assert found.shape == (seeds, count)
    means = np.bincount(found.ravel(), minlength=items + 1) / seeds
    assert means[0] == 0, "padding is never drawn"
    assert len(means) == items + 1
    # Five standard errors; the variance of stratified draws is below that of independent ones, n * q.
    np.testing.assert_array_less(np.abs(means[1:] - count * shares), 5 * np.sqrt(count * shares / seeds))


def test_log_counts_are_those_of_the_definition() -> None:
    found = proposals.log_uniform_log_counts(tf.range(1, 21), 20, 6).numpy()
    np.testing.assert_allclose(np.exp(found), 6 * log_uniform_shares(20), rtol=1e-5)
    assert np.exp(found).sum() == pytest.approx(6)
    assert np.isfinite(proposals.log_uniform_log_counts(tf.constant([0]), 20, 6).numpy()).all()


def test_uniform_draws_hardly_repeat() -> None:
    assert draws(proposals.uniform_items, 9, 9, 1)[0].tolist() == list(range(1, 10))
    found = draws(proposals.uniform_items, 50, 30, 100)
    assert max(np.bincount(row).max() for row in found) <= 2


@pytest.mark.parametrize("propose", PROPOSALS)
def test_every_item_of_a_huge_catalogue_can_be_drawn(propose: Callable[..., Any]) -> None:
    items = 2**31 - 2
    found = draws(propose, items, 4_096, 1)[0]
    assert 1 <= found.min() <= found.max() <= items
    # In float32 all would be even above 2**25.
    far = found[found > 2**25]
    assert 0.4 < (far % 2).mean() < 0.6


@pytest.mark.parametrize("propose", PROPOSALS)
def test_the_seed_decides(propose: Callable[..., Any]) -> None:
    first, second = (draws(propose, 1_000, 50, 2) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize("propose", PROPOSALS)
def test_xla_draws_the_same(propose: Callable[..., Any]) -> None:
    seed = tf.constant([3, 4], tf.int32)
    compiled = tf.function(lambda seed: propose(1_000, 50, seed), jit_compile=True)(seed)
    np.testing.assert_array_equal(compiled, propose(1_000, 50, seed))
