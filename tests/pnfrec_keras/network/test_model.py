"""The network and its loss: against numpy, and by the properties that it must have."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.examples.arrays import TrainingArrays, evaluation_arrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras import reference
from tests.pnfrec_keras.losses.test_terms import plain_contrastive, plain_cross_entropy

ITEMS, LENGTH, DIM = 9, 4, 6


def make_model(**settings: Any) -> PNFRec:
    keras.utils.set_random_seed(7)
    arguments = {
        "num_items": ITEMS,
        "max_length": LENGTH,
        "dim": DIM,
        "num_heads": 2,
        "dropout": 0.0,
        "k": 3,
        **settings,
    }
    model = PNFRec(**arguments)
    # At the initial scale everything is near zero and errors could hide.
    for variable in model.trainable_variables:
        if "item_embedding" not in variable.path:
            variable.assign(
                variable + np.random.default_rng(len(variable.shape)).normal(scale=0.3, size=variable.shape)
            )
    table = np.random.default_rng(1).normal(size=(ITEMS + 1, DIM))
    table[0] = 0
    model.item_embedding.embeddings.assign(table)
    return model


ARRAYS = TrainingArrays(
    positive=np.array([[1, 2, 3, 4, 5], [6, 7, 0, 0, 0], [8, 1, 2, 0, 0]], np.int32),
    negative=np.array([[9, 8, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0]], np.int32),
)


@pytest.mark.parametrize("polarity", ["positive", "negative"])
@pytest.mark.parametrize("shared", [True, False])
def test_hidden_states_equal_the_numpy_reference(polarity: str, shared: bool) -> None:
    model = make_model(shared_positions=shared)
    for items in ([5], [3, 9], [1, 2, 3, 4]):
        padded = np.array([items + [0] * (LENGTH - len(items))], np.int32)
        hidden = model({"positive": padded, "negative": padded})[polarity].numpy()[0, : len(items)]
        np.testing.assert_allclose(hidden, reference.hidden_states(model, items, polarity), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "rows", [ARRAYS.positive[:, :LENGTH], ARRAYS.negative[:, :LENGTH], ARRAYS.positive[:0, :LENGTH]]
)
def test_training_encodes_real_positions_as_inference_does(rows: Any) -> None:
    model = make_model(max_length=24)
    padded = np.pad(rows, [(0, 0), (0, 24 - LENGTH)])
    x = {"positive": padded, "negative": padded[::-1]}
    plain, grouped = model(x, training=False), model(x, training=True)
    for polarity, items in x.items():
        np.testing.assert_allclose(grouped[polarity][items > 0], plain[polarity][items > 0], rtol=1e-4, atol=1e-5)
        assert grouped[polarity].shape == plain[polarity].shape


def test_scores_are_those_of_the_last_real_position() -> None:
    model = make_model()
    table = model.item_embedding.embeddings.numpy()
    for items in ([5], [1, 2, 3], [4, 3, 2, 1]):
        expected = reference.hidden_states(model, items, "positive")[-1] @ table.T
        padded = np.array([items + [0] * (LENGTH - len(items))], np.int32)
        np.testing.assert_allclose(model.scores(padded).numpy()[0], expected, rtol=1e-4, atol=1e-5)


def test_a_later_item_changes_nothing_before_it() -> None:
    model = make_model()
    first = model({"positive": np.array([[1, 2, 3, 4]])})["positive"].numpy()
    second = model({"positive": np.array([[1, 2, 9, 8]])})["positive"].numpy()
    np.testing.assert_array_equal(first[:, :2], second[:, :2])
    assert np.abs(first[:, 2:] - second[:, 2:]).max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "temperature"),
    [({}, None), ({"similarity": "cosine"}, 0.1), ({"similarity": "cosine", "temperature": 0.5}, 0.5)],
)
def test_loss_is_the_weighted_sum_of_its_parts(settings: dict[str, Any], temperature: float | None) -> None:
    model = make_model(alpha=0.45, beta=0.25, **settings)
    x, y = ARRAYS.inputs_and_labels()
    assert x["positive"].tolist() == [[1, 2, 3, 4], [6, 0, 0, 0], [8, 1, 0, 0]]
    assert x["negative"].tolist() == [[9, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    model.compile("adam")
    loss = float(model.compute_loss(x, y, model(x)))
    table = model.item_embedding.embeddings.numpy()
    hidden = {name: model(x)[name].numpy() for name in ("positive", "negative")}
    # 4 + 1 + 2 positive positions and one negative one.
    ce_p = plain_cross_entropy(hidden["positive"], y["positive"], table) / 7
    ce_n = plain_cross_entropy(hidden["negative"], y["negative"], table) / 1
    contrastive = plain_contrastive(hidden["positive"], y["positive"], x["negative"], table, temperature) / 7
    assert loss == pytest.approx(ce_p + 0.45 * ce_n + 0.25 * contrastive, rel=1e-5)
    parts = {name: float(part.result()) for name, part in model.loss_parts.items()}
    assert parts == pytest.approx({"positive": ce_p, "negative": ce_n, "contrastive": contrastive}, rel=1e-5)


@pytest.mark.parametrize(
    ("alpha", "beta", "parts"),
    [
        (0.5, 0.5, ["positive", "negative", "contrastive"]),
        (0.5, 0.0, ["positive", "negative"]),
        (0.0, 0.5, ["positive", "contrastive"]),
        (0.0, 0.0, ["positive"]),
    ],
)
def test_variants_have_the_terms_they_are_named_for(alpha: float, beta: float, parts: list[str]) -> None:
    model = make_model(alpha=alpha, beta=beta)
    assert list(model.loss_parts) == parts
    assert (model.negative_encoder is not None) == (alpha > 0)
    model.compile("adam")
    x, y = ARRAYS.inputs_and_labels()
    history = model.fit(x, y, epochs=1, verbose=0).history
    assert set(history) == {"loss", *(f"loss_{part}" for part in parts)}
    assert np.isfinite(history["loss"]).all()


def test_weights_are_counted_and_the_item_table_is_one() -> None:
    block = 2 * (2 * DIM) + 4 * (DIM * DIM + DIM) + 2 * (DIM * DIM + DIM)
    table, positions, norm = (ITEMS + 1) * DIM, LENGTH * DIM, 2 * DIM
    assert make_model().count_params() == table + positions + norm + 2 * 2 * block
    assert make_model(shared_positions=False).count_params() == table + 2 * positions + norm + 2 * 2 * block
    assert make_model(alpha=0.0).count_params() == table + positions + norm + 2 * block
    paths = [weight.path for weight in make_model().trainable_weights]
    assert sum("item_embedding" in path for path in paths) == 1


def test_the_two_encoders_start_different() -> None:
    keras.utils.set_random_seed(3)
    model = PNFRec(ITEMS, max_length=LENGTH, dim=DIM)
    assert model.negative_encoder is not None
    pairs = zip(model.positive_encoder.weights, model.negative_encoder.weights, strict=True)
    kernels = [(a.numpy(), b.numpy()) for a, b in pairs if "kernel" in a.path]
    assert len(kernels) == 2 * 5
    assert all(np.abs(a - b).max() > 1e-3 for a, b in kernels)
    assert np.concatenate([a.ravel() for a, _ in kernels]).std() == pytest.approx(0.02, rel=0.2)


def test_the_negative_encoder_learns_from_its_own_loss_only() -> None:
    x, y = ARRAYS.inputs_and_labels()
    model = make_model(alpha=1.0, beta=1.0)
    assert model.negative_encoder is not None
    model.compile("adam")
    no_negatives = {**y, "negative": np.zeros_like(y["negative"])}
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, no_negatives, model(x))
    gradients = tape.gradient(loss, [weight.value for weight in model.negative_encoder.trainable_weights])
    assert all(gradient is None or not tf.convert_to_tensor(gradient).numpy().any() for gradient in gradients)


def test_dropout_works_where_the_spec_has_it_and_only_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spec, section 3: on the input, the attention weights, and twice in the feed-forward part of each block."""
    shares: dict[int, list[bool]] = {}
    drawn = Dropout.drawn

    def record(layer: Any, shape: Any, training: bool | None) -> Any:
        drop = drawn(layer, shape, training)
        shares.setdefault(id(layer), []).extend((drop(tf.ones(shape)).numpy() == 0.0).ravel())
        return drop

    model = make_model(dropout=0.5, num_blocks=2)
    assert model.negative_encoder is not None
    blocks = [*model.positive_encoder.blocks, *model.negative_encoder.blocks]
    layers = [part for block in blocks for part in (block.attention.dropout, block.inner_dropout, block.outer_dropout)]
    items = np.random.default_rng(3).integers(1, ITEMS + 1, (20, LENGTH + 1)).astype(np.int32)
    x, y = TrainingArrays(items, items[::-1]).inputs_and_labels()
    model.compile("adam", run_eagerly=True)
    monkeypatch.setattr(Dropout, "drawn", record)
    model.train_on_batch(x, y)
    assert set(shares) == {id(layer) for layer in (model.input_dropout, *layers)}
    assert [found for found in shares.values() if not 0.3 < np.mean(found) < 0.7] == []
    shares.clear()
    model.evaluate(x, y, verbose=0)
    assert shares
    assert not any(np.any(found) for found in shares.values())


