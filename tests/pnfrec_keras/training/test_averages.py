"""Training with a moving average of the weights."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.training import fitting
from pnfrec_keras.training.build import build_model
from tests.pnfrec_keras.training.chain import ITEMS, MODEL, arrays, fit


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_kept_is_the_average_of_the_weights_of_the_steps(tmp_path: Path, precision: str) -> None:
    """An epoch is one step here, and the state after each holds the weights that training goes on from."""
    steps: list[list[Any]] = []

    def keep(epoch: int, logs: dict[str, float]) -> None:
        del epoch, logs
        with np.load(tmp_path / "state.npz") as state:
            steps.append([state[f"variable_{number}"] for number in range(int(state["variable_count"]))])

    config = TrainingConfig(
        epochs=8,
        batch_size=24,
        learning_rate=0.01,
        average_epochs=2.0,
        precision=precision,  # type: ignore[arg-type]
    )
    train, validation = arrays()
    result = fitting.train(ITEMS, train, validation, MODEL, config, state_dir=tmp_path, progress=keep)
    assert result.best_epoch > 1, "an average of one step tells nothing"
    place = {id(variable): number for number, variable in enumerate(result.model.variables)}
    decay = np.exp(-1 / 2)
    for variable in result.model.trainable_variables:
        own = [step[place[id(variable)]] for step in steps[: result.best_epoch]]
        average = own[0]
        for weights in own[1:]:
            average = decay * average + (1 - decay) * weights
        np.testing.assert_allclose(variable.numpy(), average, rtol=1e-4, atol=1e-6)
        assert not np.allclose(average, own[-1], rtol=1e-3), "training goes on from its own weights"
    again = result.model.evaluate(*validation.inputs_and_targets(), return_dict=True, verbose=0)
    assert float(again["ndcg_p"]) == pytest.approx(result.history[result.best_epoch - 1]["val_ndcg_p"], abs=1e-6)


def test_before_the_first_step_the_average_is_of_the_weights_that_there_are() -> None:
    """A scaled loss may overflow in all steps of the first epoch, which is then judged by this."""
    config = TrainingConfig(average_epochs=1.0, precision="mixed_float16")
    model = build_model(ITEMS, MODEL, config, steps=3)
    averages = [variable for variable in model.optimizer.variables if variable.path.endswith("_average")]
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(average, variable)


def test_a_second_fit_begins_with_the_weights_that_the_first_has_left(tmp_path: Path) -> None:
    model = fit(tmp_path, "first", average_epochs=2.0).model
    kept = model.get_weights()
    model.optimizer.learning_rate.assign(0.0)
    fitting.fit(model, *arrays(), epochs=2, batch_size=12, verbose=0)
    for left, variable in zip(kept, model.weights, strict=True):
        np.testing.assert_allclose(variable.numpy(), left, rtol=1e-6, atol=1e-7)


def test_training_itself_takes_no_notice_of_the_average(tmp_path: Path) -> None:
    plain, averaged = fit(tmp_path, "plain"), fit(tmp_path, "averaged", average_epochs=1.0)
    assert [epoch["loss"] for epoch in averaged.history] == [epoch["loss"] for epoch in plain.history]
    assert [epoch["val_mrr_p"] for epoch in averaged.history] != [epoch["val_mrr_p"] for epoch in plain.history]


def test_a_compiled_step_averages_the_same(tmp_path: Path) -> None:
    model = dataclasses.replace(MODEL, dropout=0.0)
    plain, compiled = (
        fitting.train(
            *(ITEMS, *arrays(), model),
            TrainingConfig(epochs=3, batch_size=12, learning_rate=0.01, average_epochs=1.0, jit_compile=jit_compile),
            state_dir=tmp_path / str(jit_compile),
        )
        for jit_compile in (False, True)
    )
    for one, two in zip(plain.history, compiled.history, strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    for one, two in zip(plain.model.get_weights(), compiled.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)
