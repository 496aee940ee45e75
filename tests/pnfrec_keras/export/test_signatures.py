"""The contract: names, types and shapes of all inputs and outputs, as docs/reference/signatures.md has them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

if TYPE_CHECKING:
    from pnfrec_keras.network.model import PNFRec

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "signatures.md"

_ROWS, _EACH = ("string", [None, None]), ("int32", [None])
_LIST = {
    "item_ids": ("string", 2),
    "scores": ("float32", 2),
    "count": ("int32", 1),
    "fallback": ("bool", 1),
    "known_items": ("int32", 1),
}
_LIKED = {"positive_item_ids": _ROWS}
_QUERY = {**_LIKED, "exclude_item_ids": _ROWS, "k": _EACH}
_TOLD = {"negative_item_ids": _ROWS, "gamma": ("float32", [None])}
_FULL = {**_QUERY, "allow_item_ids": _ROWS, "max_per_group": _EACH}
_FULL_OUT = {**_LIST, "scores_without_rule": ("float32", 2), "groups": ("string", 2), "unknown_allowed": ("int32", 1)}
_RANKS = {"rank": 1, "default_rank": 1, "top_items": 2, "catalogue_size": 1, "target_bucket": 1, "top_groups": 2}
CONTRACT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serving_default": (_QUERY, _LIST),
    "with_negatives": ({**_QUERY, **_TOLD}, _LIST),
    "recommend": ({**_FULL, **_TOLD}, _FULL_OUT),
    "rank_examples": (
        {"examples": ("string", [None])},
        {**{name: ("int64", rank) for name, rank in _RANKS.items()}, "top_information": ("float64", 2)},
    ),
    "user_vectors": (_LIKED, {"vectors": ("float32", 2), "known_items": ("int32", 1)}),
    "item_vectors": (
        {"item_ids": ("string", [None])},
        {"item_ids": ("string", 1), "vectors": ("float32", 2), "known": ("bool", 1)},
    ),
}
# A model of one mixed history is not told dislikes apart.
MIXED = {name: each for name, each in CONTRACT.items() if name != "with_negatives"}


def contract_of(path: Path) -> dict[str, Any]:
    import tensorflow as tf

    found = {}
    for name, served in tf.saved_model.load(str(path)).signatures.items():
        inputs = {
            key: (spec.dtype.name, spec.shape.as_list()) for key, spec in served.structured_input_signature[1].items()
        }
        outputs = {key: (spec.dtype.name, spec.shape.rank) for key, spec in served.structured_outputs.items()}
        found[name] = (inputs, outputs)
    return found


def test_signatures_are_the_contract(model: "PNFRec", tmp_path: Path) -> None:
    from pnfrec_keras.export.saved_model import export_saved_model
    from tests.pnfrec_keras.export.asking import VOCABULARY

    export_saved_model(model, VOCABULARY, tmp_path / "model")
    assert contract_of(tmp_path / "model") == CONTRACT


def test_a_model_of_one_mixed_history_takes_no_dislikes(tmp_path: Path) -> None:
    import tensorflow as tf

    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec
    from tests.pnfrec_keras.export.asking import IDS, ITEMS, LENGTH, VOCABULARY, call

    export_saved_model(PNFRec(ITEMS, max_length=LENGTH, dim=8, variant="SASRec"), VOCABULARY, tmp_path / "model")
    assert contract_of(tmp_path / "model") == MIXED
    # What it would have to leave out is refused.
    history, none = np.array([[IDS[0], IDS[1]]], object), np.array([[]], object)
    inputs = {
        "positive_item_ids": history,
        "exclude_item_ids": none,
        "allow_item_ids": none,
        "k": np.array([3], np.int32),
    }
    inputs |= {"max_per_group": np.array([0], np.int32)}
    plain = {**inputs, "negative_item_ids": none, "gamma": np.array([np.nan], np.float32)}
    assert call(tmp_path / "model", "recommend", plain)["count"] == [3]
    for name, value in (("negative_item_ids", history), ("gamma", np.array([0.5], np.float32))):
        with pytest.raises(tf.errors.InvalidArgumentError, match="reads one history of likes and dislikes"):
            call(tmp_path / "model", "recommend", {**plain, name: value})


def test_the_docs_have_each_tensor_of_each_signature() -> None:
    text = DOCS.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    # What `user_vectors` and `item_vectors` are stands together.
    assert set(sections) == set(CONTRACT)
    for name, (inputs, outputs) in CONTRACT.items():
        told = set(re.findall(r"^\| (?:in|out) ((?:`\w+`(?:, )?)+) \|", sections[name], flags=re.MULTILINE))
        tensors = {tensor for row in told for tensor in re.findall(r"`(\w+)`", row)}
        inherited = (
            "It has the tensors of `serving_default`" in sections[name],
            "the tensors of `with_negatives`" in sections[name],
        )
        if any(inherited):
            tensors |= set(_QUERY) | set(_LIST)
        if inherited[1]:
            tensors |= set(_TOLD)
        assert tensors == set(inputs) | set(outputs), name