def test_the_padding_row_stays_zero_through_training() -> None:
    model = make_model(dropout=0.1)
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(*ARRAYS.inputs_and_labels(), epochs=5, verbose=0)
    assert not model.item_embedding.embeddings.numpy()[0].any()


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax"])
def test_adam_takes_no_step_longer_than_its_rate(loss: str) -> None:
    """Its first one is the rate itself, in either direction. Keras' Adam adds up the squares of a row's gradients where
    an embedding's come in parts, not the square of their sum, and would go further in rows that come up often."""
    model = make_model(loss=loss, sampled_items=4)
    model.compile(keras.optimizers.Adam(1e-3))
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
    model.compile(keras.optimizers.Adam(0.05))
    history = model.fit(*nothing.inputs_and_labels(), epochs=3, verbose=0).history
    assert history["loss_negative"] == [0.0, 0.0, 0.0]
    assert history["loss_contrastive"] == [0.0, 0.0, 0.0]
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_close_to_float32(policy: str) -> None:
    x, y = ARRAYS.inputs_and_labels()
    full, mixed = make_model(), make_model(dtype=policy)
    mixed.set_weights(full.get_weights())
    for model in (full, mixed):
        model.compile("adam")
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
        model = make_model()
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for plain, compiled in zip(*weights, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-3, atol=1e-5)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    model = make_model(similarity="cosine", temperature=0.3, shared_positions=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded.scores(ARRAYS.positive[:, :4]), model.scores(ARRAYS.positive[:, :4]))


