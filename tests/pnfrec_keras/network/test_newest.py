"""The state after the newest item, for which the last block works alone, is that of the whole network there."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.network.small import make_model

BLOCKS = ["sasrec", "ligr", "hstu"]
# Full, partly filled, of one item, empty.
HISTORIES = np.array([[1, 2, 3, 4], [6, 7, 0, 0], [8, 1, 2, 0], [5, 0, 0, 0], [0, 0, 0, 0]], np.int32)
LAST = [3, 1, 2, 0]
# Two sums of a few tens of float32 products in another order, of numbers near 1.
ROUNDING = 2e-5


def of_the_whole(model: PNFRec, name: str, histories: Any = HISTORIES) -> Any:
    """The states of `call`, which work on every position, at the newest items of all but the empty history."""
    hidden = model({model.reads: histories, "negative": histories})[name].numpy()
    return hidden[np.arange(len(LAST)), LAST]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("num_blocks", [1, 2])
@pytest.mark.parametrize("positions", ["from_start", "from_end"])
@pytest.mark.parametrize("skip_padding", [False, True])
def test_it_is_that_of_the_whole_network(block: str, num_blocks: int, positions: str, skip_padding: bool) -> None:
    model = make_model(block=block, num_blocks=num_blocks, positions=positions)
    for negative in (False, True):
        found = model.encode_history(HISTORIES, negative=negative, skip_padding=skip_padding).numpy()
        expected = of_the_whole(model, "negative" if negative else "positive")
        np.testing.assert_allclose(found[: len(LAST)], expected, atol=ROUNDING)


@pytest.mark.parametrize("block", BLOCKS)
def test_later_items_and_other_rows_do_not_count(block: str) -> None:
    model = make_model(block=block)
    together = model.encode_history(HISTORIES).numpy()
    for row, history in enumerate(HISTORIES[: len(LAST)]):
        alone = model.encode_history(history[np.newaxis, : LAST[row] + 1]).numpy()
        np.testing.assert_allclose(together[row], alone[0], atol=ROUNDING)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("skip_padding", [False, True])
def test_batches_of_empty_histories_and_of_none(block: str, skip_padding: bool) -> None:
    """An empty history has the state of zeros, whichever way it is worked out."""
    model = make_model(block=block)
    zeros = model.final_norm(tf.zeros([1, model.dim])).numpy()
    for batch in (np.zeros((3, 4), np.int32), np.zeros((0, 4), np.int32)):
        found = model.encode_history(batch, skip_padding=skip_padding).numpy()
        assert found.shape == (len(batch), model.dim)
        np.testing.assert_array_equal(found, np.repeat(zeros, len(batch), axis=0))


@pytest.mark.parametrize("block", BLOCKS)
def test_xla_and_any_shape_give_the_same(block: str) -> None:
    model = make_model(block=block)
    expected = model.encode_history(HISTORIES).numpy()
    compiled = tf.function(model.encode_history, jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(HISTORIES)).numpy(), expected, atol=ROUNDING)
    spec = [tf.TensorSpec([None, None], tf.int32)]
    np.testing.assert_allclose(tf.function(model.encode_history, spec)(HISTORIES).numpy(), expected, atol=ROUNDING)


@pytest.mark.parametrize("block", BLOCKS)
def test_halves_come_as_near_as_halves_do(block: str) -> None:
    """Bfloat16 has 8 bits: a few roundings of numbers near 1 part both ways by some hundredths."""
    model = make_model(block=block, dtype=keras.DTypePolicy("mixed_bfloat16"))
    found = tf.cast(model.encode_history(HISTORIES), tf.float32).numpy()[: len(LAST)]
    hidden = model({model.reads: HISTORIES})[model.reads]
    expected = tf.cast(hidden, tf.float32).numpy()[np.arange(len(LAST)), LAST]
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_the_last_block_does_not_work_on_the_others() -> None:
    """No product of the last block but keys and values has a row for every position."""
    model = make_model(num_blocks=1, dim=6)
    batch, length = 5, 4

    def count(only_newest: bool) -> int:
        def encoded(items: Any) -> Any:
            return model._encode(items, model.reads, False, only_newest=only_newest)

        graph = tf.function(encoded).get_concrete_function(tf.TensorSpec([batch, length], tf.int32)).graph
        return sum(
            operation.type in ("MatMul", "BatchMatMulV2") and batch * length in _rows(operation)
            for operation in graph.get_operations()
        )

    assert count(only_newest=True) == 1 < count(only_newest=False)


def _rows(operation: Any) -> tuple[int, ...]:
    shape = operation.outputs[0].shape
    return () if shape.rank is None else (int(np.prod([side or 1 for side in shape[:-1]])),)
