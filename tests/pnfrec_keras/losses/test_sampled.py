"""Sampled softmax and gBCE with given negatives: values and gradients against numpy, written from the definitions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from pnfrec_keras.losses import chunks, sampled, softmax
from pnfrec_keras.losses.sampled import SampledLoss

Array = npt.NDArray[Any]

ITEMS, DIM, EXPONENT = 12, 5, 0.4
# Repeats, and items that are labels too.
NEGATIVES = np.array([3, 7, 7, 1, 12, 5], np.int32)


def problem(tokens: int, size: float = 1.0) -> dict[str, Array]:
    random = np.random.default_rng(tokens)
    table = random.normal(size=(ITEMS + 1, DIM))
    table[0] = 0
    return {
        "hidden": (size * random.normal(size=(tokens, DIM))).astype(np.float32),
        "labels": random.integers(1, ITEMS + 1, tokens).astype(np.int32),
        "table": table.astype(np.float32),
        "weights": random.random(tokens).astype(np.float32),
    }


def log_counts(indices: Array) -> Array:
    """Some proposal's."""
    found: Array = np.log(0.3 + 0.1 * indices).astype(np.float32)
    return found


def sampled_softmax(hidden: Any, labels: Any, table: Any, weights: Any, **kwargs: Any) -> Any:
    of_labels, of_negatives = (tf.math.log(0.3 + 0.1 * tf.cast(each, tf.float32)) for each in (labels, NEGATIVES))
    negatives = tf.constant(NEGATIVES)
    return sampled.sampled_softmax_sum(hidden, labels, table, negatives, of_labels, of_negatives, weights, **kwargs)


def gbce(hidden: Any, labels: Any, table: Any, weights: Any, **kwargs: Any) -> Any:
    return sampled.gbce_sum(hidden, labels, table, tf.constant(NEGATIVES), EXPONENT, weights, **kwargs)


def softmax_in_numpy(hidden: Array, label: int, table: Array) -> tuple[float, list[tuple[int, float]]]:
    """Loss of one token, and its derivatives by the scores of the items."""
    candidates = [label, *(j for j in NEGATIVES.tolist() if j != label)]
    corrected: Array = table[candidates] @ hidden - log_counts(np.array(candidates))
    probabilities = np.exp(corrected) / np.exp(corrected).sum()
    by_score = probabilities - (np.arange(len(candidates)) == 0)
    return -np.log(probabilities[0]), list(zip(candidates, by_score.tolist(), strict=True))


def gbce_in_numpy(hidden: Array, label: int, table: Array) -> tuple[float, list[tuple[int, float]]]:
    def sigmoid(item: int) -> float:
        return float(1 / (1 + np.exp(-table[item] @ hidden)))

    others = [j for j in NEGATIVES.tolist() if j != label]
    loss = -np.log(sigmoid(label) ** EXPONENT) - sum(np.log(1 - sigmoid(j)) for j in others)
    return loss, [(label, EXPONENT * (sigmoid(label) - 1)), *((j, sigmoid(j)) for j in others)]


def in_numpy(one: Callable[..., Any], hidden: Array, labels: Array, table: Array, weights: Array) -> list[Array]:
    hidden, table = hidden.astype(float), table.astype(float)
    total, by_hidden, by_table = 0.0, np.zeros_like(hidden), np.zeros_like(table)
    for token, (vector, label, weight) in enumerate(zip(hidden, labels.tolist(), weights, strict=True)):
        loss, by_scores = one(vector, label, table)
        total += weight * loss
        for item, by_score in by_scores:
            by_hidden[token] += weight * by_score * table[item]
            by_table[item] += weight * by_score * vector
    return [0.25 * np.asarray(each) for each in (total, by_hidden, by_table)]


