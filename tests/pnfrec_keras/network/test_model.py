"""The network: against numpy, and by the properties that it must have."""

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
from tests.pnfrec_keras.network.small import ARRAYS, DIM, ITEMS, LENGTH, make_model


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


def test_what_is_logged_are_numbers_as_of_any_keras_model(tmp_path: Path) -> None:
    """A history of tensors is no JSON."""
    model = make_model()
    model.compile("adam", run_eagerly=True)
    x, y = ARRAYS.inputs_and_labels()
    told = keras.callbacks.CSVLogger(str(tmp_path / "epochs.csv"))
    history = model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[told]).history
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert {type(value) for value in [*found.values(), *(each[-1] for each in history.values())]} == {float}
    header, row = (line.split(",") for line in (tmp_path / "epochs.csv").read_text("utf-8").splitlines())
    assert float(row[header.index("loss")]) == history["loss"][-1]
