"""`fit` as a script calls it: with a model that is there."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.evaluation.evaluate import evaluate
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.fitting import fit, train
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays

SETTINGS: dict[str, Any] = {"epochs": 4, "batch_size": 10, "learning_rate": 0.01, "seed": 5}


def new_model() -> PNFRec:
    keras.utils.set_random_seed(5)
    return PNFRec(ITEMS, MODEL)


def test_it_does_what_training_from_settings_does(tmp_path: Path) -> None:
    config = TrainingConfig(**SETTINGS)
    by_settings = train(ITEMS, *arrays(), MODEL, config, state_dir=tmp_path / "state")
    model = new_model()
    result = fit(model, *arrays(), **SETTINGS, verbose=0)
    assert result.model is model
    assert (result.history, result.best_epoch) == (by_settings.history, by_settings.best_epoch)
    for one, other in zip(model.get_weights(), by_settings.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # The weights of the best epoch are those that stay, and the plain evaluation agrees.
    best = result.history[result.best_epoch - 1]
    found = evaluate(model, arrays()[1])
    assert found["ndcg_p"] == pytest.approx(best["val_ndcg_p"], abs=1e-6)


def test_a_compiled_model_keeps_its_own_optimizer_and_is_trained_further() -> None:
    model = new_model()
    optimizer = keras.optimizers.SGD(0.1)
    model.compile(optimizer)
    first = fit(model, *arrays(), epochs=1, batch_size=10, verbose=0)
    fit(model, *arrays(), TrainingConfig(epochs=2, batch_size=10), verbose=0)
    assert model.optimizer is optimizer
    assert int(optimizer.iterations) == 3 + 2 * 3
    assert len(first.history) == 1
    with pytest.raises(ValueError, match="is compiled, so that average_epochs, learning_rate would do nothing"):
        fit(model, *arrays(), learning_rate=0.1, average_epochs=1.0)


def test_settings_that_it_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`fit` has no setting epoch, precision\. It has: epochs, patience, "):
        fit(new_model(), *arrays(), epoch=3, precision="float32")
    with pytest.raises(ValueError, match=r"`training\.epochs` must be at least 1\. Received: 0"):
        fit(new_model(), *arrays(), epochs=0)
    train_arrays, validation = arrays()
    with pytest.raises(ValueError, match="no positive target"):
        fit(new_model(), train_arrays, validation.part(0, 0), epochs=1)


@pytest.mark.parametrize("of", ["training", "validation", "seen"])
def test_items_that_the_model_does_not_have_are_refused(of: str) -> None:
    """On a GPU TensorFlow reads zeros for them, and nobody would see it."""
    training, validation = arrays()
    validation = dataclasses.replace(validation, seen=[row.copy() for row in validation.seen])
    what = {
        "training": "The positive sequences of the training data",
        "validation": "The targets of the examples",
        "seen": "The seen items of the examples",
    }
    if of == "training":
        training.positive[3, 5] = ITEMS + 1
    elif of == "validation":
        validation.target[3] = ITEMS + 1
    else:
        validation.seen[3][0] = ITEMS + 1
    message = rf"{what[of]} hold the items \d to 13, and the model has the items 1 to 12 .*PNFRec\(len\(vocabulary\)\)"
    with pytest.raises(ValueError, match=message):
        fit(new_model(), training, validation, epochs=1)
    if of != "training":
        with pytest.raises(ValueError, match=message):
            evaluate(new_model(), validation)


@pytest.mark.parametrize("length", [4, 6])
def test_data_of_another_length_are_refused(length: int) -> None:
    """A model of longer histories would rank by positions that it never learned."""
    model = PNFRec(ITEMS, dataclasses.replace(MODEL, max_length=length))
    message = rf"positive sequences .* are 6 long, and a model of `max_length` {length} needs {length + 1}"
    with pytest.raises(ValueError, match=message):
        fit(model, *arrays(), epochs=1)


def test_histories_that_are_too_long_for_the_model_are_refused() -> None:
    model = PNFRec(ITEMS, dataclasses.replace(MODEL, max_length=4))
    with pytest.raises(ValueError, match=r"The histories are 5 long, and a model of `max_length` 4 reads as many"):
        evaluate(model, arrays()[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", keras.Sequential()),
        ("training_data", arrays()[1]),
        ("validation_data", None),
        ("config", {"epochs": 1}),
        ("initial", "my_model"),
    ],
)
def test_what_it_cannot_take_is_told_by_name(name: str, value: Any) -> None:
    training, validation = arrays()
    given = {"model": new_model(), "training_data": training, "validation_data": validation, name: value}
    message = rf"`{name}` of `fit` must be of the type \w+\. Received: {type(value).__name__}\. `arrays_from_frame`"
    with pytest.raises(TypeError, match=message):
        fit(**given)


def test_what_is_to_be_deterministic_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: asked.append(True))
    with pytest.raises(ValueError, match="no positive target"):
        fit(new_model(), arrays()[0], arrays()[1].part(0, 0), deterministic=True)
    assert asked == [True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 3}, r"k 3 \(it has 10\)"),
        ({"precision": "mixed_bfloat16"}, r"precision mixed_bfloat16 \(it has float32\)"),
        ({"strategy": "mirrored"}, r"strategy mirrored \(it has none\)"),
        ({"learning_rate": 0.5}, r"learning_rate 0.5 \(it has 0.0010"),
        ({"average_epochs": 2.0}, r"average_epochs 2.0 \(it has 0.0\)"),
        ({"jit_compile": True}, r"jit_compile True \(it has False\)"),
    ],
)
def test_a_config_that_the_model_cannot_follow_is_refused(settings: dict[str, Any], message: str) -> None:
    """As the same setting by its name: nobody should take a second training for one at another rate."""
    model = new_model()
    model.compile("adam")
    with pytest.raises(ValueError, match=message):
        fit(model, *arrays(), TrainingConfig(**settings))