def with_gradients(loss: Callable[..., Any], problem: dict[str, Any], **kwargs: Any) -> list[Array]:
    """Value, gradient by hidden, gradient by table; the loss is scaled, as the model does."""
    compiled = kwargs.pop("jit_compile", False)

    def step(hidden: Any, labels: Any, table: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            value = 0.25 * loss(hidden, labels, table, weights, **kwargs)
        return [value, *(tf.convert_to_tensor(each) for each in tape.gradient(value, [hidden, table]))]

    arguments = {name: tf.constant(values) for name, values in problem.items()}
    return [tf.cast(each, tf.float32).numpy() for each in tf.function(step, jit_compile=compiled)(**arguments)]


BOTH = pytest.mark.parametrize(("loss", "reference"), [(sampled_softmax, softmax_in_numpy), (gbce, gbce_in_numpy)])


@BOTH
@pytest.mark.parametrize("static_shapes", [False, True])
@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 200])
def test_values_and_gradients_are_those_of_the_definition(
    monkeypatch: pytest.MonkeyPatch, loss: Any, reference: Any, tokens: int, static_shapes: bool
) -> None:
    monkeypatch.setattr(chunks, "_MOST", 64)
    expected = in_numpy(reference, **problem(tokens))
    found = with_gradients(loss, problem(tokens), static_shapes=static_shapes)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    assert not found[2][0].any(), "the padding row is no candidate"


