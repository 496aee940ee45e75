"""One ranking, measured three times: by Keras in validation, by TFMA in the gate, by numpy from the served lists.

A real model; unknown and seen targets, ties, misses, users without a known liked item, users who have seen nearly all.
"""

import functools
import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from components.gate.config import DEFAULT_METRICS, BoundConfig, GateConfig
from components.gate.eval_config import make_eval_config
from pnfrec_core import lists, measures
from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.evaluation.ranked import Ranked
from pnfrec_keras.evaluation.ranked import measure as measures_of
from pnfrec_keras.examples import arrays
from pnfrec_keras.examples.records import read_evaluation
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from studies.inference_rule import InferenceRule
from studies.run.inference import recommender
from tests.pnfrec_keras.export.asking import loaded
from tests.pnfrec_keras.writing import evaluation_example, write_records

ITEMS, K = 20, 5
IDS = [f"i{number:02d}" for number in range(ITEMS)]
# Not in the order of the vocabulary, which breaks ties: a fallback to all equal scores would show.
VOCABULARY = Vocabulary(
    *(IDS, np.arange(ITEMS, 0, -1) + ITEMS, np.roll(np.arange(ITEMS, 0, -1), 7)),
    recent_positive_counts=np.roll(np.arange(ITEMS, 0, -1), 3) // 2,
    groups={item: f"group {number % 4}" for number, item in enumerate(IDS) if number % 5},
)


