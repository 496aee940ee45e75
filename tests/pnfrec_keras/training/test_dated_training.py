"""Training with what is chosen now: the times that are read, periods in batches, a resume, and what is refused."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, training_dataset
from pnfrec_keras.examples.histories import pad_as
from pnfrec_keras.examples.records import read_training
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights
from pnfrec_keras.training import fitting
from tests.pnfrec_keras.network import test_variants
from tests.pnfrec_keras.network.test_exact import (
    ITEMS,
)
from tests.pnfrec_keras.ranking.test_trend import arrays, batch, trends
from tests.pnfrec_keras.training import chain
from tests.pnfrec_keras.training.killing import killed_and_resumed
from tests.pnfrec_keras.writing import training_example, write_records


def test_periods_travel_with_their_users() -> None:
    data = arrays()
    numbers = {name: (10 * when).astype(np.int32) for name, when in (data.days or {}).items()}
    data = dataclasses.replace(data, periods=numbers)
    for _, y in training_dataset(data, 4, seed=1, epochs=1):
        for row, periods in zip(y["positive"].numpy(), y["positive_periods"].numpy(), strict=True):
            place = next(n for n, own in enumerate(data.positive[:, 1:]) if np.array_equal(own, row))
            np.testing.assert_array_equal(periods, numbers["positive"][place, 1:])


def dated_arrays() -> tuple[TrainingArrays, Any]:
    """The users of `chain.ragged_arrays`, over 60 days."""
    train, validation = chain.ragged_arrays()
    generator = np.random.default_rng(2)
    days = {
        name: np.where(items > 0, np.sort(generator.uniform(0, 60, items.shape), axis=1), 0).astype(np.float32)
        for name, items in (("positive", train.positive), ("negative", train.negative))
    }
    return dataclasses.replace(train, days=days), validation


NETWORK = ModelConfig(max_length=5, dim=8, num_blocks=1, dropout=0.2, trend_days=10)


def test_killed_and_resumed_it_ends_like_the_uninterrupted_run(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=4, batch_size=10, learning_rate=0.01)
    run = partial(fitting.train, chain.ITEMS, *dated_arrays(), NETWORK, config)
    resumed, whole = killed_and_resumed(run, tmp_path)
    weights = [get_named_weights(result.model) for result in (resumed, whole)]
    for name in ("positive_trend", "negative_trend"):
        np.testing.assert_array_equal(weights[0][name], weights[1][name])
        assert weights[0][name].any()
    plain = fitting.train(
        *(chain.ITEMS, *dated_arrays(), dataclasses.replace(NETWORK, trend_days=0)),
        dataclasses.replace(config, epochs=1),
        state_dir=tmp_path / "plain",
    )
    assert plain.history[0]["loss"] != pytest.approx(whole.history[0]["loss"], rel=1e-3), "the trend counts"


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    train, validation = dated_arrays()
    for days, names in (
        (None, "positive and the negative"),
        ({"positive": train.days["positive"]}, "negative"),  # type: ignore[index]
    ):
        undated = dataclasses.replace(train, days=days)
        with pytest.raises(ValueError, match=f"the {names} sequences have none: read the .* with `days=True`"):
            fitting.train(chain.ITEMS, undated, validation, NETWORK, TrainingConfig(), state_dir=tmp_path)
    model = PNFRec(ITEMS, trend_days=3.0)
    assert not get_named_weights(model)["positive_trend"].any()
    model.compile("adam", run_eagerly=True)
    with pytest.raises(ValueError, match="call `set_trend` before training"):
        model.train_on_batch(*batch())
    with pytest.raises(ValueError, match=r"a trend of 7 items for 'negative'. Received: none"):
        model.set_trend({"positive": trends()["positive"]})
    assert not get_named_weights(model)["positive_trend"].any(), "half a trend is none"
    with pytest.raises(ValueError, match=r"a trend of 8 items for 'positive'. Received: one of 7 items"):
        PNFRec(8, trend_days=3.0).set_trend(trends())
    with pytest.raises(ValueError, match=r"`model.trend_days` must be 0 with `model.loss: gbce`"):
        PNFRec(ITEMS, trend_days=3.0, loss="gbce", sampled_items=2)
    for settings, message in (
        ({"trend_days": -1.0}, "`model.trend_days` must be 0 or more and finite. Received: -1"),
        ({"trend_days": 3.0, "loss": "gbce"}, "`model.trend_days` must be 0 with `model.loss: gbce`"),
    ):
        with pytest.raises(ValueError, match=message):
            ModelConfig(**settings)  # type: ignore[arg-type]


def test_reading_gives_each_sequence_its_times(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write_records(
        path,
        [
            training_example("u", ["1", "unknown", "2"], ["9"], [1, 0, 1, 1], [1, 1, 1, 1], [10.5, 11, 12, 13]),
            training_example("v", ["5"], [], days=[15_000.25]),
        ],
    )
    read = read_training(str(path), test_variants.VOCABULARY, 2, mixed=True, days=True)
    assert read.margins is None
    assert read.days is not None
    expected: dict[str, list[list[float]]] = {
        "positive": [[10.5, 13], [15_000.25]],
        "negative": [[11], []],
        "mixed": [[10.5, 11, 13], [15_000.25]],
    }
    for name, rows in expected.items():
        np.testing.assert_array_equal(read.days[name], pad_as(np.float32, rows, 5 if name == "mixed" else 3))
    write_records(path, [training_example("u", ["1", "2"], ["9"])])
    with pytest.raises(ValueError, match=r"`history_days` of some example .* Run the pipeline again, from FeedbackGen"):
        read_training(str(path), test_variants.VOCABULARY, 4, days=True)