@BOTH
def test_eager_and_xla_give_the_same(loss: Any, reference: Any) -> None:
    expected = in_numpy(reference, **problem(300))
    for one, two in zip(
        with_gradients(loss, problem(300), static_shapes=True, jit_compile=True), expected, strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    assert 0.25 * float(loss(**problem(300))) == pytest.approx(float(expected[0]), rel=1e-5)


def test_sampled_softmax_is_tensorflows() -> None:
    given = problem(40)
    # TensorFlow masks one accidental hit a label only, so no negative twice.
    once = np.array([3, 7, 1, 12, 5], np.int32)
    counts = [np.exp(log_counts(each)) for each in (given["labels"][:, np.newaxis], once)]
    expected = tf.nn.sampled_softmax_loss(
        weights=given["table"],
        biases=tf.zeros(ITEMS + 1),
        labels=given["labels"][:, np.newaxis].astype(np.int64),
        inputs=given["hidden"],
        num_sampled=len(once),
        num_classes=ITEMS + 1,
        sampled_values=(once.astype(np.int64), *counts),
        remove_accidental_hits=True,
    )
    found = sampled.sampled_softmax_sum(
        *(given["hidden"], given["labels"], given["table"], tf.constant(once)),
        *(log_counts(given["labels"]), log_counts(once), given["weights"]),
    )
    assert float(found) == pytest.approx(float(tf.reduce_sum(given["weights"] * expected)), rel=1e-4)


def test_all_items_as_negatives_are_the_exact_softmax() -> None:
    def every(hidden: Any, labels: Any, table: Any, weights: Any) -> Any:
        counts = tf.zeros(tf.shape(labels)), tf.zeros(ITEMS)
        return sampled.sampled_softmax_sum(hidden, labels, table, tf.range(1, ITEMS + 1), *counts, weights)

    def exact(hidden: Any, labels: Any, table: Any, weights: Any) -> Any:
        return softmax.softmax_cross_entropy_sum(hidden, labels - 1, table[1:], weights)

    for one, two in zip(with_gradients(every, problem(90)), with_gradients(exact, problem(90)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_gbce_of_no_calibration_is_binary_cross_entropy() -> None:
    given = problem(30)
    exponent = sampled.gbce_exponent(ITEMS, len(NEGATIVES), 0.0)
    found = sampled.gbce_sum(given["hidden"], given["labels"], given["table"], tf.constant(NEGATIVES), exponent)
    scores = given["hidden"] @ given["table"].T
    expected = 0.0
    for row, label in zip(scores, given["labels"], strict=True):
        items = np.array([label, *NEGATIVES[label != NEGATIVES]])
        targets = (np.arange(len(items)) == 0).astype(np.float32)
        expected += float(tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(targets, row[items])))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_exponent_of_gbce_is_that_of_the_paper() -> None:
    alpha = 25 / 100
    for t in (0.0, 0.3, 0.75, 1.0):
        assert sampled.gbce_exponent(101, 25, t) == pytest.approx(alpha * (t * (1 - 1 / alpha) + 1 / alpha))
    assert sampled.gbce_exponent(101, 25, 0.0) == 1.0
    assert sampled.gbce_exponent(101, 25, 1.0) == alpha


def test_a_token_whose_negatives_are_all_its_own_label_has_none() -> None:
    given = problem(1)
    given["labels"] = np.array([7], np.int32)
    same = tf.constant([7, 7])
    arguments = (given["hidden"], given["labels"], given["table"], same)
    with tf.GradientTape() as tape:
        hidden = tf.constant(given["hidden"])
        tape.watch(hidden)
        value = sampled.sampled_softmax_sum(hidden, *arguments[1:], tf.zeros(1), tf.zeros(2))
    assert float(value) == 0.0
    assert not tape.gradient(value, hidden).numpy().any()
    score = float(given["hidden"][0] @ given["table"][7])
    assert float(sampled.gbce_sum(*arguments, EXPONENT)) == pytest.approx(EXPONENT * np.log1p(np.exp(-score)), rel=1e-5)


@pytest.mark.parametrize("loss", [sampled_softmax, gbce])
def test_no_token_is_a_loss_of_zero(loss: Any) -> None:
    for static_shapes in (False, True):
        value, by_hidden, by_table = with_gradients(loss, problem(0), static_shapes=static_shapes)
        assert value == 0.0
        assert by_hidden.shape == (0, DIM)
        assert not by_table.any()


@pytest.mark.parametrize("loss", [sampled_softmax, gbce])
def test_padding_of_weight_zero_adds_nothing(loss: Any) -> None:
    whole = problem(10)
    whole["labels"][5:] = 0
    whole["weights"][5:] = 0.0
    half = {name: values if name == "table" else values[:5] for name, values in whole.items()}
    found, expected = (with_gradients(loss, each) for each in (whole, half))
    assert found[0] == pytest.approx(expected[0])
    assert not found[1][5:].any()
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", [sampled_softmax, gbce])
def test_huge_scores_stay_finite(loss: Any) -> None:
    given = problem(50, size=500.0)
    assert np.abs(given["hidden"] @ given["table"].T).max() > 1_000
    assert all(np.isfinite(each).all() for each in with_gradients(loss, given))
    given["hidden"][3, 1] = np.nan
    assert np.isnan(with_gradients(loss, given)[0]), "what is not a number stays visible"


@pytest.mark.parametrize("loss", [sampled_softmax, gbce])
@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.bfloat16, 0.04), (tf.float16, 0.005)])
def test_half_precision_is_close(loss: Any, dtype: Any, tolerance: float) -> None:
    given = problem(300)
    halved = {**given, **{name: tf.cast(given[name], dtype) for name in ("hidden", "table")}}
    for found, wanted in zip(with_gradients(loss, halved), with_gradients(loss, given), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("loss", [sampled_softmax, gbce])
def test_no_tensor_holds_all_logits(loss: Any) -> None:
    given = {name: tf.constant(values) for name, values in problem(5_000).items()}

    @tf.function  # type: ignore[untyped-decorator]
    def step(hidden: Any, table: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            value = loss(hidden, given["labels"], table, given["weights"])
        return tape.gradient(value, [hidden, table])

    graph = step.get_concrete_function(given["hidden"], given["table"]).graph.as_graph_def()
    assert not [node.name for node in graph.node if node.op == "MatMul"], "none covers all tokens"
    inner = [node.name for function in graph.library.function for node in function.node_def if node.op == "MatMul"]
    assert len(inner) == 3


def test_the_seed_decides_which_negatives() -> None:
    given = {name: tf.constant(values) for name, values in problem(40).items()}
    arguments = (given["hidden"], given["labels"], given["table"])
    seed = tf.constant([1, 2], tf.int32)
    for kind in ("sampled_softmax", "gbce"):
        loss = SampledLoss(kind, ITEMS, 5)
        values = [float(loss.summed(*arguments, seed + shift, given["weights"])) for shift in (0, 0, 1)]
        assert values[0] == values[1]
        assert values[0] != values[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("hinge", 9, 3), "`loss` must be 'softmax', 'sampled_softmax' or 'gbce'. Received: 'hinge'"),
        (("gbce", 9, 0), "`sampled_items` must be at least 1 and below the size of the catalogue .9.. Received: 0"),
        (("sampled_softmax", 9, 9), "Received: 9. Lower `model.sampled_items`, or use `model.loss: softmax`"),
        (("gbce", 9, 3, 1.5), r"`calibration` must be in \[0, 1\]. Received: 1.5"),
    ],
)
def test_settings_that_fit_no_catalogue_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SampledLoss(*settings)
