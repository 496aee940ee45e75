"""Our Adam is Keras' own, with a smaller graph; on several devices see test_mirrored.py."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.training.adam import Adam
from pnfrec_keras.training.build import build_model

INPUTS = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
LABELS = INPUTS.sum(axis=1, keepdims=True)
# 1 - .999 rounds to .00099998713 where .999 is a float32, which the operation takes, and to .001 where it is a Python
# number, as in Keras: the squares are 1.3e-5 apart, and steps, which go by their root, 6.5e-6 of the rate.
STEPS = 10
RTOL = 2e-5
# Of the rate: all steps together, and as much again a few times, since what has moved has another gradient.
ATOL = 8 * STEPS * 6.5e-6


def trained(optimizer: Any, **compiled: Any) -> list[np.ndarray[Any, Any]]:
    """All that a small model and its optimizer hold after some steps."""
    keras.utils.set_random_seed(1)
    # Some steps, so that what one does wrong the next ones show.
    layers = [keras.layers.Dense(4, activation="tanh") for _ in range(3)]
    model = keras.Sequential([keras.Input([4]), *layers, keras.layers.Dense(1)])
    model.compile(optimizer, loss="mse", **compiled)
    model.fit(INPUTS, LABELS, epochs=STEPS // 2, batch_size=8, shuffle=False, verbose=0)
    return [variable.numpy() for variable in (*model.variables, *optimizer.variables)]


@pytest.mark.parametrize("compiled", [{}, {"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 2}])
@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.5},
        {"learning_rate": 0.1, "clipnorm": 0.5, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
        {"learning_rate": 0.01, "amsgrad": True},
    ],
)
def test_its_weights_and_moments_are_those_of_keras(settings: dict[str, Any], compiled: dict[str, Any]) -> None:
    ours, theirs = trained(Adam(**settings), **compiled), trained(keras.optimizers.Adam(**settings), **compiled)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=RTOL, atol=ATOL * settings["learning_rate"])


def test_it_follows_a_schedule_and_scales_losses() -> None:
    def optimizer(kind: Any) -> Any:
        return keras.optimizers.LossScaleOptimizer(kind(keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)))

    for one, other in zip(trained(optimizer(Adam)), trained(optimizer(keras.optimizers.Adam)), strict=True):
        np.testing.assert_allclose(one, other, rtol=RTOL, atol=ATOL * 0.05)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_weights_of_other_precision(dtype: str) -> None:
    """A script may give a model any dtype; in halves a step is the rate but for three digits."""
    start, gradient = np.linspace(-1, 1, 5), np.array([0.5, -0.25, 1.0, 2.0, -4.0])
    found = []
    for kind in (Adam, keras.optimizers.Adam):
        weight, optimizer = keras.Variable(start, dtype=dtype), kind(0.01, epsilon=1e-3)
        optimizer.build([weight])
        for _ in range(3):
            optimizer.apply([tf.constant(gradient, dtype)], [weight])
        found.append(weight.numpy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-6 if dtype == "float64" else 2e-3)
    assert np.abs(found[0] - start).min() > 0.02


def test_a_gradient_in_slices_counts_as_their_sum() -> None:
    weight = keras.Variable(np.zeros([3, 1], np.float32))
    optimizer = Adam(0.01)
    optimizer.build([weight])
    slices = tf.IndexedSlices(tf.constant([[1.0], [1.0]]), tf.constant([1, 1]), tf.constant([3, 1]))
    optimizer.apply([slices], [weight])
    np.testing.assert_allclose(weight.numpy(), [[0.0], [-0.01], [0.0]], atol=1e-6)


def test_it_is_what_a_training_gets() -> None:
    assert type(build_model(5, ModelConfig(dim=4, max_length=3, num_blocks=1), TrainingConfig()).optimizer) is Adam


def test_nothing_of_a_step_is_left_for_a_checkpoint(tmp_path: Path) -> None:
    optimizer = Adam(0.01)
    trained(optimizer)
    assert tf.train.Checkpoint(optimizer=optimizer).save(str(tmp_path / "state"))


def test_an_update_is_one_operation() -> None:
    def operations(count: int) -> int:
        optimizer, weights = Adam(0.01), [keras.Variable(np.zeros([3], np.float32)) for _ in range(count)]
        optimizer.build(weights)

        @tf.function
        def step(gradient: Any) -> None:
            optimizer.apply([gradient] * count, weights)

        return len(step.get_concrete_function(tf.ones([3])).graph.get_operations())

    # And one that brings each of its three variables, and what Keras writes for its gradient; Keras' own has 40.
    assert operations(12) - operations(2) <= 10 * 5


def test_it_comes_back_with_its_state_from_a_file(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input([4]), keras.layers.Dense(1)])
    model.compile(Adam(0.01, beta_1=0.8), loss="mse")
    model.fit(INPUTS, LABELS, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded.optimizer) is Adam
    assert loaded.optimizer.beta_1 == 0.8
    for one, other in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
