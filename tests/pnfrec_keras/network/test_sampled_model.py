"""The model with a sampled loss: seeds, evaluation, saving, XLA, devices."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.losses.sampled import SampledLoss
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training import fitting
from tests.pnfrec_keras.losses.test_terms import plain_contrastive
from tests.pnfrec_keras.network.small import ARRAYS, ITEMS, make_model
from tests.pnfrec_keras.training import chain

KINDS = pytest.mark.parametrize("kind", ["sampled_softmax", "gbce"])


def sampled_model(kind: str, **settings: Any) -> PNFRec:
    return make_model(**{"loss": kind, "sampled_items": 4, **settings})


@KINDS
@pytest.mark.parametrize("jit_compile", [False, True])
def test_loss_is_the_weighted_sum_of_its_parts(kind: str, jit_compile: bool) -> None:
    model = sampled_model(kind, calibration=0.6)
    model.compile("adam", jit_compile=jit_compile)
    x, y = ARRAYS.inputs_and_labels()
    # As the generator gives them: CE_p draws first, then CE_n.
    again = keras.random.SeedGenerator(0)
    assert model.negatives_seed is not None
    again.state.assign(model.negatives_seed.state)
    seeds = [tf.cast(again.next() % tf.int32.max, tf.int32) for _ in range(2)]
    found = float(model.compute_loss(x, y, model(x)))
    table = model.item_embedding.embeddings.numpy()
    hidden = {name: model(x)[name].numpy() for name in ("positive", "negative")}
    loss = SampledLoss(kind, ITEMS, 4, 0.6)
    ce_p, ce_n = (
        float(loss.summed(hidden[name][y[name] > 0], y[name][y[name] > 0], table, seed))
        for name, seed in zip(("positive", "negative"), seeds, strict=True)
    )
    contrastive = plain_contrastive(hidden["positive"], y["positive"], x["negative"], table, None) / 7
    assert found == pytest.approx(ce_p / 7 + 0.45 * ce_n / 1 + 0.25 * contrastive, rel=1e-5)
    parts = {name: float(part.result()) for name, part in model.loss_parts.items()}
    assert parts == pytest.approx({"positive": ce_p / 7, "negative": ce_n, "contrastive": contrastive}, rel=1e-5)


@KINDS
def test_evaluation_of_training_batches_is_the_exact_softmax(kind: str) -> None:
    results = []
    for model in (make_model(), sampled_model(kind)):
        model.compile("adam", run_eagerly=True)
        found = model.evaluate(*ARRAYS.inputs_and_labels(), return_dict=True, verbose=0)
        results.append({name: float(value) for name, value in found.items()})
    assert results[0] == pytest.approx(results[1], rel=1e-6)


@KINDS
def test_users_without_negatives_train_without_nan(kind: str) -> None:
    nothing = TrainingArrays(ARRAYS.positive, np.zeros_like(ARRAYS.negative))
    model = sampled_model(kind, beta=0.0)
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    history = model.fit(*nothing.inputs_and_labels(), epochs=3, verbose=0).history
    assert set(history) == {"loss", "loss_positive", "loss_negative"}
    assert history["loss_negative"] == [0.0, 0.0, 0.0]
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
    assert not model.item_embedding.embeddings.numpy()[0].any(), "the padding row stays zero"


@KINDS
def test_float16_is_close_and_its_overflows_are_skipped(kind: str) -> None:
    x, y = ARRAYS.inputs_and_labels()
    full, mixed = sampled_model(kind), sampled_model(kind, dtype="mixed_float16")
    mixed.set_weights(full.get_weights())
    for model in (full, mixed):
        model.compile("adam", run_eagerly=True)
    expected = float(full.compute_loss(x, y, full(x)))
    assert float(mixed.compute_loss(x, y, mixed(x))) == pytest.approx(expected, rel=0.03)
    # The first steps are too large for float16, until the scale of the loss has come down.
    assert np.isfinite(mixed.fit(x, y, epochs=6, verbose=0).history["loss"]).all()


@KINDS
def test_xla_gives_the_same_step(kind: str) -> None:
    weights = []
    for jit_compile in (False, True):
        model = sampled_model(kind, num_blocks=1)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(*ARRAYS.inputs_and_labels(), epochs=2, verbose=0)
        weights.append(model.get_weights())
    for plain, compiled in zip(*weights, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-3, atol=1e-5)


def test_other_losses_begin_with_the_same_weights() -> None:
    models = [make_model(), sampled_model("gbce"), sampled_model("sampled_softmax")]
    for one, *others in zip(*(model.get_weights() for model in models), strict=True):
        for other in others:
            np.testing.assert_array_equal(one, other)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    model = sampled_model("gbce", calibration=0.3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    config = loaded.get_config()
    assert config == model.get_config()
    assert (config["loss"], config["sampled_items"], config["calibration"]) == ("gbce", 4, 0.3)
    assert loaded.objective.sampled_loss == model.objective.sampled_loss
    np.testing.assert_array_equal(loaded.scores(ARRAYS.positive[:, :4]), model.scores(ARRAYS.positive[:, :4]))
    assert PNFRec.from_config(make_model().get_config()).objective.sampled_loss is None


def fit(state_dir: Path, kind: str, **settings: Any) -> fitting.TrainingResult:
    model = dataclasses.replace(chain.MODEL, loss=kind, sampled_items=5)  # type: ignore[arg-type]
    config = TrainingConfig(**{"epochs": 4, "patience": 4, "batch_size": 10, "learning_rate": 0.01, **settings})
    return fitting.train(chain.ITEMS, *chain.arrays(), model, config, state_dir=state_dir)


@pytest.mark.usefixtures("untraced")
def test_the_seed_decides_also_after_a_resume(tmp_path: Path) -> None:
    whole, other = fit(tmp_path / "whole", "gbce"), fit(tmp_path / "other", "gbce", seed=43, epochs=1)
    assert whole.history[0] != other.history[0]
    # Two epochs, then the state of the generator goes on from the file.
    fit(tmp_path / "resumed", "gbce", epochs=2)
    resumed = fit(tmp_path / "resumed", "gbce")
    assert resumed.resumed_from == 2
    for one, two in zip(resumed.history, whole.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)


@KINDS
def test_it_learns_the_chain(tmp_path: Path, kind: str) -> None:
    result = fit(tmp_path, kind, epochs=40, patience=40, learning_rate=0.02)
    assert max(epoch["val_ndcg_p"] for epoch in result.history) > 0.9


_MIRRORED = """
import sys, json
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from tests.pnfrec_keras.training.chain import MODEL, ITEMS
from tests.pnfrec_keras.losses.test_soft_boundary import soft_arrays
from tests.pnfrec_keras.training.test_dated_training import dated_arrays
from pnfrec_keras.training import fitting
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.network.model import PNFRec
from functools import partialmethod
import dataclasses
losses, compile_model = {}, PNFRec.compile
data = dataclasses.replace(soft_arrays()[0], days=dated_arrays()[0].days), soft_arrays()[1]
for kind, more in (
    ("sampled_softmax", {}), ("gbce", {"soft_boundary": 2.0}), ("softmax", {"soft_boundary": 2.0, "trend_days": 10})
):
    for strategy in ("none", "mirrored"):
        config = TrainingConfig(epochs=2, batch_size=9, evaluation_batch_size=8, learning_rate=0.01, strategy=strategy)
        model = dataclasses.replace(MODEL, dropout=0.0, loss=kind, sampled_items=5, **more)
        state = Path(sys.argv[1]) / kind / strategy
        # On one device nothing is shared out: six steps are taken sooner untraced.
        PNFRec.compile = partialmethod(compile_model, run_eagerly=strategy == "none")
        result = fitting.train(ITEMS, *data, model, config, state_dir=state)
        assert (result.model.distribute_strategy.num_replicas_in_sync == 2) == (strategy == "mirrored")
        losses.setdefault(kind, []).append(result.history)
print(json.dumps(losses))
"""


def test_two_mirrored_devices_take_the_same_steps_as_one(tmp_path: Path, warm_python: str) -> None:
    """With a soft boundary too, whose weights are spread unevenly over devices, and with a trend."""
    command = [warm_python, "-c", _MIRRORED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    for plain, mirrored in json.loads(done.stdout.splitlines()[-1]).values():
        for one, two in zip(plain, mirrored, strict=True):
            assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sampled_items": 0}, "`model.sampled_items` must be at least 1. Received: 0."),
        ({"calibration": -0.1}, r"`model.calibration` must be in \[0, 1\]. Received: -0.1."),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**setting)


def test_more_negatives_than_items_are_refused_where_they_count() -> None:
    assert make_model(sampled_items=1_000).objective.sampled_loss is None
    with pytest.raises(ValueError, match=r"below the size of the catalogue \(9\). Received: 9. Lower `model.sampled"):
        sampled_model("gbce", sampled_items=9)
    with pytest.raises(ValueError, match=r"`model.loss` must be one of softmax, sampled_softmax, gbce\. Received: 'h"):
        sampled_model("hinge")
