"""One ranking, measured three times: by Keras in validation, by TFMA in the gate, by numpy from the served lists.

A real model, a catalogue with an unknown target, seen targets, ties at zero and a group of misses.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from components.evaluation.config import METRICS, BoundConfig, GateConfig
from components.evaluation.eval_config import make_eval_config
from pnfrec_keras import data, measures
from pnfrec_keras.export import export_saved_model
from pnfrec_keras.model import PNFRec
from pnfrec_keras.records import read_evaluation
from pnfrec_keras.vocabulary import Vocabulary
from tests.pnfrec_keras.writing import evaluation_example, write_records

ITEMS, K = 20, 5
IDS = [f"i{number:02d}" for number in range(ITEMS)]
VOCABULARY = Vocabulary(IDS, np.arange(ITEMS, 0, -1), np.arange(ITEMS, 0, -1))


def make_examples() -> list[tuple[list[str], list[str], str, int]]:
    random = np.random.default_rng(11)
    examples = []
    for number in range(40):
        seen = [IDS[i] for i in random.choice(ITEMS, random.integers(1, 9), replace=False)]
        liked = [item for item in seen if random.random() < 0.6]
        target = "unknown" if number % 13 == 0 else IDS[random.integers(ITEMS)]
        examples.append((liked, seen, target, int(random.random() < 0.55)))
    return examples


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PNFRec]:
    folder = tmp_path_factory.mktemp("parity")
    keras.utils.set_random_seed(2)
    model = PNFRec(ITEMS, max_length=6, dim=8, k=K)
    # Three items with one vector: equal scores for every user.
    table = model.item_embedding.embeddings.numpy() * 30
    table[[5, 9, 14]] = table[5]
    model.item_embedding.embeddings.assign(table)
    model.compile()
    export_saved_model(model, VOCABULARY, folder / "model")
    write_records(folder / "data_tfrecord-0.gz", [evaluation_example(*example) for example in make_examples()])
    return folder, model


def served_lists(folder: Path, k: int) -> list[list[str]]:
    """What the exported model answers each example's user with."""
    serve = tf.saved_model.load(str(folder / "model")).signatures["serving_default"]
    lists = []
    for liked, seen, _, _ in make_examples():
        disliked = [item for item in seen if item not in liked]
        answer = serve(
            positive_item_ids=tf.constant([liked], tf.string, shape=[1, len(liked)]),
            exclude_item_ids=tf.constant([disliked], tf.string, shape=[1, len(disliked)]),
            k=tf.constant([k]),
        )
        lists.append([item.decode() for item in answer["item_ids"].numpy()[0][: answer["count"].numpy()[0]]])
    return lists


def served_ranks(folder: Path) -> list[int]:
    """Places of the targets in these lists; 0 is a miss."""
    lists = zip(served_lists(folder, ITEMS), make_examples(), strict=True)
    return [items.index(target) + 1 if target in items else 0 for items, (_, _, target, _) in lists]


def by_numpy(folder: Path) -> dict[str, float]:
    ranks = np.array(served_ranks(folder))
    is_positive = np.array([example[3] for example in make_examples()])
    found: dict[str, float] = {}
    for measure in measures.MEASURES:
        p, n = (measures.gains(ranks[is_positive == group], measure, K).mean() for group in (1, 0))
        found |= {f"{measure}_p": p, f"{measure}_n": n, f"{measure}_delta": p - n}
    return found


def by_tfma(folder: Path) -> dict[str, float]:
    gate = GateConfig(bounds={"ndcg_p": BoundConfig(min=0.0)}, k=K, slices=[])
    config = make_eval_config(gate, with_baseline=False)
    model = tfma.default_eval_shared_model(
        str(folder / "model"), eval_config=config, model_name=config.model_specs[0].name
    )
    result = tfma.run_model_analysis(
        eval_shared_model=model,
        eval_config=config,
        data_location=str(folder / "data_tfrecord-0.gz"),
        output_path=str(folder / "tfma"),
    )
    metrics = result.get_metrics_for_slice(())
    return {name: metrics[name]["doubleValue"] for name in METRICS}


def test_validation_gate_and_served_lists_agree(world: tuple[Path, PNFRec]) -> None:
    folder, model = world
    expected = by_numpy(folder)
    assert 0 < expected["ndcg_n"] < expected["hr_n"] < 1, "a world in which there is something to measure"

    gate = by_tfma(folder)
    assert {name: gate[name] for name in expected} == pytest.approx(expected, abs=1e-6)

    arrays = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    # Users without any known liked item: the network has nothing to read, and the export answers by popularity.
    known = np.array([row.any() for row in arrays.positive])
    assert 0 < known.sum() < len(known)
    ranks, is_positive = np.array(served_ranks(folder))[known], arrays.is_positive[known]
    some = data.EvaluationArrays(
        *(arrays.positive[known], [row for row, keep in zip(arrays.seen, known, strict=True) if keep]),
        *(arrays.target[known], is_positive),
    )
    validation: Any = model.evaluate(data.evaluation_dataset(some, 7), return_dict=True, verbose=0)
    for measure in measures.MEASURES:
        for group, polarity in (("p", 1), ("n", 0)):
            by_hand = measures.gains(ranks[is_positive == polarity], measure, K).mean()
            assert float(validation[f"{measure}_{group}"]) == pytest.approx(by_hand, abs=1e-6)


def test_coverage_is_the_share_of_the_catalogue_that_is_served(world: tuple[Path, PNFRec]) -> None:
    folder, _ = world
    served = {item for items in served_lists(folder, K) for item in items}
    assert by_tfma(folder)["coverage"] == pytest.approx(len(served) / ITEMS)
