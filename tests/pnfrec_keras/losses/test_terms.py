"""Terms of the loss against numpy, written from the definitions."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from pnfrec_keras.losses import terms

Array = npt.NDArray[Any]

LABELS = np.array([[3, 1, 0], [2, 0, 0], [0, 0, 0]])
NEGATIVES = np.array([[4, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 0]])


@pytest.fixture
def tensors() -> tuple[Array, Array]:
    random = np.random.default_rng(5)
    table = random.normal(size=(6, 4)).astype(np.float32)
    table[0] = 0
    return random.normal(size=(3, 3, 4)).astype(np.float32), table


def plain_cross_entropy(hidden: Array, labels: Array, table: Array) -> float:
    total = 0.0
    for row, column in zip(*np.nonzero(labels), strict=True):
        logits = table[1:] @ hidden[row, column]
        total += -math.log(np.exp(logits[labels[row, column] - 1]) / np.exp(logits).sum())
    return total


def plain_contrastive(hidden: Array, labels: Array, negatives: Array, table: Array, temperature: float | None) -> float:
    def similarity(a: Array, b: Array) -> float:
        if temperature is None:
            return float(a @ b)
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b) / temperature)

    total = 0.0
    for row, column in zip(*np.nonzero(labels), strict=True):
        positive = math.exp(similarity(hidden[row, column], table[labels[row, column]]))
        negative = sum(math.exp(similarity(hidden[row, column], table[j])) for j in negatives[row] if j)
        total += -math.log(positive / (positive + negative))
    return total


@pytest.mark.parametrize("compact", [True, False])
def test_cross_entropy_is_summed_over_real_positions(tensors: tuple[Array, Array], compact: bool) -> None:
    hidden, table = tensors
    value = terms.cross_entropy_sum(tf.constant(hidden), tf.constant(LABELS), tf.constant(table), compact=compact)
    assert float(value) == pytest.approx(plain_cross_entropy(hidden, LABELS, table), rel=1e-5)
    assert float(terms.real_positions(tf.constant(LABELS))) == 3.0


def test_both_layouts_have_the_same_gradients(tensors: tuple[Array, Array]) -> None:
    gradients = []
    for compact in (True, False):
        hidden, table = (tf.Variable(values) for values in tensors)
        with tf.GradientTape() as tape:
            loss = terms.cross_entropy_sum(hidden, tf.constant(LABELS), table, compact=compact)
        gradients.append([tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, [hidden, table])])
    np.testing.assert_allclose(gradients[0][0], gradients[1][0], atol=1e-6)
    np.testing.assert_allclose(gradients[0][1], gradients[1][1], atol=1e-6)
    assert not gradients[0][1][0].any(), "padding is no candidate: its row gets no gradient"


@pytest.mark.parametrize(("similarity", "temperature"), [("dot", None), ("cosine", 0.5)])
def test_contrastive_term_is_the_definition(
    tensors: tuple[Array, Array], similarity: str, temperature: float | None
) -> None:
    hidden, table = tensors
    value = terms.contrastive_sum(
        *(tf.constant(hidden), tf.constant(LABELS), tf.constant(NEGATIVES), tf.constant(table)),
        similarity=similarity,
        temperature=temperature or 1.0,
    )
    # Row 1 has a label but no negatives: log(1) = 0. Row 2 has negatives but no label.
    assert float(value) == pytest.approx(plain_contrastive(hidden, LABELS, NEGATIVES, table, temperature), rel=1e-5)


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_no_negatives_at_all_is_zero_with_zero_gradients(tensors: tuple[Array, Array], similarity: str) -> None:
    hidden, table = (tf.Variable(values) for values in tensors)
    with tf.GradientTape() as tape:
        loss = terms.contrastive_sum(
            hidden, tf.constant(LABELS), tf.zeros([3, 4], tf.int32), table, similarity=similarity
        )
    assert float(loss) == 0.0
    for gradient in tape.gradient(loss, [hidden, table]):
        assert not tf.convert_to_tensor(gradient).numpy().any()


def test_contrastive_term_survives_huge_scores() -> None:
    hidden = tf.constant([[[1e4, 0.0]]])
    table = tf.constant([[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    loss = terms.contrastive_sum(hidden, tf.constant([[1]]), tf.constant([[2]]), table, similarity="dot")
    # softplus(1e4 - (-1e4)) = 2e4; exp(2e4) would be infinite.
    assert float(loss) == pytest.approx(2e4)


def test_empty_batch_of_positions_is_zero() -> None:
    loss = terms.cross_entropy_sum(tf.ones([2, 3, 4]), tf.zeros([2, 3], tf.int32), tf.ones([6, 4]))
    assert float(loss) == 0.0
