"""`fit` as a script calls it: with a model that is there."""

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