def test_evaluate_reports_both_groups_over_the_whole_catalogue() -> None:
    model = make_model()
    model.compile("adam")
    vocabulary = Vocabulary([str(item) for item in range(1, ITEMS + 1)], np.ones(ITEMS, int), np.ones(ITEMS, int))
    histories = [["1", "2"], ["3"], ["4", "5"]]
    seen = [["1", "9", "2"], ["3"], ["4", "5", "6"]]
    examples = evaluation_arrays(histories, seen, ["7", "8", "unknown"], [1, 0, 0], vocabulary, LENGTH)
    result = model.evaluate(*examples.inputs_and_targets(), return_dict=True, verbose=0)
    found = {name: float(value) for name, value in result.items()}
    ranks = []
    for history, excluded, target in zip(histories, seen, (7, 8), strict=False):
        scores = model.scores(np.array([[*map(int, history), 0, 0, 0][:LENGTH]]))[0].numpy()
        order = sorted((i for i in range(1, ITEMS + 1) if str(i) not in excluded), key=lambda i: -scores[i])
        ranks.append(order.index(target) + 1)
    assert found["mrr_p"] == pytest.approx(1 / ranks[0] if ranks[0] <= 3 else 0)
    # The unknown target is a miss and stays in the denominator.
    assert found["mrr_n"] == pytest.approx((1 / ranks[1] if ranks[1] <= 3 else 0) / 2)
    assert set(found) == {f"{measure}_{group}" for measure in ("hr", "ndcg", "mrr") for group in "pn"}


def test_it_overfits_what_can_be_learnt() -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    chain = random.permutation(np.arange(1, 31))
    starts = random.integers(0, 30, 60)
    rows = np.array([[chain[(start + step) % 30] for step in range(7)] for start in starts], np.int32)
    arrays = TrainingArrays(rows[:, :6], np.zeros((60, 6), np.int32))
    model = PNFRec(30, max_length=5, dim=16, dropout=0.0, k=10)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(*arrays.inputs_and_labels(), epochs=30, batch_size=20, verbose=0)
    x = {"positive": rows[:, 1:6], "seen": rows[:, :6]}
    assert model.evaluate(x, {"target": rows[:, 6]}, return_dict=True, verbose=0)["ndcg_p"] > 0.95
