"""Several processes read together what one would read."""

from typing import Any

import numpy as np
import pytest

from pnfrec_keras.examples.arrays import evaluation_dataset, training_dataset
from pnfrec_keras.examples.shares import Share
from tests.pnfrec_keras.training.chain import ragged_arrays

pytestmark = pytest.mark.tensorflow

# Two processes with two replicas each.
SHARES = [Share(0, 2, 4), Share(2, 2, 4)]


def pieces(datasets: list[Any]) -> list[Any]:
    """Of each batch the pieces of all replicas, in their order."""
    each = [list(dataset) for dataset in datasets]
    return [
        [*first, *second]
        for first, second in zip(*([part[i : i + 2] for i in range(0, len(part), 2)] for part in each), strict=True)
    ]


def test_the_shares_of_a_batch_are_its_rows_in_order() -> None:
    training, _ = ragged_arrays()
    whole = list(training_dataset(training, 10, seed=1, epochs=2))
    shared = pieces([training_dataset(training, 10, seed=1, epochs=2, share=share) for share in SHARES])
    assert len(whole) == len(shared) == 6
    for (x, y), parts in zip(whole, shared, strict=True):
        for side, values in ((0, x), (1, y)):
            for name, rows in values.items():
                found = np.concatenate([part[side][name] for part in parts])
                np.testing.assert_array_equal(found[: len(rows)], rows)
                assert len({len(part[side][name]) for part in parts}) == 1
                assert not found[len(rows) :].any()


def test_rows_of_padding_weigh_nothing_in_evaluation() -> None:
    _, validation = ragged_arrays()
    whole = list(evaluation_dataset(validation, 9))
    for (x, y), parts in zip(
        whole, pieces([evaluation_dataset(validation, 9, share) for share in SHARES]), strict=True
    ):
        rows = len(y["target"])
        assert np.concatenate([part[2] for part in parts]).tolist() == [1.0] * rows + [0.0] * (-rows % 4)
        for name in y:
            np.testing.assert_array_equal(np.concatenate([part[1][name] for part in parts])[:rows], y[name])
        seen = [row for part in parts for row in np.array(part[0]["seen"])][:rows]
        assert [sorted(row[row > 0]) for row in seen] == [sorted(row[row > 0]) for row in np.array(x["seen"])]


def test_an_epoch_with_fewer_rows_of_its_own_is_filled_up() -> None:
    """So that it ends with those of the others, and none of its users comes twice."""
    training, _ = ragged_arrays()
    batches = list(training_dataset(training, 8, seed=1, epochs=2, share=Share(0, 1, 1, rows=40)))
    assert [len(x["positive"]) for x, _ in batches] == [8] * 10
    for epoch in (batches[:5], batches[5:]):
        found = np.concatenate([y["positive"] for _, y in epoch])
        assert sorted(map(tuple, found[:25])) == sorted(map(tuple, training.positive[:, 1:]))
        assert not found[25:].any()
