"""What is written of a model in mixed precision, and when nothing is written."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_core import schema
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.export.asking import (
    IDS,
    ITEMS,
    LENGTH,
    VOCABULARY,
    call,
    plain_answer,
    request,
)


@pytest.mark.parametrize("index", ["plain", "tfrs"])
def test_a_mixed_precision_model_is_exported_in_float32(tmp_path: Path, index: str) -> None:
    keras.utils.set_random_seed(5)
    mixed = PNFRec(ITEMS, max_length=LENGTH, dim=8, dtype="mixed_bfloat16")
    full = PNFRec(ITEMS, max_length=LENGTH, dim=8)
    full.set_weights(mixed.get_weights())
    export_saved_model(mixed, VOCABULARY, tmp_path / "mixed", index=index)
    for first in range(0, ITEMS - 2, 2):
        history = IDS[first : first + 2]
        found = call(tmp_path / "mixed", schema.SERVING_SIGNATURE, request([history], [[]], [10]))
        assert [item.decode() for item in found["item_ids"][0]] == plain_answer(full, history, history, 10)


def test_what_is_there_is_never_overwritten_and_failures_leave_nothing(model: PNFRec, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError, match="never overwritten"):
        export_saved_model(model, VOCABULARY, tmp_path / "model")
    with pytest.raises(ValueError, match=r"`export.index` must be 'plain' or 'tfrs'. Received: 'faiss'"):
        export_saved_model(model, VOCABULARY, tmp_path / "other", index="faiss")
    small = Vocabulary(["a"], np.ones(1, int), np.ones(1, int))
    with pytest.raises(ValueError, match="has 30 items, its vocabulary 1"):
        export_saved_model(model, small, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_diverged_model_is_not_exported(tmp_path: Path) -> None:
    broken = PNFRec(ITEMS, max_length=LENGTH, dim=8)
    table = broken.item_embedding.embeddings
    values = table.numpy()
    values[3, 2] = np.nan
    table.assign(values)
    with pytest.raises(ValueError, match=r"The weight .*embeddings holds numbers that are not finite"):
        export_saved_model(broken, VOCABULARY, tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["items.jsonl", "model.json", "ranking.json", "../elsewhere", "a/b", "", ".", ".."])
def test_an_asset_replaces_nothing_of_the_export(model: PNFRec, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"`extra_assets`: .* must be a plain file name, and none of the export's own"):
        export_saved_model(model, VOCABULARY, tmp_path / "export", extra_assets={name: "mine"})
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_and_no_vocabulary_is_told(model: PNFRec, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"`model` of an export must be of the type PNFRec\. Received: Vocabulary"):
        export_saved_model(VOCABULARY, model, tmp_path / "export")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`vocabulary` of an export must be of the type Vocabulary\. Received: list"):
        export_saved_model(model, list(VOCABULARY.item_ids), tmp_path / "export")  # type: ignore[arg-type]


@pytest.mark.parametrize("assets", [["a"], {"a": b"x"}, {"a": 1}])
def test_assets_are_texts_by_name(model: PNFRec, tmp_path: Path, assets: Any) -> None:
    with pytest.raises(TypeError, match="`extra_assets` must be texts by the names of their files"):
        export_saved_model(model, VOCABULARY, tmp_path / "model", extra_assets=assets)
    assert not any(tmp_path.iterdir())


def test_a_folder_elsewhere_is_none(model: PNFRec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"`path` of an export must be a local folder: .* Received: 'gs://models/1'"):
        export_saved_model(model, VOCABULARY, "gs://models/1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError, match=str(tmp_path / "model")):
        export_saved_model(model, VOCABULARY, "~/model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
