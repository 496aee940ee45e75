"""The SavedModel: its contract, in TensorFlow 2, in a TF1-style session and in a process without this project."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.examples.arrays import evaluation_arrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.ranking import Ranking
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.export.asking import (
    IDS,
    ITEMS,
    LENGTH,
    VOCABULARY,
    call,
    call_tf1,
    loaded,
    plain_answer,
    request,
    with_negatives,
)
from tests.pnfrec_keras.writing import evaluation_example


@pytest.fixture(scope="module", params=["plain", "tfrs"])
def export(request: pytest.FixtureRequest, model: PNFRec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model"
    export_saved_model(model, VOCABULARY, path, index=request.param, extra_assets={"config.yaml": "name: test\n"})
    return path


REQUEST = request(
    [[IDS[0], "", "nobody", IDS[1], IDS[2], IDS[3], IDS[4]], [], ["nobody"]],
    [[IDS[8], IDS[8]], [IDS[29], "nobody"], []],
    [12],
)


def test_answers_are_the_models_ranking(export: Path, model: PNFRec) -> None:
    found = call(export, schema.SERVING_SIGNATURE, REQUEST)
    history = [IDS[0], IDS[1], IDS[2], IDS[3], IDS[4]]
    expected = [
        plain_answer(model, history, [*history, IDS[8]], 12),
        plain_answer(model, [], [IDS[29]], 12),
        plain_answer(model, [], [], 12),
    ]
    assert [[item.decode() for item in row] for row in found["item_ids"]] == expected
    assert found["count"].tolist() == [12, 12, 12]
    assert found["fallback"].tolist() == [False, True, True]
    assert found["known_items"].tolist() == [5, 0, 0]
    assert (np.diff(found["scores"], axis=1) <= 0).all()


def test_a_tf1_session_answers_the_same(export: Path) -> None:
    for signature, inputs in (
        (schema.SERVING_SIGNATURE, REQUEST),
        (schema.RANK_SIGNATURE, {"examples": [evaluation_example([IDS[0]], [IDS[0], IDS[5]], IDS[7], 1)]}),
    ):
        modern, session = call(export, signature, inputs), call_tf1(export, signature, inputs)
        assert modern.keys() == session.keys()
        for name, value in modern.items():
            np.testing.assert_array_equal(value, session[name])


def named(found: dict[str, Any]) -> list[str]:
    return [item.decode() for item in found["item_ids"][0]]


def test_with_negatives_gamma_0_is_the_papers_ranking_without_the_disliked(export: Path, model: PNFRec) -> None:
    liked, disliked = [IDS[0], IDS[3]], [IDS[7], "nobody"]
    found = call(export, schema.NEGATIVES_SIGNATURE, with_negatives(liked, disliked, 0.0))
    assert named(found) == plain_answer(model, liked, [*liked, IDS[7]], 12)
    assert found["known_items"].tolist() == [3]
    session = call_tf1(export, schema.NEGATIVES_SIGNATURE, with_negatives(liked, disliked, 0.0))
    for name, value in found.items():
        np.testing.assert_array_equal(value, session[name])


def test_with_negatives_gamma_lowers_by_the_share_of_likes(export: Path, model: PNFRec) -> None:
    liked = [IDS[0], IDS[3]]
    found = call(export, schema.NEGATIVES_SIGNATURE, with_negatives(liked, [], 1e6, ITEMS))
    every, positive = VOCABULARY.counts, VOCABULARY.positive_counts
    overall = (positive.sum() + 0.5) / (every.sum() + 1)
    rate = (positive + 10 * overall) / (every + 10)
    order = sorted((i for i in range(ITEMS) if IDS[i] not in liked), key=lambda i: -rate[i])
    assert named(found)[: len(order)] == [IDS[i] for i in order]
    assert named(found) != plain_answer(model, liked, liked, ITEMS)


@pytest.mark.parametrize("gamma", [-0.5, float("inf")])
@pytest.mark.parametrize("ask", [call, call_tf1])
def test_a_weight_that_would_raise_dislikes_is_an_error(
    export: Path, ask: Callable[[Path, str, dict[str, Any]], dict[str, Any]], gamma: float
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="`gamma` must be finite and 0 or more"):
        ask(export, schema.NEGATIVES_SIGNATURE, with_negatives([IDS[0]], [IDS[7]], gamma))


TWO = request([[IDS[0]], [IDS[1]]], [[], []], [3, 3])
TWO_TOLD = {**TWO, "negative_item_ids": TWO["exclude_item_ids"], "gamma": np.array([0.5, 0.5], np.float32)}


@pytest.mark.parametrize("ask", [call, call_tf1])
@pytest.mark.parametrize(
    ("signature", "name", "value"),
    [
        (schema.SERVING_SIGNATURE, "k", np.array([3, 3, 3], np.int32)),
        (schema.SERVING_SIGNATURE, "exclude_item_ids", np.array([[IDS[0]]], object)),
        (schema.NEGATIVES_SIGNATURE, "gamma", np.array([], np.float32)),
        (schema.NEGATIVES_SIGNATURE, "negative_item_ids", np.array([[IDS[0]]], object)),
    ],
)
def test_inputs_of_other_rows_are_refused_by_name(
    export: Path, ask: Callable[..., Any], signature: str, name: str, value: Any
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Input `{name}` must have"):
        ask(export, signature, {**(TWO if signature == schema.SERVING_SIGNATURE else TWO_TOLD), name: value})


def test_one_k_and_one_gamma_are_for_all_rows(export: Path) -> None:
    one = {**TWO_TOLD, "k": np.array([3], np.int32), "gamma": np.array([0.5], np.float32)}
    whole, found = (call(export, schema.NEGATIVES_SIGNATURE, inputs) for inputs in (TWO_TOLD, one))
    assert all(np.array_equal(found[name], whole[name]) for name in whole)


def test_without_a_like_the_positive_encoder_reads_the_dislikes(export: Path, model: PNFRec) -> None:
    disliked = [IDS[5], IDS[2]]
    found = call(export, schema.NEGATIVES_SIGNATURE, with_negatives(["nobody"], disliked, float("nan")))
    assert named(found) == plain_answer(model, disliked, disliked, 12)
    assert not found["fallback"][0]
    nothing = call(export, schema.NEGATIVES_SIGNATURE, with_negatives([], ["nobody"], float("nan")))
    assert named(nothing) == plain_answer(model, [], [], 12)
    assert nothing["fallback"][0]


@pytest.mark.parametrize("k", [0, 1, 25, 26, 30, 31, 1000])
def test_more_than_is_left_is_answered_without_garbage(export: Path, k: int) -> None:
    history = IDS[:5]
    found = call(export, schema.SERVING_SIGNATURE, request([history], [[]], [k]))
    left = min(k, ITEMS - 5)
    items = [item.decode() for item in found["item_ids"][0]]
    assert found["count"].tolist() == [left]
    assert len(items) == min(k, ITEMS)
    assert len(set(items[:left])) == left
    assert not set(items[:left]) & {*history, ""}
    assert set(items[left:]) <= {""}
    assert not found["scores"][0, left:].any()


def test_each_row_may_ask_for_another_k(export: Path) -> None:
    found = call(export, schema.SERVING_SIGNATURE, request([IDS[:2], IDS[2:3]], [[], []], [1, 3]))
    assert found["count"].tolist() == [1, 3]
    assert (found["item_ids"] != b"").tolist() == [[True, False, False], [True, True, True]]


def test_everything_excluded_leaves_an_empty_answer(export: Path) -> None:
    found = call(export, schema.SERVING_SIGNATURE, request([[]], [IDS], [5]))
    assert found["count"].tolist() == [0]
    assert set(found["item_ids"][0]) == {b""}


EXAMPLES: list[tuple[list[str], list[str], str, int]] = [
    ([IDS[0], IDS[2]], [IDS[0], IDS[7], IDS[2]], IDS[9], 1),
    ([], [], IDS[4], 0),
    ([IDS[1]], [IDS[1]], "unknown", 1),
    ([IDS[1]], [IDS[1], IDS[6]], IDS[6], 0),
]


def test_ranks_equal_those_of_validation_and_of_the_served_list(export: Path, model: PNFRec) -> None:
    serialized = [evaluation_example(*example) for example in EXAMPLES]
    found = call(export, schema.RANK_SIGNATURE, {"examples": serialized})
    assert found["catalogue_size"].tolist() == [ITEMS] * 4
    # The last two: unknown, and seen before.
    assert found["rank"].tolist()[2:] == [0, 0]
    positives, seens, targets, polarities = (list(column) for column in zip(*EXAMPLES, strict=True))
    arrays = evaluation_arrays(positives, seens, targets, polarities, VOCABULARY, LENGTH)  # type: ignore[arg-type]
    x, y = arrays.inputs_and_targets()
    by_model = model.rank(x["positive"], x["seen"], y["target"]).numpy()
    assert found["rank"][0] == by_model[0]
    for row, (positive, seen, target, _) in enumerate(EXAMPLES):
        disliked = [item for item in seen if item not in positive]
        answer = call(export, schema.SERVING_SIGNATURE, request([positive], [disliked], [ITEMS]))
        served = [item.decode() for item in answer["item_ids"][0, : answer["count"][0]]]
        assert found["rank"][row] == (served.index(target) + 1 if target in served else 0)
        assert [IDS[i - 1] for i in found["top_items"][row]] == served[:10]


_ALONE = """
import json, sys
sys.path[:] = [p for p in sys.path if p not in ("", sys.argv[2])]
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pnfrec_keras", "components", "pipeline", "serving"):
            raise ImportError("blocked " + name)