def make_examples() -> list[tuple[list[str], list[str], str, int]]:
    random = np.random.default_rng(11)
    examples = []
    for number in range(40):
        seen = [IDS[i] for i in random.choice(ITEMS, random.integers(1, 9), replace=False)]
        liked = [item for item in seen if random.random() < 0.6]
        target = "unknown" if number % 13 == 0 else IDS[random.integers(ITEMS)]
        examples.append((liked, seen, target, int(random.random() < 0.55)))
    for number in range(4):
        # Fewer than k items are left, the target among them or not.
        seen = [item for place, item in enumerate(IDS) if place not in (number, number + 6, 19)]
        examples.append((seen[:3], seen, IDS[number + 3 * (number % 2)], number // 2))
        # What was liked is not in the catalogue any more.
        examples.append((["gone", "also gone"], ["gone", "also gone", IDS[number]], IDS[7 + number], number % 2))
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
    model.set_popularity(VOCABULARY.popularity())
    model.compile()
    export_saved_model(model, VOCABULARY, folder / "model")
    write_records(folder / "data_tfrecord-0.gz", [evaluation_example(*example) for example in make_examples()])
    return folder, model


def served_lists(folder: Path, k: int) -> list[list[str]]:
    """What the exported model answers each example's user with."""
    serve = loaded(folder / "model").signatures["serving_default"]
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


def told_ranks(folder: Path, name: str) -> Any:
    """What the exported model tells the gate, by the name of an output."""
    rank = loaded(folder / "model").signatures["rank_examples"]
    return rank(examples=tf.constant([evaluation_example(*example) for example in make_examples()]))[name].numpy()


def by_numpy(folder: Path) -> dict[str, float]:
    ranks = np.array(served_ranks(folder))
    is_positive = np.array([example[3] for example in make_examples()])
    found: dict[str, float] = {}
    for measure in measures.MEASURES:
        p, n = (measures.gains(ranks[is_positive == group], measure, K).mean() for group in (1, 0))
        found |= {f"{measure}_p": p, f"{measure}_n": n, f"{measure}_delta": p - n}
    return found


@functools.cache
def by_tfma(folder: Path, examples: Path | None = None) -> dict[str, float]:
    """Measured once for the tests that look at the same examples."""
    gate = GateConfig(bounds=dict.fromkeys(("ndcg_p", "default_ndcg_p"), BoundConfig(min=0.0)), k=K, slices=[])
    config = make_eval_config(gate, with_baseline=False)
    model = tfma.default_eval_shared_model(
        str(folder / "model"), eval_config=config, model_name=config.model_specs[0].name
    )
    result = tfma.run_model_analysis(
        eval_shared_model=model,
        eval_config=config,
        data_location=str((examples or folder) / "data_tfrecord-0.gz"),
        output_path=str((examples or folder) / "tfma"),
    )
    metrics = result.get_metrics_for_slice(())
    return {name: float(metrics[name]["doubleValue"]) for name in (*measures.METRICS, *DEFAULT_METRICS)}


def test_validation_gate_and_served_lists_agree(world: tuple[Path, PNFRec]) -> None:
    folder, model = world
    expected = by_numpy(folder)
    assert 0 < expected["ndcg_n"] < expected["hr_n"] < 1, "a world in which there is something to measure"

    gate = by_tfma(folder)
    assert {name: gate[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert {name: gate[f"default_{name}"] for name in expected} == pytest.approx(expected, abs=1e-6)

    made = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    unread = sum(not row.any() for row in made.positive)
    assert 4 < unread < len(made.positive) / 2, "users without any known liked item, for whom popularity decides"
    validation: Any = model.evaluate(arrays.evaluation_dataset(made, 7), return_dict=True, verbose=0)
    for measure in measures.MEASURES:
        for group in ("p", "n"):
            assert float(validation[f"{measure}_{group}"]) == pytest.approx(expected[f"{measure}_{group}"], abs=1e-6)


def test_xla_ranks_the_same(world: tuple[Path, PNFRec]) -> None:
    folder, model = world
    made = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    compiled = PNFRec.from_config(model.get_config())
    compiled.set_weights(model.get_weights())
    compiled.set_popularity(VOCABULARY.popularity())
    compiled.compile(jit_compile=True)
    results: list[Any] = [
        each.evaluate(arrays.evaluation_dataset(made, 16), return_dict=True, verbose=0) for each in (model, compiled)
    ]
    plain, xla = ({name: float(value) for name, value in result.items()} for result in results)
    assert xla == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(("group", "other", "polarity"), [("p", "n", 1), ("n", "p", 0)])
def test_an_empty_group_is_undefined_everywhere(
    world: tuple[Path, PNFRec], tmp_path: Path, group: str, other: str, polarity: int
) -> None:
    folder, model = world
    examples = [example for example in make_examples() if example[3] != polarity]
    write_records(tmp_path / "data_tfrecord-0.gz", [evaluation_example(*example) for example in examples])
    gate = by_tfma(folder, tmp_path)
    made = read_evaluation(str(tmp_path / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    validation: Any = model.evaluate(arrays.evaluation_dataset(made, 7), return_dict=True, verbose=0)
    for measure in measures.MEASURES:
        assert np.isnan(gate[f"{measure}_{group}"])
        assert np.isnan(gate[f"{measure}_delta"])
        # Keras is told of no polarities where all targets are positive.
        assert np.isnan(validation.get(f"{measure}_{group}", np.nan))
        assert gate[f"{measure}_{other}"] == pytest.approx(float(validation[f"{measure}_{other}"]), abs=1e-6)


def test_the_lists_are_measured_alike_by_numpy_in_the_gate_and_from_what_is_served(world: tuple[Path, PNFRec]) -> None:
    folder, model = world
    served = served_lists(folder, K)
    listed = [IDS.index(item) + 1 for items in served for item in items]
    liked = [IDS.index(target) + 1 for _, _, target, positive in make_examples() if positive and target in IDS]
    # By the definitions, item by item: the head of 20 items is the first 2, the middle the next 8.
    times = np.array([listed.count(item) for item in range(1, ITEMS + 1)])
    share = (VOCABULARY.counts + 0.5) / (VOCABULARY.counts + 0.5).sum()
    apart = np.abs(times[:, np.newaxis] - times[np.newaxis, :]).sum()
    expected = {
        "coverage": len(set(listed)) / ITEMS,
        "gini": apart / (2 * ITEMS * times.sum()),
        "novelty": float(np.mean([-np.log2(share[item - 1]) for item in listed])),
    }
    grouped = [[IDS.index(item) % 4 for item in items if IDS.index(item) % 5] for items in served]
    pairs = [[left != right for left, right in itertools.combinations(items, 2)] for items in grouped]
    expected["diversity"] = float(np.mean([np.mean(each) for each in pairs if each]))
    for kind, items in (("list", listed), ("target", liked)):
        counts = [sum(low < item <= high for item in items) for low, high in ((0, 2), (2, 10), (10, 20))]
        names = (f"{kind}_{bucket}" for bucket in ("head", "middle", "tail"))
        expected |= {name: count / len(items) for name, count in zip(names, counts, strict=True)}
    buckets = ("head", "middle", "tail")
    expected["miscalibration"] = sum(abs(expected[f"list_{b}"] - expected[f"target_{b}"]) for b in buckets) / 2
    assert set(expected) == set(lists.LIST_METRICS)

    made = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    by_evaluation = evaluate.evaluate(model, made, counts=VOCABULARY.counts, groups=VOCABULARY.group_numbers())
    assert {name: by_evaluation[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    by_gate = by_tfma(folder)
    assert {name: by_gate[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    untold = evaluate.evaluate(model, made)
    assert [name for name, value in untold.items() if np.isnan(value)] == ["novelty", "diversity"], "nobody told"


def test_coverage_is_the_share_of_the_catalogue_that_is_served(world: tuple[Path, PNFRec]) -> None:
    folder, _ = world
    served = {item for items in served_lists(folder, K) for item in items}
    assert by_tfma(folder)["coverage"] == pytest.approx(len(served) / ITEMS)


@pytest.mark.parametrize(
    ("rule", "gamma", "recency"),
    [
        *[("like_rate", 2, 0.0), ("like_rate", 1.5, 1.0), ("like_odds", 2, 0.0), ("like_odds", 5.0, 0.3)],
        *[("difference", 0.5, 0.7), ("posterior", 3.0, 0.0), ("popularity", 2.0, 0.0), ("popularity", 1.5, 0.4)],
    ],
)
def test_a_rule_of_inference_ranks_the_same_in_numpy_in_the_gate_and_when_served(
    world: tuple[Path, PNFRec], tmp_path: Path, rule: Any, gamma: float, recency: float
) -> None:
    folder, model = world
    assert_all_rank_alike(folder, model, tmp_path, rule, gamma, recency)


@pytest.mark.parametrize(("rule", "gamma"), [("like_rate", 0.0), ("like_odds", 1.0), ("posterior", 2.0)])
def test_a_trend_ranks_the_same_in_numpy_in_keras_in_the_gate_and_when_served(
    world: tuple[Path, PNFRec], tmp_path: Path, rule: Any, gamma: float
) -> None:
    folder, plain = world
    keras.utils.set_random_seed(2)
    model = PNFRec(ITEMS, max_length=6, dim=8, k=K, trend_days=14)
    weights = get_named_weights(plain)
    weights |= {name: np.linspace(0, end, ITEMS + 1) for name, end in (("positive_trend", 2), ("negative_trend", -3))}
    set_named_weights(model, weights)
    model.compile()
    ranked = assert_all_rank_alike(folder, model, tmp_path, rule, gamma, 0.0)
    if not gamma:
        made = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
        validation: Any = model.evaluate(arrays.evaluation_dataset(made, 7), return_dict=True, verbose=0)
        for name, value in measures_of(ranked, K).items():
            if name.endswith(("_p", "_n")):
                assert float(validation[name]) == pytest.approx(value, abs=1e-6)


def assert_all_rank_alike(
    folder: Path, model: PNFRec, tmp_path: Path, rule: Any, gamma: float, recency: float
) -> Ranked:
    """By numpy, TFMA and the lists of the export in `tmp_path`; another ranking than that of the world's model."""
    export_saved_model(model, VOCABULARY, tmp_path / "model", rule=rule, gamma=gamma, recency=recency)
    made = read_evaluation(str(folder / "data_tfrecord-0.gz"), VOCABULARY, model.max_length)
    ranked = evaluate.rank_all(recommender(model, VOCABULARY, InferenceRule(rule, recency=recency), gamma), made, K)
    assert (ranked.rank != told_ranks(folder, "rank")).sum() > 10, "a rule that changes something"

    write_records(tmp_path / "data_tfrecord-0.gz", [evaluation_example(*example) for example in make_examples()])
    gate = by_tfma(tmp_path)
    expected = measures_of(ranked, K, VOCABULARY.counts, VOCABULARY.group_numbers())
    assert 3 < expected["novelty"] < 5, "all is told: nothing is NaN"
    assert {name: gate[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    # Dislikes weighed or only left out: the gate knows either list.
    assert told_ranks(tmp_path, "default_rank").tolist() == served_ranks(tmp_path)
    by_default = by_numpy(tmp_path)
    assert {name: gate[f"default_{name}"] for name in by_default} == pytest.approx(by_default, abs=1e-6)

    served = loaded(tmp_path / "model").signatures["with_negatives"]
    for place, (liked, seen, target, _) in enumerate(make_examples()):
        if not set(liked) & set(IDS):
            continue  # Here the served model reads the dislikes instead.
        disliked = [item for item in seen if item not in liked]
        answer = served(
            positive_item_ids=tf.constant([liked], tf.string, shape=[1, len(liked)]),
            negative_item_ids=tf.constant([disliked], tf.string, shape=[1, len(disliked)]),
            exclude_item_ids=tf.constant([], tf.string, shape=[1, 0]),
            k=tf.constant([ITEMS]),
            gamma=tf.constant([float("nan")]),
        )
        items = [item.decode() for item in answer["item_ids"].numpy()[0][: answer["count"].numpy()[0]]]
        assert (items.index(target) + 1 if target in items else 0) == ranked.rank[place]
    if rule in ("like_rate", "popularity"):
        assert served_ranks(tmp_path) == ranked.rank.tolist(), "such a rule asks for no dislikes"
    return ranked
