"""Each variant with each kind of block and each loss: it trains, is saved, and its lists are those of its scores."""

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.load import load_model
from pnfrec_keras.export.ranker import Ranker
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.export.signatures import signatures_of
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.export.asking import call, request

pytestmark = pytest.mark.tensorflow
INPUTS = (schema.POSITIVE_ITEM_IDS, schema.EXCLUDE_ITEM_IDS, schema.K)
ITEMS, LENGTH, K = 12, 3, 5
IDS = [f"i{number}" for number in range(1, ITEMS + 1)]
VOCABULARY = Vocabulary(IDS, np.arange(ITEMS, 0, -1) + 3, np.arange(ITEMS, 0, -1))
VARIANTS = ("PNFRec", "PNFRec_pn", "PNFRec_pc", "SASRec_p", "SASRec", "SASRec_c")
BLOCKS = ("sasrec", "ligr", "hstu")
LOSSES = ("softmax", "sampled_softmax", "gbce")
CELLS = list(itertools.product(VARIANTS, BLOCKS, LOSSES))
# Cells that are exported too, in which each two of variant, block and loss meet: all would take two minutes.
EXPORTED = [(v, b, LOSSES[(VARIANTS.index(v) + BLOCKS.index(b)) % 3]) for v, b in itertools.product(VARIANTS, BLOCKS)]
# The terms that make up the loss of each variant, as the paper's section on ablations has them.
PARTS = {
    "PNFRec": {"loss_positive", "loss_negative", "loss_contrastive"},
    "PNFRec_pn": {"loss_positive", "loss_negative"},
    "PNFRec_pc": {"loss_positive", "loss_contrastive"},
    "SASRec_p": {"loss_positive"},
    "SASRec": {"loss_mixed"},
    "SASRec_c": {"loss_mixed", "loss_contrastive"},
}
MIXED = ("SASRec", "SASRec_c")
TINY = {"max_length": LENGTH, "dim": 4, "num_heads": 2, "num_blocks": 1, "sampled_items": 5}
ARRAYS = TrainingArrays(
    positive=np.array([[1, 2, 3, 4], [6, 7, 0, 0], [8, 1, 2, 0], [5, 12, 0, 0]], np.int32),
    negative=np.array([[9, 8, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0], [1, 2, 10, 11]], np.int32),
)
READ_IN_ORDER = TrainingArrays(
    ARRAYS.positive,
    ARRAYS.negative,
    mixed=np.array(
        [[1, 9, 2, 8, 3, 4, 0], [6, 7, 0, 0, 0, 0, 0], [8, 3, 1, 2, 0, 0, 0], [1, 5, 2, 12, 10, 11, 0]], np.int32
    ),
    mixed_is_positive=np.array(
        [[1, 0, 1, 0, 1, 1, 0], [1, 1, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0, 0]], np.int32
    ),
)


def trained(variant: str, block: str, loss: str) -> tuple[PNFRec, dict[str, float]]:
    """A tiny model after two steps of two users each, and what the second one logged."""
    keras.utils.set_random_seed(3)
    settings: dict[str, Any] = {"variant": variant, "block": block, "loss": loss, **TINY}
    model = PNFRec(ITEMS, ModelConfig(**settings), k=K)
    before = model.get_weights()
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=True)
    x, y = (READ_IN_ORDER if variant in MIXED else ARRAYS).inputs_and_labels()
    logged: dict[str, float] = {}
    for users in (slice(0, 2), slice(2, 4)):
        parts = [{name: values[users] for name, values in each.items()} for each in (x, y)]
        logged = model.train_on_batch(*parts, return_dict=True)
    assert int(model.optimizer.iterations) == 2
    assert not all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    return model, logged


def listed(model: PNFRec, history: list[int], without: list[int]) -> list[str]:
    """The best `K` of `model.scores`, ranked in numpy; ties in the order of the catalogue."""
    read = history[-model.history_length :]
    row = np.array([read + [0] * (model.history_length - len(read))], np.int32)
    scores = np.array(model.scores(row))[0, 1:]
    order = [place for place in np.argsort(-scores, kind="stable") if place + 1 not in {*history, *without}]
    return [IDS[place] for place in order[:K]]


def named(answer: dict[str, Any]) -> list[list[str]]:
    """The lists of an answer, as long as it says."""
    rows, counts = np.array(answer[schema.OUTPUT_ITEM_IDS]), np.array(answer[schema.OUTPUT_COUNT])
    return [[item.decode() for item in row[:count]] for row, count in zip(rows, counts, strict=True)]


@pytest.mark.parametrize(("variant", "block", "loss"), CELLS)
def test_a_cell_trains_is_saved_and_lists_what_it_scores(
    variant: str, block: str, loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, logged = trained(variant, block, loss)
    assert set(logged) == {"loss", *PARTS[variant]}
    for values in (*logged.values(), *model.get_weights()):
        assert np.isfinite(np.asarray(values, np.float64)).all()
    histories = [[4, 1, 2, 9, 11, 3, 6, 5], [7]]
    expected = [listed(model, histories[0], [8]), listed(model, histories[1], [])]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    ranker = Ranker(again, VOCABULARY)
    asked = request([[IDS[item - 1] for item in history] for history in histories], [["i8"], []], [K])
    assert named(ranker.recommend(*(tf.constant(asked[name]) for name in INPUTS))) == expected
    if (variant, block, loss) not in EXPORTED:
        return
    # Only what is asked for below is traced: the other signatures are those of tests/pnfrec_keras/export.
    serving = schema.SERVING_SIGNATURE
    monkeypatch.setattr(
        "pnfrec_keras.export.saved_model.signatures_of", lambda ranker: {serving: signatures_of(ranker)[serving]}
    )
    export_saved_model(again, VOCABULARY, tmp_path / "export")
    assert named(call(tmp_path / "export", serving, asked)) == expected
    back = load_model(tmp_path / "export").model
    assert back.config == model.config
    assert [listed(back, histories[0], [8]), listed(back, histories[1], [])] == expected


# What a cell does not do, the setting that asks for it, and the other one that the sentence has to name.
TERMS: dict[str, dict[str, Any]] = {
    "eta": {"eta": 0.5},
    "preference": {"preference": 0.5},
    "eta_top": {"eta": 0.5, "eta_top": 10},
    "trend_days": {"trend_days": 14.0},
    "soft_boundary": {"soft_boundary": 1.0},
}


def refused_with(variant: str, loss: str, term: str) -> list[str]:
    """The settings that forbid a term, one of which a refusal has to name."""
    of_likes = term in ("eta", "preference", "eta_top") and variant in MIXED
    of_all = term in ("eta_top", "trend_days") and loss != "softmax"
    return [f"model.variant: {variant}"] * of_likes + [f"model.loss: {loss}"] * of_all


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize(("variant", "block", "loss"), CELLS)
def test_a_cell_takes_a_term_or_says_what_forbids_it(variant: str, block: str, loss: str, term: str) -> None:
    settings: dict[str, Any] = {"variant": variant, "block": block, "loss": loss, **TERMS[term]}
    reasons = refused_with(variant, loss, term)
    if not reasons:
        assert getattr(ModelConfig(**settings), term) == TERMS[term][term]
        return
    with pytest.raises(ValueError, match=r"`model\.\w+` must be 0 with `model\.\w+: \w+`") as raised:
        ModelConfig(**settings)
    assert any(reason in str(raised.value) for reason in reasons)
    named = {term, "eta"} if term == "eta_top" else {term}
    assert any(f"`model.{name}`" in str(raised.value) for name in named)
