"""From an export back to the model, and to its weights by their documented names."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pnfrec_keras.examples.arrays import pad
from pnfrec_keras.examples.batch import POSITIVE
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.load import load_model
from pnfrec_keras.export.ranker import in_float32
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights

ITEMS, LENGTH = 20, 4
VOCABULARY = Vocabulary(
    *([f"i{number}" for number in range(ITEMS)], np.arange(ITEMS, 0, -1) + 5, np.arange(ITEMS, 0, -1)),
    titles={"i3": "Three"},
    recent_positive_counts=np.arange(ITEMS),
)
CASES: dict[str, dict[str, Any]] = {
    "PNFRec": {},
    "PNFRec with positions from the end": {"positions": "from_end"},
    "PNFRec with tables of its own": {"shared_positions": False, "shared_final_norm": False, "num_heads": 2},
    "PNFRec with gated blocks": {"block": "ligr"},
    "PNFRec with blocks of HSTU": {"block": "hstu", "num_heads": 2},
    "PNFRec with a trend": {"trend_days": 14.0, "variant": "PNFRec_pn"},
    "SASRec": {"variant": "SASRec", "num_blocks": 1},
    "PNFRec with a sampled loss": {"loss": "gbce", "sampled_items": 7},
    "PNFRec in mixed precision": {"dtype": "mixed_bfloat16"},
}


def make_model(**settings: Any) -> PNFRec:
    """No weight has the value that it begins with."""
    keras.utils.set_random_seed(6)
    model = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=7, **settings)
    random = np.random.default_rng(7)
    weights = {name: random.normal(size=value.shape) for name, value in get_named_weights(model).items()}
    weights["item_embedding"][0] = 0
    set_named_weights(model, weights)
    return model


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("load") / "model"
    export_saved_model(make_model(), VOCABULARY, path)
    return path


def assert_is_the_model(found: PNFRec, model: PNFRec) -> None:
    assert {**found.get_config(), "name": "", "dtype": ""} == {**model.get_config(), "name": "", "dtype": ""}
    weights, expected = get_named_weights(found), get_named_weights(model)
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], value, err_msg=name)
    history = pad([[1, 5], [], [20, 19, 18, 17]], model.history_length)
    exported = in_float32(model)
    assert found.compute_dtype == exported.compute_dtype
    np.testing.assert_array_equal(np.array(found.scores(history)), np.array(exported.scores(history)))
    if model.negative_encoder is not None:
        states = [each.encode_history(history, negative=True) for each in (found, exported)]
        by_negative = [
            np.array(each.state_scores(state, negative=True))
            for each, state in zip((found, exported), states, strict=True)
        ]
        np.testing.assert_array_equal(by_negative[0], by_negative[1])
    exported.set_popularity(VOCABULARY.popularity())
    asked = (history, np.array([[1], [0], [20]]), np.array([4, 3, 2]))
    np.testing.assert_array_equal(np.array(found.rank(*asked)), np.array(exported.rank(*asked)))


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_model_is_the_exported_one_to_the_last_bit(case: str, tmp_path: Path) -> None:
    model = make_model(**CASES[case])
    export_saved_model(model, VOCABULARY, tmp_path / "model")
    found, vocabulary = load_model(tmp_path / "model")
    assert_is_the_model(found, model)
    assert (found.reads == POSITIVE) == (case != "SASRec")
    assert list(vocabulary.item_ids) == list(VOCABULARY.item_ids)
    assert vocabulary.titles == VOCABULARY.titles
    for name in ("counts", "positive_counts", "recent_positive_counts"):
        np.testing.assert_array_equal(getattr(vocabulary, name), getattr(VOCABULARY, name))


def test_an_export_with_the_index_of_tensorflow_recommenders_is_loaded_too(tmp_path: Path) -> None:
    model = make_model()
    export_saved_model(model, VOCABULARY, tmp_path / "model", index="tfrs")
    assert_is_the_model(load_model(tmp_path / "model").model, model)
    assert_it_carries_no_written_gradient(tmp_path / "model")


def test_it_carries_no_written_gradient(export: Path) -> None:
    assert_it_carries_no_written_gradient(export)


def assert_it_carries_no_written_gradient(export: Path) -> None:
    """Whoever loads it would build each of them, and TensorFlow would keep them for good."""
    written = saved_model_pb2.SavedModel.FromString((export / "saved_model.pb").read_bytes())
    (graph,) = (meta.graph_def for meta in written.meta_graphs)
    assert not graph.library.registered_gradients
    nodes = [node for function in graph.library.function for node in function.node_def]
    assert len(nodes) > 1000, "the signatures are functions"
    assert [node.name for node in nodes if "_gradient_op_type" in node.attr] == []


def test_weights_are_found_by_name_without_this_project(export: Path) -> None:
    names = json.loads((export / "assets.extra" / "model.json").read_text())["weights"]
    reader = tf.train.load_checkpoint(str(export / "variables" / "variables"))
    variables = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
    assert len(variables) == len(names)
    weights = get_named_weights(make_model())
    assert sorted(name for parts in names for name in parts) == sorted(weights)
    for number, parts in enumerate(names):
        value = reader.get_tensor(f"weights/{number}/.ATTRIBUTES/VARIABLE_VALUE")
        if parts:
            expected = np.concatenate([weights[name] for name in parts], axis=-1)
            np.testing.assert_array_equal(value, expected, err_msg=str(parts))
        else:
            assert value.dtype.kind in "ui", "the state of a generator of random numbers"


def test_a_folder_that_is_no_export_is_named(export: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing holds no SavedModel. Export a model there"):
        load_model(tmp_path / "nothing")
    for version in ("9", "10", "logs"):
        (tmp_path / "serving" / version).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"serving holds no SavedModel. Name one of its versions, .*/10\."):
        load_model(tmp_path / "serving")
    shutil.copytree(export, tmp_path / "model")
    (tmp_path / "model" / "assets.extra" / "model.json").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"model.json is not there: earlier code exported this model. Export it"
    ):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "`format` must be 1, with `settings` and `weights`. Received: 2"),
        ({"weights": [["item_embedding"]]}, r"does not fit .* weight\(s\) are missing: "),
        ({"weights": [["item_embedding"]] * 900}, "does not fit .* Export the model again"),
        ({"settings": {"num_items": ITEMS, "width": 3}}, "does not fit .*width"),
    ],
)
def test_a_description_that_does_not_fit_is_named(
    export: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    shutil.copytree(export, tmp_path / "model")
    path = tmp_path / "model" / "assets.extra" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=rf"model.json.*{message}"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": {}}'])
def test_a_description_that_is_none_is_named(export: Path, tmp_path: Path, text: str) -> None:
    shutil.copytree(export, tmp_path / "model")
    (tmp_path / "model" / "assets.extra" / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"model.json: does not describe a model .* Export the model again"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("lines", [ITEMS - 1, ITEMS + 1])
def test_a_catalogue_of_another_size_is_named(export: Path, tmp_path: Path, lines: int) -> None:
    shutil.copytree(export, tmp_path / "model")
    path = tmp_path / "model" / "assets.extra" / "items.jsonl"
    kept = path.read_text().splitlines(keepends=True)[:lines]
    path.write_text("".join([*kept, kept[-1].replace("i19", "i20")][:lines]))
    with pytest.raises(ValueError, match=rf"items.jsonl has {lines} items, and the model {ITEMS}\. Export the model"):
        load_model(tmp_path / "model")


def test_variables_that_are_cut_off_are_named(export: Path, tmp_path: Path) -> None:
    shutil.copytree(export, tmp_path / "model")
    (data,) = (tmp_path / "model" / "variables").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"model.json does not fit the variables of its export: .* Export the model"):
        load_model(tmp_path / "model")
