"""Training on two devices, in a process of its own that makes two of its processor."""

import json
import subprocess
from typing import Any

import numpy as np
import pytest

_MIRRORED = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.pnfrec_keras.training.chain import MODEL, ITEMS, ragged_arrays
from pnfrec_keras.training import fitting
from pnfrec_keras.training.build import build_model
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from functools import partialmethod
from pnfrec_keras.examples.vocabulary import Vocabulary
ids = [f"item {number}" for number in range(1, ITEMS + 1)]
vocabulary = Vocabulary(ids, np.arange(ITEMS, 0, -1), np.arange(ITEMS, 0, -1))
request = {
    "positive_item_ids": tf.constant([ids[:4], [*ids[5:8], ""]]),
    "exclude_item_ids": tf.constant([ids[:2], ids[5:7]]),
    "k": tf.constant([5]),
}
found, compile_model = {}, PNFRec.compile
for name, strategy, precision, average in (
    ("one", "none", "float32", 0.0), ("two", "mirrored", "float32", 0.0), ("half", "mirrored", "mixed_bfloat16", 0.0),
    ("one, averaged", "none", "float32", 1.0), ("two, averaged", "mirrored", "float32", 1.0),
):
    config = TrainingConfig(
        epochs=2, batch_size=9, evaluation_batch_size=8, learning_rate=0.01, strategy=strategy, precision=precision,
        average_epochs=average)
    model = dataclasses.replace(MODEL, dropout=0.0)
    folder = Path(sys.argv[1]) / name
    # On one device nothing is shared out: six steps are taken sooner untraced.
    PNFRec.compile = partialmethod(compile_model, run_eagerly=strategy == "none")
    result = fitting.train(ITEMS, *ragged_arrays(), model, config, state_dir=folder / "state")
    assert (result.model.distribute_strategy.num_replicas_in_sync == 2) == (strategy == "mirrored")
    found[name] = {"history": result.history}
    if average:
        continue
    export_saved_model(result.model, vocabulary, folder / "export")
    served = tf.saved_model.load(str(folder / "export")).signatures["serving_default"](**request)
    found[name] |= {
        "items": [[item.decode() for item in row] for row in served["item_ids"].numpy()],
        "scores": served["scores"].numpy().tolist(),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory, warm_python: str) -> dict[str, Any]:
    """Two epochs and an export on one device, on two, and on two in half precision."""
    folder = tmp_path_factory.mktemp("mirrored")
    done = subprocess.run(
        [warm_python, "-c", _MIRRORED, str(folder)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("averaged", ["", ", averaged"])
def test_two_mirrored_devices_take_the_same_steps_as_one(mirrored: dict[str, Any], averaged: str) -> None:
    for one, two in zip(mirrored[f"one{averaged}"]["history"], mirrored[f"two{averaged}"]["history"], strict=True):
        assert two == pytest.approx(one, rel=1e-4)
        # Both groups were measured, and no measure is all or nothing.
        assert 0 < one["val_ndcg_p"] != one["val_ndcg_n"]
    plain, average = mirrored["two"]["history"], mirrored["two, averaged"]["history"]
    assert [epoch["val_mrr_p"] for epoch in average] != [epoch["val_mrr_p"] for epoch in plain]


def test_their_export_answers_like_that_of_one(mirrored: dict[str, Any]) -> None:
    assert mirrored["two"]["items"] == mirrored["one"]["items"]
    np.testing.assert_allclose(mirrored["two"]["scores"], mirrored["one"]["scores"], rtol=1e-3)


def test_half_precision_on_two_devices_stays_close_and_exports(mirrored: dict[str, Any]) -> None:
    for one, half in zip(mirrored["one"]["history"], mirrored["half"]["history"], strict=True):
        assert half["loss"] == pytest.approx(one["loss"], rel=0.02)
    assert mirrored["half"]["history"] != mirrored["one"]["history"]
    assert [len(set(row)) for row in mirrored["half"]["items"]] == [5, 5]
    # Scores of bfloat16 would have 8 bits: an export in float32 has more.
    bits = np.array(mirrored["half"]["scores"], np.float32).view(np.uint32)
    assert (bits & 0xFFFF).any()
