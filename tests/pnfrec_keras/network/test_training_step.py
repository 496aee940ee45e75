"""A step of training: gradients, Adam, precision, XLA; and that steps lead somewhere.

To trace a step takes far longer than to take it, so that what holds of any step is shown without tracing.
"""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.network.small import ARRAYS, make_model


def test_the_padding_row_stays_zero_through_training() -> None:
    model = make_model(dropout=0.1)
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    model.fit(*ARRAYS.inputs_and_labels(), epochs=5, verbose=0)
    assert not model.item_embedding.embeddings.numpy()[0].any()


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax"])
def test_adam_takes_no_step_longer_than_its_rate(loss: str) -> None:
    """Its first one is the rate itself, in either direction. Keras' Adam adds up the squares of a row's gradients where
    an embedding's come in parts, not the square of their sum, and would go further in rows that come up often."""
    model = make_model(loss=loss, sampled_items=4)
    model.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.train_on_batch(*ARRAYS.inputs_and_labels())
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert np.abs(variable.numpy() - old).max() <= 1.001e-3, variable.path


def test_the_gradient_polarity_by_polarity_is_that_of_the_whole_loss() -> None:
    model = make_model()
    x, y = ARRAYS.inputs_and_labels()
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    expected = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.SGD(1.0))
    model.train_on_batch(x, y)
    for old, variable, gradient in zip(before, model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(old - variable.numpy(), tf.convert_to_tensor(gradient), rtol=1e-3, atol=1e-5)


def test_weights_of_samples_are_refused_rather_than_ignored() -> None:
    model = make_model()
    model.compile("adam")
    with pytest.raises(ValueError, match="train it without `sample_weight`"):
        model.fit(*ARRAYS.inputs_and_labels(), sample_weight=np.ones(3), verbose=0)


def test_users_without_negatives_train_without_nan() -> None:
    nothing = TrainingArrays(ARRAYS.positive, np.zeros_like(ARRAYS.negative))
    model = make_model(similarity="cosine")
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    history = model.fit(*nothing.inputs_and_labels(), epochs=3, verbose=0).history
    assert history["loss_negative"] == [0.0, 0.0, 0.0]
    assert history["loss_contrastive"] == [0.0, 0.0, 0.0]
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


@pytest.mark.parametrize(
    ("policy", "block"),
    [("mixed_bfloat16", "sasrec"), ("mixed_float16", "sasrec"), ("mixed_float16", "ligr"), ("mixed_float16", "hstu")],
)
def test_mixed_precision_is_close_to_float32(policy: str, block: str) -> None:
    x, y = ARRAYS.inputs_and_labels()
    full, mixed = make_model(block=block), make_model(dtype=policy, block=block)
    mixed.set_weights(full.get_weights())
    for model in (full, mixed):
        model.compile("adam", run_eagerly=True)
    expected = float(full.compute_loss(x, y, full(x)))
    assert float(mixed.compute_loss(x, y, mixed(x))) == pytest.approx(expected, rel=0.03)
    assert mixed.scores(x["positive"]).dtype == tf.float32
    history = mixed.fit(x, y, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(weight.dtype == "float32" for weight in mixed.trainable_weights)


def test_xla_gives_the_same_step() -> None:
    x, y = ARRAYS.inputs_and_labels()
    weights = []
    for jit_compile in (False, True):
        model = make_model(num_blocks=1)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for plain, compiled in zip(*weights, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-3, atol=1e-5)


def test_a_step_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow traces a step a second time that makes variables in the first, as those of an optimizer."""
    traced: list[str] = []
    loss = PNFRec._loss

    def counted(model: PNFRec, sequence: str, *arguments: Any, **settings: Any) -> Any:
        traced.append(sequence)
        return loss(model, sequence, *arguments, **settings)

    monkeypatch.setattr(PNFRec, "_loss", counted)
    model = make_model(num_blocks=1)
    model.compile("adam")
    for _ in range(2):
        model.train_on_batch(*ARRAYS.inputs_and_labels())
    assert traced == list(model.objective.sequences)


class FirstStep(keras.callbacks.Callback):
    """How far each variable has moved after one step, at the most."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        del logs
        self.before = [variable.numpy() for variable in self.model.trainable_variables]
        self.moved: dict[str, float] = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        del batch, logs
        if not self.moved:
            pairs = zip(self.before, self.model.trainable_variables, strict=True)
            self.moved = {variable.path: float(np.abs(variable.numpy() - old).max()) for old, variable in pairs}


def test_it_overfits_what_can_be_learnt() -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    chain = random.permutation(np.arange(1, 31))
    starts = random.integers(0, 30, 60)
    rows = np.array([[chain[(start + step) % 30] for step in range(7)] for start in starts], np.int32)
    arrays = TrainingArrays(rows[:, :6], np.zeros((60, 6), np.int32))
    model = PNFRec(30, max_length=5, dim=16, dropout=0.0, k=10)
    model.compile(keras.optimizers.Adam(0.01))
    first = FirstStep()
    model.fit(*arrays.inputs_and_labels(), epochs=30, batch_size=20, verbose=0, callbacks=[first])
    # What the tests above show of steps that are not traced.
    assert 0.0099 < max(first.moved.values()) <= 1.001 * 0.01
    assert not model.item_embedding.embeddings.numpy()[0].any()
    x = {"positive": rows[:, 1:6], "seen": rows[:, :6]}
    assert model.evaluate(x, {"target": rows[:, 6]}, return_dict=True, verbose=0)["ndcg_p"] > 0.95


@pytest.mark.parametrize("settings", [{}, {"positions": "from_end"}, {"variant": "SASRec"}, {"block": "hstu"}])
def test_batches_of_another_width_train_as_those_of_the_first(settings: dict[str, Any]) -> None:
    """Keras traces the step for any width when a second one comes."""

    def batches(length: int) -> Any:
        random = np.random.default_rng(length)
        items = random.integers(1, 21, (6, length + 1)).astype(np.int32)
        items[np.arange(length + 1) >= random.integers(3, length + 2, (6, 1))] = 0
        y = items[:, 1:]
        x = np.where(y > 0, items[:, :-1], 0)
        name = "mixed" if settings.get("variant") == "SASRec" else "positive"
        inputs, labels = {name: x, "negative": x}, {name: y, "negative": y}
        if name == "mixed":
            labels["mixed_is_positive"] = np.ones_like(y, bool)
        return tf.data.Dataset.from_tensors((inputs, labels)).repeat()

    def trained(forgetting: bool) -> Any:
        keras.utils.set_random_seed(3)
        model = PNFRec(20, dim=4, num_blocks=1, max_length=8, dropout=0.0, **settings)
        model.compile(keras.optimizers.SGD(0.1))
        for length in (8, 5, 7):
            if forgetting:
                model.train_function = None
            model.fit(batches(length), steps_per_epoch=2, shuffle=False, verbose=0)
        return [weight.numpy() for weight in model.trainable_variables]

    for one, other in zip(trained(forgetting=False), trained(forgetting=True), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
