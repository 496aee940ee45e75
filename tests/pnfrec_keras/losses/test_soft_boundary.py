"""Interactions near the boundary count less: the weighted loss, the margins that it reads, and what is refused."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, training_dataset
from pnfrec_keras.examples.histories import pad_as
from pnfrec_keras.examples.records import read_training
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights
from pnfrec_keras.training import fitting
from tests.pnfrec_keras import spec_reference as spec
from tests.pnfrec_keras.network import test_exact, test_variants
from tests.pnfrec_keras.network.small import make_model
from tests.pnfrec_keras.network.test_exact import (
    BLOCKS,
    HEADS,
    KEPT_NEGATIVE,
    KEPT_POSITIVE,
    LENGTH,
    assert_close,
    filled,
)
from tests.pnfrec_keras.training import chain
from tests.pnfrec_keras.training.killing import killed_and_resumed
from tests.pnfrec_keras.writing import training_example, write_records

MARGINS = {
    "positive": [[0.5, 1.5, 0.0, 2.5, 0.75], [2.0, 0.5, 1.5], [9.0], [], [0.25, 0.5], [1.0, 3.0, 0.5, 1.5, 0.5]],
    "negative": [[1.5, 0.5, 7.0, 0.0, 0.5], [0.5], [2.5, 0.25, 1.5], [0.5, 1.0], [], [1.0, 0.5]],
}


def padded(rows: list[list[float]], length: int = LENGTH + 1) -> Any:
    return pad_as(np.float32, rows, length)


def batch(margins: Any) -> tuple[Any, Any]:
    """That of test_exact.py, with margins."""
    positive, negative = (pad_as(np.int32, rows, LENGTH + 1) for rows in (test_exact.POSITIVE, test_exact.NEGATIVE))
    return TrainingArrays(positive, negative, margins=margins).inputs_and_labels()


@pytest.mark.parametrize(
    ("soft_boundary", "jit_compile"), [(2.0, False), (200.0, True)], ids=["some in full", "less than 1 in sum, XLA"]
)
@pytest.mark.parametrize(("similarity", "temperature"), [("dot", None), ("cosine", 0.1)])
def test_losses_and_the_gradient_of_the_item_embedding(
    similarity: str, temperature: float | None, soft_boundary: float, jit_compile: bool
) -> None:
    alpha, beta = 0.45, 0.25
    model, weights = filled(alpha=alpha, beta=beta, soft_boundary=soft_boundary, similarity=similarity)
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile)
    shares = tuple([[min(1.0, m / soft_boundary) for m in row] for row in MARGINS[name]] for name in MARGINS)

    def parts(weights: Any) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "blocks": BLOCKS,
            "heads": HEADS,
            "shares": shares,
            "temperature": temperature,
        }
        return spec.loss_parts(KEPT_POSITIVE, KEPT_NEGATIVE, weights, **settings)

    def total(weights: Any) -> Any:
        found = parts(weights)
        return found["positive"] + alpha * found["negative"] + beta * found["contrastive"]

    x, y = batch({name: padded(rows) for name, rows in MARGINS.items()})
    logs = model.train_on_batch(x, y, return_dict=True)
    for name, expected in parts(weights).items():
        assert float(logs[f"loss_{name}"]) == pytest.approx(expected, rel=1e-5)
    assert float(logs["loss"]) == pytest.approx(total(weights), rel=1e-5)
    expected = spec.gradient(total, weights, "item_embedding")
    expected[0] = 0  # the padding row has no gradient
    assert_close(weights["item_embedding"] - get_named_weights(model)["item_embedding"], expected)


def moved(x: Any, y: Any, *, jit_compile: bool = False, **settings: Any) -> dict[str, Any]:
    """The weights after one step of plain gradient descent."""
    keras.utils.set_random_seed(3)
    model, _ = filled(**settings)
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile, run_eagerly=not jit_compile)
    model.train_on_batch(x, y)
    return get_named_weights(model)


def assert_same_step(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "sampled_softmax", "sampled_items": 4, "jit_compile": True},
        {"loss": "gbce", "sampled_items": 4},
        {"weighting": "geometric"},
    ],
    ids=str,
)
def test_what_lies_on_the_boundary_is_as_if_it_were_not_there(settings: dict[str, Any]) -> None:
    """Of the users of margin 0 no label counts, and all others count alike, by half."""
    counts = np.array([1, 0, 1, 1, 0, 1], np.float32)[:, np.newaxis]
    x, y = test_exact.batch()
    without = {name: labels * counts.astype(np.int32) for name, labels in y.items()}
    near = {name: 0.75 * counts * np.ones((6, LENGTH + 1), np.float32) for name in MARGINS}
    assert_same_step(moved(*batch(near), soft_boundary=1.5, **settings), moved(x, without, **settings))


@pytest.mark.parametrize("variant", ["SASRec", "SASRec_c"])
def test_mixed_histories_are_weighed_too(variant: str) -> None:
    """Of the labels 9 2 8 3 the last two lie on the boundary: the terms are those of the first two."""
    arrays = test_variants.ARRAYS
    margins = {
        "positive": np.ones_like(arrays.positive, np.float32),
        "negative": np.ones_like(arrays.negative, np.float32),
        "mixed": np.array([[1, 0.5, 0.5, 0, 0, 0, 0, 0, 0]], np.float32),
    }
    x, y = arrays.inputs_and_labels()
    found = []
    for labels, soft_boundary in (
        (dataclasses.replace(arrays, margins=margins).inputs_and_labels()[1], 1.0),
        ({**y, "mixed": y["mixed"] * (np.arange(8) < 2)}, 0.0),
    ):
        model = make_model(variant=variant, soft_boundary=soft_boundary)
        model.compile("adam", run_eagerly=True)
        found.append({name: float(value) for name, value in model.test_on_batch(x, labels, return_dict=True).items()})
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_margins_change_nothing_without_a_soft_boundary() -> None:
    plain, margins = moved(*test_exact.batch()), moved(*batch({name: padded(rows) for name, rows in MARGINS.items()}))
    for name, value in plain.items():
        np.testing.assert_array_equal(value, margins[name])


def test_it_is_kept_in_the_configuration_of_the_model() -> None:
    model, _ = filled(soft_boundary=1.5)
    assert model.get_config()["soft_boundary"] == 1.5
    assert PNFRec.from_config(model.get_config()).get_config() == model.get_config()


def soft_arrays() -> tuple[TrainingArrays, Any]:
    """The users of `chain.ragged_arrays`, with margins of 0 to 3."""
    train, validation = chain.ragged_arrays()
    generator = np.random.default_rng(2)
    sequences = {"positive": train.positive, "negative": train.negative}
    margins = {
        name: np.where(items > 0, generator.integers(0, 7, items.shape) / 2, 0).astype(np.float32)
        for name, items in sequences.items()
    }
    return dataclasses.replace(train, margins=margins), validation


def test_margins_travel_with_their_users() -> None:
    train, _ = chain.ragged_arrays()
    sides: dict[str, Any] = {"positive": train.positive, "negative": train.negative}
    halves = {name: side.astype(np.float32) / 2 for name, side in sides.items()}
    for _, y in training_dataset(dataclasses.replace(train, margins=halves), 9, seed=1, epochs=1):
        for name in halves:
            np.testing.assert_array_equal(y[f"{name}_margins"], y[name] / 2)


@pytest.mark.usefixtures("untraced")
def test_killed_and_resumed_it_ends_like_the_uninterrupted_run(tmp_path: Path) -> None:
    network = ModelConfig(max_length=5, dim=8, num_blocks=1, dropout=0.2, soft_boundary=2.0)
    config = TrainingConfig(epochs=4, batch_size=10, learning_rate=0.01)
    run = partial(fitting.train, chain.ITEMS, *soft_arrays(), network, config)
    _, whole = killed_and_resumed(run, tmp_path)
    hard = fitting.train(
        *(chain.ITEMS, *soft_arrays(), dataclasses.replace(network, soft_boundary=0.0)),
        dataclasses.replace(config, epochs=1),
        state_dir=tmp_path / "hard",
    )
    assert hard.history[0]["loss"] != pytest.approx(whole.history[0]["loss"], rel=1e-3), "the margins count"


def test_training_data_without_margins_is_refused(tmp_path: Path) -> None:
    train, validation = soft_arrays()
    model, config = ModelConfig(soft_boundary=1.0, max_length=5), TrainingConfig()
    nothing = {"positive": np.zeros_like(train.positive, np.float32)}
    for margins, message in ((None, "read the training data with `margins=True`"), (nothing, "none would count")):
        arrays = dataclasses.replace(train, margins=margins)
        with pytest.raises(ValueError, match=message):
            fitting.train(chain.ITEMS, arrays, validation, model, config, state_dir=tmp_path)


def test_reading_gives_each_sequence_its_margins(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    long = [float(n) for n in range(11)]
    write_records(
        path,
        [
            training_example("u", ["1", "unknown", "2", "3"], ["9", "8"], [1, 0, 1, 1, 0, 1], [0.5, 1, 2, 3, 4, 5.5]),
            training_example("v", ["5"], [], margins=[2.5]),
            training_example("w", [str(n) for n in range(1, 10)], ["9", "no"], [1] * 9 + [0, 0], long),
        ],
    )
    read = [read_training(str(path), test_variants.VOCABULARY, 4, mixed=mixed, margins=True) for mixed in (True, False)]
    plain = read_training(str(path), test_variants.VOCABULARY, 4, mixed=True)
    margins = read[0].margins
    assert margins is not None
    assert plain.margins is None
    expected: dict[str, list[list[float]]] = {
        "positive": [[0.5, 3, 5.5], [2.5], [4, 5, 6, 7, 8]],
        "negative": [[1, 4], [], [9]],
        "mixed": [[0.5, 1, 3, 4, 5.5], [2.5], [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    }
    for name, rows in expected.items():
        np.testing.assert_array_equal(margins[name], padded(rows, 9 if name == "mixed" else 5))
        np.testing.assert_array_equal(getattr(read[0], name), getattr(plain, name))
    assert read[1].margins is not None
    assert list(read[1].margins) == ["positive", "negative"]
    assert read[1].mixed is None


@pytest.mark.parametrize("margins", [None, [], [0.5]], ids=["an earlier version", "positive: column", "other"])
def test_examples_without_margins_are_an_error_that_names_the_remedy(
    tmp_path: Path, margins: list[float] | None
) -> None:
    write_records(tmp_path / "a.gz", [training_example("u", ["1", "2"], ["9"], margins=margins)])
    with pytest.raises(ValueError, match=r"`history_margins` of some example .* Run the pipeline again, from Feedback"):
        read_training(str(tmp_path / "a.gz"), test_variants.VOCABULARY, 4, margins=True)
