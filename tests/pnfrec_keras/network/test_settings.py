"""How a model takes its settings and gives them back, also those that an earlier version has saved."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.network.model import PNFRec

# What `get_config` gave before the settings were those of `ModelConfig`: the `config.json` of a .keras file of then.
SAVED: dict[str, Any] = {
    "module": "pnfrec_keras.model",
    "class_name": "PNFRec",
    "config": {
        "name": "pnf_rec_1",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "num_items": 9,
        "max_length": 4,
        "dim": 6,
        "num_blocks": 2,
        "num_heads": 2,
        "dropout": 0.1,
        "alpha": 0.45,
        "beta": 0.25,
        "similarity": "cosine",
        "temperature": 0.3,
        "shared_positions": False,
        "shared_final_norm": False,
        "sampled_items": 4,
        "calibration": 0.3,
        "weighting": "decay",
        "half_life": 7,
        "soft_boundary": 1.5,
        "trend_days": 0.0,
        "variant": "PNFRec",
        "k": 3,
        "loss": "gbce",
    },
    "registered_name": "pnfrec>PNFRec",
    "compile_config": {},
}


def test_what_an_earlier_version_saved_is_loaded() -> None:
    model = keras.saving.deserialize_keras_object(SAVED)
    assert type(model) is PNFRec
    # What that version did not have is off.
    newer: dict[str, Any] = {
        "positions": "from_start",
        "position_std": 0.02,
        "block": "sasrec",
        "eta": 0.0,
        "eta_share": "like",
        "eta_top": 0,
        "preference": 0.0,
    }
    settings = {**SAVED["config"], **newer, "dtype": model.get_config()["dtype"]}
    assert model.get_config() == settings
    assert keras.saving.serialize_keras_object(model)["registered_name"] == "pnfrec>PNFRec"
    # In this order, and below these paths, their weights lie in a .keras file.
    block = ["query_norm/gamma", "query_norm/beta", "attention/query/kernel", "attention/query/bias"]
    block += ["attention/key_value/kernel", "attention/key_value/bias", "attention/output/kernel"]
    block += ["attention/output/bias", "feed_forward_norm/gamma", "feed_forward_norm/beta"]
    block += ["inner/kernel", "inner/bias", "outer/kernel", "outer/bias"]
    stacks = {name: [f"{name}/block_{n}/{part}" for n in range(2) for part in block] for name in ENCODERS}
    norms = {name: [f"{name}/gamma", f"{name}/beta"] for name in ("final_norm", "negative_final_norm")}
    expected = ["item_embedding/embeddings", "positive_positions/embeddings", *stacks["positive_encoder"]]
    expected += [*norms["final_norm"], *stacks["negative_encoder"], "negative_positions/embeddings"]
    expected += norms["negative_final_norm"]
    assert [variable.path for variable in model.trainable_variables] == expected


ENCODERS = ("positive_encoder", "negative_encoder")


def test_the_defaults_are_those_of_the_configuration() -> None:
    model = PNFRec(5)
    assert model.config == ModelConfig()
    assert model.k == TrainingConfig().k
    of_model = {name: value for name, value in model.get_config().items() if name not in ("name", "dtype")}
    defaults = dataclasses.asdict(ModelConfig())
    assert of_model == {"trainable": True, "num_items": 5, **defaults, "k": TrainingConfig().k}


def test_settings_come_as_a_configuration_or_as_keywords_which_say_more() -> None:
    config = ModelConfig(dim=8, alpha=0.5, num_blocks=1)
    assert PNFRec(5, config).config == config
    assert PNFRec(5, config, alpha=0.0, beta=1.0).config == dataclasses.replace(config, alpha=0.0, beta=1.0)
    assert PNFRec(5, dim=8, alpha=0.5, num_blocks=1, name="mine", dtype="mixed_bfloat16").config == config


def test_positions_begin_as_large_as_they_are_asked_to_and_nothing_else_does() -> None:
    """With the same seed all else is the same; of 200 x 64 draws the deviation is known to 1 in 100."""
    weights = {}
    for std in (0.02, 0.16):
        keras.utils.set_random_seed(1)
        model = PNFRec(5, max_length=200, dim=64, position_std=std, shared_positions=False)
        assert PNFRec.from_config(model.get_config()).config.position_std == std
        weights[std] = {variable.path: variable.numpy() for variable in model.trainable_variables}
    for path, small in weights[0.02].items():
        large = weights[0.16][path]
        if "positions" in path:
            assert small.std() == pytest.approx(0.02, rel=0.04)
            np.testing.assert_allclose(large, 8 * small, rtol=1e-5)
        else:
            np.testing.assert_array_equal(large, small)


def test_numbers_of_numpy_are_numbers() -> None:
    model = PNFRec(5, dim=np.int64(8), alpha=np.float32(0.5), num_blocks=1)
    assert (model.dim, model.alpha) == (8, 0.5)
    settings: dict[str, Any] = {"dim": np.int32(16), "alpha": np.float32(0.25), "beta": 1}
    config = ModelConfig(**settings)
    assert [type(value) for value in (config.dim, config.alpha, config.beta)] == [int, float, int]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"dims": 32}, TypeError, r"PNFRec has no setting dims\. It has: variant, max_length, dim, num_blocks, "),
        ({"dim": 0}, ValueError, r"`model\.dim` must be at least 1\. Received: 0\."),
        ({"dim": "32"}, ValueError, r"`model\.dim` must be a whole number\. Received: '32'\."),
        ({"dim": 32.0}, ValueError, r"`model\.dim` must be a whole number\. Received: 32\.0\."),
        ({"alpha": True}, ValueError, r"`model\.alpha` must be a number\. Received: True\."),
        ({"shared_positions": 1}, ValueError, r"`model\.shared_positions` must be true or false\. Received: 1\."),
        ({"similarity": "dots"}, ValueError, r"`model\.similarity` must be one of dot, cosine\. Received: 'dots'\."),
        ({"position_std": 0.0}, ValueError, r"`model\.position_std` must be above 0 and finite\. Received: 0\.0\."),
        ({"dim": 6, "num_heads": 4}, ValueError, r"`model\.dim` must be a multiple of num_heads \(4\)"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        PNFRec(5, **settings)


def test_a_catalogue_has_an_item() -> None:
    with pytest.raises(ValueError, match=r"`num_items` must be a whole number of at least 1\. Received: 0"):
        PNFRec(0)
