"""The models of the paper behind one argument."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_core.variants import VARIANTS
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, evaluation_dataset
from pnfrec_keras.examples.records import read_training
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.fitting import train
from tests.pnfrec_keras.network.small import ITEMS, make_model
from tests.pnfrec_keras.writing import evaluation_example, training_example, write_records

VOCABULARY = Vocabulary([str(n) for n in range(1, ITEMS + 1)], np.arange(ITEMS, 0, -1), np.arange(ITEMS, 0, -1))
LENGTH = 4

# Of a user: positive 1 2 3, negative 9 8, mixed 1 9 2 8 3.
ARRAYS = TrainingArrays(
    positive=np.array([[1, 2, 3, 0, 0]], np.int32),
    negative=np.array([[9, 8, 0, 0, 0]], np.int32),
    mixed=np.array([[1, 9, 2, 8, 3, 0, 0, 0, 0]], np.int32),
    mixed_is_positive=np.array([[1, 0, 1, 0, 1, 0, 0, 0, 0]], np.int32),
)


@pytest.mark.parametrize(
    ("variant", "parts"),
    [
        ("PNFRec", ["loss_positive", "loss_negative", "loss_contrastive"]),
        ("PNFRec_pn", ["loss_positive", "loss_negative"]),
        ("PNFRec_pc", ["loss_positive", "loss_contrastive"]),
        ("SASRec_p", ["loss_positive"]),
        ("SASRec", ["loss_mixed"]),
        ("SASRec_c", ["loss_mixed", "loss_contrastive"]),
    ],
)
def test_each_has_the_terms_of_its_loss(variant: str, parts: list[str]) -> None:
    model = make_model(variant=variant)
    model.compile("adam")
    logs = model.train_on_batch(*ARRAYS.inputs_and_labels(), return_dict=True)
    assert sorted(name for name in logs if name.startswith("loss_")) == sorted(parts)
    assert np.isfinite(list(logs.values())).all()
    assert (model.negative_encoder is not None) == VARIANTS[variant].negative_loss
    assert PNFRec.from_config(model.get_config()).get_config() == model.get_config()


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of PNFRec, PNFRec_pn"):
        make_model(variant="sasrec")


def test_a_mixed_history_is_read_at_twice_the_length() -> None:
    assert make_model(variant="SASRec").positive_positions.max_length == 2 * LENGTH
    assert make_model(variant="SASRec_p").positive_positions.max_length == LENGTH


def log_sum_exp(values: Any) -> float:
    return float(np.log(np.exp(values).sum()))


def test_sasrec_learns_the_next_item_of_either_polarity() -> None:
    model = make_model(variant="SASRec")
    x, y = ARRAYS.inputs_and_labels()
    model.compile("adam")
    found = model.test_on_batch(x, y, return_dict=True)["loss_mixed"]
    states = model({"mixed": x["mixed"]})["mixed"].numpy()[0]
    table = model.item_embedding.embeddings.numpy()[1:]
    losses = [log_sum_exp(table @ states[t]) - table[y["mixed"][0, t] - 1] @ states[t] for t in range(4)]
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_sasrec_c_contrasts_positive_labels_with_the_users_negatives() -> None:
    """Labels 2 and 3 are positive; 9 is the one negative input. Cosine over 0.1, whatever `similarity` says."""
    model = make_model(variant="SASRec_c", similarity="dot")
    x, y = ARRAYS.inputs_and_labels()
    model.compile("adam")
    found = model.test_on_batch(x, y, return_dict=True)["loss_contrastive"]
    states = model({"mixed": x["mixed"]})["mixed"].numpy()[0]
    table = model.item_embedding.embeddings.numpy()

    def similarity(state: Any, item: int) -> float:
        return float(state @ table[item] / np.linalg.norm(state) / np.linalg.norm(table[item]) / 0.1)

    losses = [
        log_sum_exp([similarity(states[t], y["mixed"][0, t]), similarity(states[t], 9)])
        - similarity(states[t], y["mixed"][0, t])
        for t in (1, 3)
    ]
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_reading_merges_the_polarities_in_order(tmp_path: Path) -> None:
    write_records(
        tmp_path / "a.gz",
        [
            training_example("u", ["1", "unknown", "2", "3"], ["9", "8"], [1, 0, 1, 1, 0, 1]),
            training_example("v", ["5"], []),
            training_example("w", [str(n) for n in range(1, 10)], ["9"], [1] * 9 + [0]),
        ],
    )
    arrays = read_training(str(tmp_path / "a.gz"), VOCABULARY, LENGTH, mixed=True)
    assert arrays.mixed is not None
    assert arrays.mixed_is_positive is not None
    np.testing.assert_array_equal(
        arrays.mixed, [[1, 9, 2, 8, 3, 0, 0, 0, 0], [5, *[0] * 8], [2, 3, 4, 5, 6, 7, 8, 9, 9]]
    )
    np.testing.assert_array_equal(arrays.mixed_is_positive, [[1, 0, 1, 0, 1, 0, 0, 0, 0], [1, *[0] * 8], [*[1] * 8, 0]])
    np.testing.assert_array_equal(arrays.positive[0], ARRAYS.positive[0])
    assert read_training(str(tmp_path / "a.gz"), VOCABULARY, LENGTH).mixed is None


@pytest.mark.parametrize("flags", [[1, 0], [1, 0, 0], [1, 1, 0, 0]])
def test_flags_that_do_not_fit_the_lists_are_an_error(tmp_path: Path, flags: list[int]) -> None:
    path = tmp_path / "a.gz"
    write_records(path, [training_example("u", ["1", "2"], ["9"], flags), training_example("v", ["1"], ["9"], [1, 0])])
    with pytest.raises(ValueError, match="`history_is_positive` of some example has another number"):
        read_training(str(path), VOCABULARY, LENGTH, mixed=True)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("variant", ["SASRec", "PNFRec"])
def test_evaluation_reads_the_history_that_the_variant_reads(variant: str, jit_compile: bool) -> None:
    model = make_model(variant=variant)
    model.compile(jit_compile=jit_compile)
    seen = [np.array([4, 1, 7], np.int32), np.array([2], np.int32)]
    arrays = EvaluationArrays(
        np.array([[4, 7, 0, 0], [2, 0, 0, 0]], np.int32), seen, np.array([3, 9], np.int32), np.ones(2, np.int32)
    )
    read = [[4, 1, 7], [2]] if variant == "SASRec" else [[4, 7], [2]]
    ranks = []
    for history, row, target in zip(read, seen, arrays.target, strict=True):
        padded = np.array([history + [0] * (model.history_length - len(history))], np.int32)
        scores = model.scores(padded).numpy()[0]
        scores[[0, *row]] = -np.inf
        ranks.append(1 + int((scores > scores[target]).sum()))
    logs = model.evaluate(evaluation_dataset(arrays, 2), verbose=0, return_dict=True)
    expected = np.mean([1 / math.log2(1 + rank) if rank <= 3 else 0.0 for rank in ranks])
    assert float(logs["ndcg_p"]) == pytest.approx(expected, abs=1e-6)


# Its traced step is that of `test_each_has_the_terms_of_its_loss`.
@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_each_is_trained_exported_and_ranked_the_same(variant: str, tmp_path: Path) -> None:
    evaluation = EvaluationArrays(
        np.array([[1, 2, 0, 0]], np.int32),
        [np.array([1, 9, 2], np.int32)],
        np.array([3], np.int32),
        np.ones(1, np.int32),
    )
    config = ModelConfig(variant=variant, max_length=LENGTH, dim=8, num_blocks=1)  # type: ignore[arg-type]
    training = TrainingConfig(epochs=2, k=5)
    result = train(ITEMS, ARRAYS, evaluation, config, training, state_dir=tmp_path / "state")
    export_saved_model(result.model, VOCABULARY, tmp_path / "model")
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    example = evaluation_example(["1", "2"], ["1", "9", "2"], "3", 1)
    found = signatures["rank_examples"](examples=tf.constant([example]))
    history = result.model.rank(
        tf.constant([[1, 9, 2] + [0] * (2 * LENGTH - 3)] if VARIANTS[variant].mixed else [[1, 2, 0, 0]]),
        tf.constant([[1, 9, 2]]),
        tf.constant([3]),
    )
    assert found["rank"].numpy().tolist() == history.numpy().tolist()


def test_a_variant_without_its_data_says_so(tmp_path: Path) -> None:
    evaluation = EvaluationArrays(
        np.array([[1, 2, 0, 0]], np.int32), [np.array([1], np.int32)], np.array([3], np.int32), np.ones(1, np.int32)
    )
    arrays = TrainingArrays(ARRAYS.positive, ARRAYS.negative)
    with pytest.raises(ValueError, match="reads the mixed history"):
        train(ITEMS, arrays, evaluation, ModelConfig(variant="SASRec"), TrainingConfig(), state_dir=tmp_path)
