"""What a Keras script may ask of the model that it does not do: told, and never left out without a word."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras import evaluate, fit
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.network.small import ARRAYS, ITEMS, make_model

pytestmark = pytest.mark.tensorflow
X, Y = ARRAYS.inputs_and_labels()
EXAMPLES = EvaluationArrays(
    *(np.array([[1, 2, 0, 0], [3, 0, 0, 0]], np.int32), [np.array([1, 2], np.int32), np.array([3], np.int32)]),
    *(np.array([5, 6], np.int32), np.array([1, 1], np.int32)),
)


@pytest.mark.parametrize("wrong", [0, -3, 2.5, "9", True, None])
def test_sizes_that_are_no_sizes(wrong: Any) -> None:
    for name in ("num_items", "k"):
        with pytest.raises(ValueError, match=rf"`{name}` must be a whole number of at least 1\. Received: {wrong!r}"):
            PNFRec(**{"num_items": ITEMS, name: wrong})


@pytest.mark.parametrize(
    ("words", "named", "idle"),
    [
        (["adam", "mse"], {}, "loss"),
        ([], {"metrics": ["mae"], "weighted_metrics": ["mae"]}, "metrics, weighted_metrics"),
        ([], {"loss_weights": 2.0}, "loss_weights"),
    ],
)
def test_a_loss_or_measures_that_would_do_nothing_are_refused(
    words: list[str], named: dict[str, Any], idle: str
) -> None:
    with pytest.raises(ValueError, match=f"has a loss and measures of its own, so that {idle} would do nothing"):
        make_model().compile(*words, **named)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ({"positive": X["positive"]}, Y, r"The inputs .* a dict with negative, .* Received: {'positive': 'int32'}"),
        (X, {"negative": Y["negative"]}, r"The labels .* a dict with positive, .* Received: {'negative': 'int32'}"),
        (X, None, r"The labels .* a dict with positive, negative, .* Received: NoneType"),
        ([X["positive"], X["negative"]], Y, r"The inputs .* Received: tuple"),
        ({**X, "negative": X["negative"].astype(np.uint8)}, Y, r"The inputs .* a dict with negative, .*'uint8'"),
        (X, {**Y, "positive": Y["positive"].astype(np.float32)}, r"The labels .* a dict with positive, .*'float32'"),
    ],
)
def test_batches_that_are_none_are_told_by_name(x: Any, y: Any, message: str) -> None:
    model = make_model()
    model.compile(run_eagerly=True)
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            use(x, y, verbose=0)


def test_a_model_of_which_nothing_may_be_trained_says_so() -> None:
    model = make_model(trainable=False)
    model.compile(run_eagerly=True)
    for use in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match=r"No weight of the model may be trained: `trainable` is false\. Set"):
            use(X, Y)
    with pytest.raises(ValueError, match=r"No weight of the model may be trained"):
        fit(make_model(trainable=False), ARRAYS, EXAMPLES, epochs=1)
    assert np.isfinite(evaluate(model, EXAMPLES)["ndcg_p"])
    model.trainable = True
    model.fit(X, Y, verbose=0)
    assert int(model.optimizer.iterations) == 1


def test_a_part_that_is_not_trained_stays_as_it_is() -> None:
    model = make_model()
    model.item_embedding.trainable = model.positive_encoder.trainable = False
    kept = [np.array(weight) for weight in (*model.item_embedding.weights, *model.positive_encoder.weights)]
    other = [np.array(weight) for weight in model.positive_positions.weights]
    model.compile(run_eagerly=True)
    model.fit(X, Y, verbose=0)
    for before, after in zip(kept, (*model.item_embedding.weights, *model.positive_encoder.weights), strict=True):
        np.testing.assert_array_equal(before, np.array(after))
    assert not np.array_equal(other[0], np.array(model.positive_positions.weights[0]))


@pytest.mark.parametrize("wrong", ["no", 0, None])
def test_trainable_is_true_or_false(wrong: Any) -> None:
    with pytest.raises(ValueError, match=rf"`trainable` must be true or false\. Received: {wrong!r}"):
        make_model(trainable=wrong)


def test_the_contrastive_term_reads_the_dislikes_without_their_encoder() -> None:
    model = make_model(variant="PNFRec_pc")
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="The inputs of a training batch must be a dict with negative"):
        model.fit({"positive": X["positive"]}, {"positive": Y["positive"]}, verbose=0)


def test_examples_may_weigh_differently_in_evaluation() -> None:
    model = make_model()
    model.compile(run_eagerly=True)
    x = {"positive": np.array([[1, 2, 0, 0], [3, 0, 0, 0]]), "seen": np.array([[1, 2], [3, 0]])}
    y = {"target": np.array([5, 6]), "is_positive": np.array([1, 1])}
    alone = [model.evaluate(*_part(x, y, row), verbose=0, return_dict=True)["mrr_p"] for row in (0, 1)]
    found = model.evaluate(x, y, sample_weight=np.array([1.0, 3.0]), verbose=0, return_dict=True)["mrr_p"]
    assert float(found) == pytest.approx((float(alone[0]) + 3 * float(alone[1])) / 4)


def _part(x: dict[str, Any], y: dict[str, Any], row: int) -> tuple[dict[str, Any], dict[str, Any]]:
    part = slice(row, row + 1)
    return {name: values[part] for name, values in x.items()}, {name: values[part] for name, values in y.items()}


def test_a_saved_model_goes_on_as_it_was_compiled(tmp_path: Path) -> None:
    model = make_model()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    losses = [each.fit(X, Y, epochs=2, shuffle=False, verbose=0).history["loss"] for each in (model, loaded)]
    assert losses[0] == losses[1]
    assert int(loaded.optimizer.iterations) == 4
