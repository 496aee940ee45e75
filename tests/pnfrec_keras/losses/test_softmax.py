"""The chunked cross-entropy against the plain one: values and gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.losses import chunks, softmax

DIM = 8


def plain(hidden: Any, labels: Any, table: Any, weights: Any) -> Any:
    logits = tf.cast(tf.matmul(hidden, table, transpose_b=True), tf.float32)
    return tf.reduce_sum(weights * tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def problem(tokens: int, items: int, size: float = 1.0) -> tuple[Any, Any, Any, Any]:
    random = np.random.default_rng(tokens)
    return (
        tf.constant(size * random.normal(size=(tokens, DIM)), tf.float32),
        tf.constant(random.integers(0, items, tokens), tf.int32),
        tf.constant(random.normal(size=(items, DIM)), tf.float32),
        tf.constant(random.random(tokens), tf.float32),
    )


def with_gradients(loss: Callable[..., Any], hidden: Any, labels: Any, table: Any, weights: Any) -> list[Any]:
    """Value, gradient by hidden, gradient by table; the loss is scaled, as the model does."""

    def step(hidden: Any, table: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            value = 0.25 * loss(hidden, labels, table, weights)
        return [value, *tape.gradient(value, [hidden, table])]

    found = tf.function(step)(hidden, table)
    return [np.asarray(tf.cast(tf.convert_to_tensor(each), tf.float32)) for each in found]


def test_the_plain_loss_is_what_the_definition_says() -> None:
    hidden, labels, table, weights = problem(3, 4)
    logits = hidden.numpy() @ table.numpy().T
    picked = logits[np.arange(3), labels.numpy()]
    expected = (weights.numpy() * (np.log(np.exp(logits).sum(1)) - picked)).sum()
    assert float(plain(hidden, labels, table, weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("static_shapes", [False, True])
@pytest.mark.parametrize("size", [1.0, 200.0], ids=["small", "beyond the range of exponentials"])
def test_offsets_are_added_to_the_logits_of_their_tokens(
    monkeypatch: pytest.MonkeyPatch, size: float, static_shapes: bool
) -> None:
    monkeypatch.setattr(chunks, "_MOST", 64)
    random = np.random.default_rng(9)
    rows, place = tf.constant(random.normal(size=(3, 50)) * size, tf.float32), tf.constant(random.integers(0, 3, 100))

    def loss(*arguments: Any) -> Any:
        hidden, labels, table, weights = arguments
        offsets = softmax.Offsets(rows, place, float(tf.reduce_max(tf.abs(rows))))
        return softmax.softmax_cross_entropy_sum(hidden, labels, table, weights, offsets, static_shapes=static_shapes)

    def expected(hidden: Any, labels: Any, table: Any, weights: Any) -> Any:
        logits = tf.matmul(hidden, table, transpose_b=True) + tf.gather(rows, place)
        return tf.reduce_sum(weights * tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    for found, wanted in zip(
        with_gradients(loss, *problem(100, 50)), with_gradients(expected, *problem(100, 50)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * size)


@pytest.mark.parametrize("static_shapes", [False, True])
@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 700])
def test_values_and_gradients_equal_the_plain_loss(
    monkeypatch: pytest.MonkeyPatch, tokens: int, static_shapes: bool
) -> None:
    monkeypatch.setattr(chunks, "_MOST", 64)

    def loss(*arguments: Any) -> Any:
        return softmax.softmax_cross_entropy_sum(*arguments, static_shapes=static_shapes)

    expected = with_gradients(plain, *problem(tokens, 50))
    for found, wanted in zip(with_gradients(loss, *problem(tokens, 50)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_logits_beyond_the_range_of_exponentials_are_shifted() -> None:
    arguments = problem(100, 20, size=200.0)
    assert float(tf.reduce_max(arguments[0] @ tf.transpose(arguments[2]))) > 500  # exp() of it is infinite
    expected = with_gradients(plain, *arguments)
    for found, wanted in zip(with_gradients(softmax.softmax_cross_entropy_sum, *arguments), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-2)


def test_no_token_is_a_loss_of_zero() -> None:
    value, by_hidden, by_table = with_gradients(softmax.softmax_cross_entropy_sum, *problem(0, 5))
    assert value == 0.0
    assert by_hidden.shape == (0, DIM)
    assert not by_table.any()


def test_a_token_of_weight_zero_adds_nothing() -> None:
    hidden, labels, table, _ = problem(10, 6)
    weights = tf.constant([1.0] * 5 + [0.0] * 5)
    value, by_hidden, by_table = with_gradients(softmax.softmax_cross_entropy_sum, hidden, labels, table, weights)
    half = with_gradients(softmax.softmax_cross_entropy_sum, hidden[:5], labels[:5], table, weights[:5])
    assert value == pytest.approx(half[0])
    np.testing.assert_allclose(by_hidden[:5], half[1], rtol=1e-5)
    assert not by_hidden[5:].any()
    np.testing.assert_allclose(by_table, half[2], rtol=1e-5, atol=1e-6)


def test_what_is_not_a_number_stays_visible() -> None:
    hidden, labels, table, weights = problem(4, 6)
    broken = tf.tensor_scatter_nd_update(hidden, [[1, 0]], [float("nan")])
    assert np.isnan(float(softmax.softmax_cross_entropy_sum(broken, labels, table, weights)))


@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.bfloat16, 0.04), (tf.float16, 0.005)])
def test_half_precision_is_close(dtype: Any, tolerance: float) -> None:
    hidden, labels, table, weights = problem(300, 40)
    halved = tf.cast(hidden, dtype), labels, tf.cast(table, dtype), weights
    expected = with_gradients(plain, hidden, labels, table, weights)
    for found, wanted in zip(with_gradients(softmax.softmax_cross_entropy_sum, *halved), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


def test_xla_gives_the_same() -> None:
    arguments = problem(130, 50)

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def compiled(*arguments: Any) -> Any:
        return softmax.softmax_cross_entropy_sum(*arguments, static_shapes=True)

    for found, wanted in zip(with_gradients(compiled, *arguments), with_gradients(plain, *arguments), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("static_shapes", [False, True])
def test_no_chunk_holds_more_logits_than_it_may(monkeypatch: pytest.MonkeyPatch, static_shapes: bool) -> None:
    sizes: list[int] = []
    plain_exponentials = softmax._exponentials

    def recorded(logits: Any, bounded: Any) -> Any:
        sizes.append(int(logits.shape[0]))
        return plain_exponentials(logits, bounded)

    monkeypatch.setattr(softmax, "_exponentials", recorded)
    hidden, labels, table, _ = problem(1_000, 30)
    softmax.softmax_cross_entropy_sum(hidden, labels, table, static_shapes=static_shapes)
    assert len(sizes) == 4
    assert max(sizes) <= chunks.tokens_at_once(30)


def test_no_tensor_holds_all_logits() -> None:
    tokens, items = 5_000, 900
    hidden, labels, table, weights = problem(tokens, items)

    @tf.function  # type: ignore[untyped-decorator]
    def step(hidden: Any, table: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([hidden, table])
            value = softmax.softmax_cross_entropy_sum(hidden, labels, table, weights)
        return tape.gradient(value, [hidden, table])

    graph = step.get_concrete_function(hidden, table).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    products = [node.name for node in nodes if node.op == "MatMul"]
    assert len(products) == 3  # in the loop's body, for one chunk at a time; none for all tokens
    assert chunks.tokens_at_once(items) < tokens
    assert chunks.tokens_at_once(1_000_000) * 1_000_000 * 4 <= 2**28  # bytes
