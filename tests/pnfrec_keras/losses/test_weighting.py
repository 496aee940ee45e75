"""Weights of the terms without a grid, against the gradients of the terms themselves."""

from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig
from pnfrec_keras.network.weights import get_named_weights
from tests.pnfrec_keras.network.test_exact import batch, filled


def step(**settings: Any) -> tuple[Any, dict[str, float]]:
    """What one step of plain gradient descent does to the item table, and the logs."""
    model, weights = filled(**settings)
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    logs = model.train_on_batch(*batch(), return_dict=True)
    moved = weights["item_embedding"] - get_named_weights(model)["item_embedding"]
    return moved, {name: float(value) for name, value in logs.items()}


def test_geometric_weights_are_those_of_the_logarithms() -> None:
    """d log L = dL / L, term by term; each dL is a difference of two fixed steps."""
    exponents = {"alpha": 0.7, "beta": 0.4}
    moved, logs = step(weighting="geometric", **exponents)
    positive = step(alpha=0.0, beta=0.0)[0]
    negative = step(alpha=1.0, beta=0.0)[0] - positive
    contrastive = step(alpha=0.0, beta=1.0)[0] - positive
    expected = positive / logs["loss_positive"] + 0.7 * negative / logs["loss_negative"]
    expected += 0.4 * contrastive / logs["loss_contrastive"]
    np.testing.assert_allclose(moved, expected, atol=2e-5 * np.abs(expected).max())
    parts = [logs[f"loss_{name}"] for name in ("positive", "negative", "contrastive")]
    assert logs["loss"] == pytest.approx(np.dot([1, 0.7, 0.4], np.log(parts)), rel=1e-5)


def test_of_one_term_alone_the_logarithm_is_another_training() -> None:
    """Two arms of a study share a training where their settings are one."""
    plain, (moved, logs) = step(variant="SASRec_p")[0], step(variant="SASRec_p", weighting="geometric")
    np.testing.assert_allclose(moved, plain / logs["loss_positive"], atol=2e-5 * np.abs(moved).max())
    names: tuple[Any, ...] = ("fixed", "decay", "geometric")
    settings = [ModelConfig(variant="SASRec_p", weighting=name).effective() for name in names]
    assert settings[0] == settings[1] != settings[2]


def test_decay_halves_both_negative_weights() -> None:
    model, _ = filled(weighting="decay", half_life=3, alpha=0.8, beta=0.4)
    model.compile(optimizer=keras.optimizers.SGD(1e-6))
    for _ in range(6):
        logs = model.train_on_batch(*batch(), return_dict=True)
        model.reset_metrics()
    parts = [float(logs[f"loss_{name}"]) for name in ("positive", "negative", "contrastive")]
    # Six steps are done when the logs are made.
    assert float(logs["loss"]) == pytest.approx(np.dot([1, 0.8 / 4, 0.4 / 4], parts), rel=1e-5)


def test_the_first_step_of_decay_is_that_of_fixed_weights() -> None:
    fixed, decayed = (step(weighting=name, half_life=1)[0] for name in ("fixed", "decay"))
    np.testing.assert_array_equal(fixed, decayed)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"variant": "PNFRec", "alpha": 0.0, "beta": 0.0, "weighting": "decay"}, "SASRec_p"),
        ({"variant": "PNFRec", "alpha": 0.0, "shared_positions": False}, "PNFRec_pc"),
        ({"variant": "PNFRec_pn", "beta": 3.0, "similarity": "cosine"}, "PNFRec_pn"),
        ({"variant": "SASRec_c", "beta": 0.0}, "SASRec"),
    ],
)
def test_settings_that_train_the_same_network_have_one_name(settings: dict[str, Any], name: str) -> None:
    plain = ModelConfig(variant=name)  # type: ignore[arg-type]
    assert ModelConfig(**settings).effective() == plain.effective()
    assert ModelConfig(**settings, dim=32).effective() != plain.effective()