sys.meta_path.insert(0, Block())
import tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
inputs = json.loads(sys.argv[3])
out = served(positive_item_ids=tf.constant(inputs["positive_item_ids"]),
             exclude_item_ids=tf.constant(inputs["exclude_item_ids"]), k=tf.constant(inputs["k"], tf.int32))
print(json.dumps([[item.decode() for item in row] for row in out["item_ids"].numpy()]))
"""


def test_it_answers_in_a_process_without_this_project(export: Path) -> None:
    inputs = request([[IDS[0], IDS[3]]], [[IDS[5]]], [5])
    plain = {name: value.tolist() for name, value in inputs.items()}
    root = str(Path(__file__).parents[3])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", _ALONE, str(export), root, json.dumps(plain)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=export.parent, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    here = call(export, schema.SERVING_SIGNATURE, inputs)
    assert json.loads(done.stdout) == [[item.decode() for item in row] for row in here["item_ids"]]


_ORACLE = """
import json, sys
import numpy as np, tensorflow as tf, tensorflow_recommenders as tfrs
arrays = np.load(sys.argv[1])
index = tfrs.layers.factorized_top_k.BruteForce(k=5)
index.index(tf.constant(arrays["table"][1:]), tf.range(1, len(arrays["table"])))
_, items = index.query_with_exclusions(tf.constant(arrays["query"]), tf.constant(arrays["seen"]), k=5)
print(json.dumps(items.numpy().tolist()))
"""


HISTORIES = [[int(i) for i in np.random.default_rng(seed).choice(ITEMS, 3, replace=False) + 1] for seed in range(16)]


@pytest.fixture(scope="module")
def oracle(model: PNFRec, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What tensorflow-recommenders itself makes of the model's vectors, for each history."""
    arrays = tmp_path_factory.mktemp("oracle") / "oracle.npz"
    query = model.encode_history(np.array([[*history, 0] for history in HISTORIES], np.int32)).numpy()
    table = model.item_embedding.embeddings.numpy()
    np.savez(arrays, table=table, query=query, seen=np.array(HISTORIES, np.int32))
    command, environment = [sys.executable, "-c", _ORACLE, str(arrays)], {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_lists_equal_those_of_tensorflow_recommenders(export: Path, oracle: list[list[int]]) -> None:
    rows = [[IDS[i - 1] for i in history] for history in HISTORIES]
    found = call(export, schema.SERVING_SIGNATURE, request(rows, [[]] * 16, [5]))
    assert [[IDS.index(item.decode()) + 1 for item in row] for row in found["item_ids"]] == oracle


def test_the_extra_assets_tell_where_the_model_comes_from(export: Path) -> None:
    assert (export / "assets.extra" / "config.yaml").read_text() == "name: test\n"
    assert list(Vocabulary.read(export / "assets.extra" / "items.jsonl").item_ids) == IDS


def test_the_export_says_how_it_ranks(export: Path) -> None:
    written = json.loads((export / "assets.extra" / "ranking.json").read_text())
    plain = {"format": 1, "rule": "like_rate", "gamma": 0.0, "recency": 0.0, "k": 10, "asks_dislikes": False}
    assert written == plain


def test_the_export_says_how_it_ranks_with_dislikes(model: PNFRec, tmp_path: Path) -> None:
    vocabulary = dataclasses.replace(VOCABULARY, recent_positive_counts=np.arange(ITEMS))
    export_saved_model(model, vocabulary, tmp_path / "model", rule="posterior", gamma=2, recency=1)
    path = tmp_path / "model" / "assets.extra" / "ranking.json"
    found = Ranking.from_json(path.read_text(), str(path))
    assert found == Ranking("posterior", 2.0, 1.0, 10, asks_dislikes=True)


def test_signatures_are_the_contract(export: Path) -> None:
    served = loaded(export).signatures[schema.SERVING_SIGNATURE]
    inputs = {
        name: (spec.dtype.name, spec.shape.as_list()) for name, spec in served.structured_input_signature[1].items()
    }
    assert inputs == {
        "positive_item_ids": ("string", [None, None]),
        "exclude_item_ids": ("string", [None, None]),
        "k": ("int32", [None]),
    }
    outputs = {name: (spec.dtype.name, len(spec.shape)) for name, spec in served.structured_outputs.items()}
    assert outputs == {
        "item_ids": ("string", 2),
        "scores": ("float32", 2),
        "count": ("int32", 1),
        "fallback": ("bool", 1),
        "known_items": ("int32", 1),
    }
