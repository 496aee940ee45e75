"""How an exported model ranks under each rule of export, and the rules that cannot be exported."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.examples.arrays import pad
from pnfrec_keras.export.ranker import Ranker
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from pnfrec_keras.ranking import rates
from pnfrec_keras.ranking.rules.like_odds import LikeOdds
from tests.pnfrec_keras.export.asking import IDS, ITEMS, LENGTH, VOCABULARY, call, call_tf1, request, with_negatives


def test_rules_that_cannot_be_exported(model: PNFRec, tmp_path: Path) -> None:
    plain = PNFRec(ITEMS, max_length=LENGTH, dim=8, variant="SASRec_p")
    with pytest.raises(ValueError, match=r"`export.rule: posterior` reads the negative encoder"):
        export_saved_model(plain, VOCABULARY, tmp_path / "a", rule="posterior", gamma=1.0)
    with pytest.raises(ValueError, match=r"set `export.gamma`, `export.recency` and `model.trend_days` to 0"):
        export_saved_model(model, VOCABULARY, tmp_path / "b", index="tfrs", gamma=1.0)
    with pytest.raises(ValueError, match=r"set `export.gamma`, `export.recency` and `model.trend_days` to 0"):
        export_saved_model(model, VOCABULARY, tmp_path / "b", index="tfrs", recency=1.0)
    trendy = PNFRec(ITEMS, max_length=LENGTH, dim=8, trend_days=14)
    with pytest.raises(ValueError, match=r"set `export.gamma`, `export.recency` and `model.trend_days` to 0"):
        export_saved_model(trendy, VOCABULARY, tmp_path / "b", index="tfrs")
    with pytest.raises(ValueError, match=r"`export.recency` \(1\) and `model.trend_days` \(14\) both weigh"):
        export_saved_model(trendy, VOCABULARY, tmp_path / "b", recency=1.0)
    both = PNFRec(ITEMS, max_length=LENGTH, dim=8, variant="SASRec_c")
    with pytest.raises(ValueError, match="SASRec_c reads one history of both"):
        export_saved_model(both, VOCABULARY, tmp_path / "b", rule="like_odds", gamma=1.0)
    with pytest.raises(ValueError, match=r"set `feedback.recent_days` and run the pipeline again"):
        export_saved_model(model, VOCABULARY, tmp_path / "b", recency=1.0)
    with pytest.raises(ValueError, match="must be one of like_rate, popularity, like_odds, difference, posterior"):
        export_saved_model(model, VOCABULARY, tmp_path / "c", rule="luck")
    for name in ("gamma", "recency"):
        for weight in (float("nan"), float("inf"), -1.0):
            told: dict[str, Any] = {name: weight}
            with pytest.raises(ValueError, match=rf"`export.{name}` must be 0 or more and finite. Received: {weight}"):
                export_saved_model(model, VOCABULARY, tmp_path / "c", **told)
    assert not list(tmp_path.iterdir())
    # At 0 no rule acts, and a model of one history has no signature that takes another weight.
    export_saved_model(both, VOCABULARY, tmp_path / "d", rule="like_odds", gamma=0.0)
    assert schema.NEGATIVES_SIGNATURE not in tf.saved_model.load(str(tmp_path / "d")).signatures


def test_a_query_may_weigh_dislikes_whatever_the_index(model: PNFRec, tmp_path: Path) -> None:
    """By the rule of the export, which stands in its `ranking.json`, although the export itself weighs none."""
    asked = {**with_negatives([IDS[0]], IDS[4:9], 2.0), "k": np.array([ITEMS], np.int32)}
    found = []
    for index in ("plain", "tfrs"):
        export_saved_model(model, VOCABULARY, tmp_path / index, index=index, rule="difference")
        found.append(call(tmp_path / index, schema.NEGATIVES_SIGNATURE, asked))
    assert found[1]["item_ids"].tolist() == found[0]["item_ids"].tolist()
    np.testing.assert_allclose(found[1]["scores"], found[0]["scores"], rtol=1e-5, atol=1e-6)


def test_a_trend_shifts_the_scores_and_answers_those_without_a_history(model: PNFRec, tmp_path: Path) -> None:
    weights = get_named_weights(model)
    trend = np.linspace(0, 2, ITEMS + 1, dtype=np.float32)
    trendy = PNFRec.from_config({**model.get_config(), "trend_days": 14})
    set_named_weights(trendy, {**weights, "positive_trend": trend, "negative_trend": -trend})
    export_saved_model(trendy, VOCABULARY, tmp_path / "model")
    asked = request([[IDS[0], IDS[3]], []], [[], []], [ITEMS, ITEMS])
    found = call(tmp_path / "model", schema.SERVING_SIGNATURE, asked)
    history = pad([[1, 4]], LENGTH)
    scores = np.array(model.scores(history))[0, 1:] + trend[1:]
    best = [item for item in np.argsort(-scores, kind="stable") if item not in (0, 3)]
    assert [item.decode() for item in found["item_ids"][0][: ITEMS - 2]] == [IDS[item] for item in best]
    np.testing.assert_allclose(found["scores"][0][: ITEMS - 2], scores[best], rtol=1e-5)
    assert [item.decode() for item in found["item_ids"][1]] == IDS[::-1]
    assert found["fallback"].tolist() == [False, True]
    in_session = call_tf1(tmp_path / "model", schema.SERVING_SIGNATURE, asked)
    np.testing.assert_array_equal(found["item_ids"], in_session["item_ids"])


def test_like_odds_ask_how_much_the_user_dislikes(model: PNFRec, tmp_path: Path) -> None:
    """Told no dislikes it is the like rate; of two users the one who dislikes more has the rate count for more."""
    for rule in ("like_odds", "like_rate"):
        export_saved_model(model, VOCABULARY, tmp_path / rule, rule=rule, gamma=2.0)
    asked = request([[IDS[0]]], [[]], [ITEMS])
    plain = [call(tmp_path / rule, schema.SERVING_SIGNATURE, asked) for rule in ("like_odds", "like_rate")]
    np.testing.assert_array_equal(plain[0]["scores"], plain[1]["scores"])
    odds = LikeOdds(VOCABULARY)
    spread = []
    for disliked in ([], IDS[4:9]):
        asked = {**with_negatives([IDS[0]], disliked, 1.0), "k": np.array([ITEMS], np.int32)}
        found, at_0 = (
            call(tmp_path / "like_odds", schema.NEGATIVES_SIGNATURE, {**asked, "gamma": np.array([gamma], np.float32)})
            for gamma in (1.0, 0.0)
        )
        scores, before = (dict(zip(each["item_ids"][0], each["scores"][0], strict=True)) for each in (found, at_0))
        expected = np.array(odds.log_like(np.array([1]), np.array([min(len(disliked), LENGTH)])))[0]
        for item in set(scores) - {b""}:
            assert scores[item] - before[item] == pytest.approx(expected[IDS.index(item.decode()) + 1], abs=1e-4)
        spread.append(np.ptp(expected[1:]))
    assert spread[1] > spread[0]
    in_session = call_tf1(tmp_path / "like_odds", schema.NEGATIVES_SIGNATURE, {**asked, "gamma": [1.0]})
    np.testing.assert_array_equal(found["item_ids"], in_session["item_ids"])


def test_recency_lifts_what_is_liked_now_and_answers_those_without_a_history(model: PNFRec, tmp_path: Path) -> None:
    recent = np.zeros(ITEMS, np.int64)
    recent[[8, 4]] = [4, 2]
    vocabulary = dataclasses.replace(VOCABULARY, recent_positive_counts=recent)
    export_saved_model(model, vocabulary, tmp_path / "model", recency=1e6)
    found = call(tmp_path / "model", schema.SERVING_SIGNATURE, request([[IDS[0]], []], [[], []], [1, 1]))
    expected = IDS[int(np.argmax(rates.log_recency(vocabulary.positive_counts, recent)[1:]))]
    assert [row[0].decode() for row in found["item_ids"]] == [expected] * 2
    assert found["fallback"].tolist() == [False, True]
    in_session = call_tf1(tmp_path / "model", schema.SERVING_SIGNATURE, request([[IDS[0]], []], [[], []], [1, 1]))
    np.testing.assert_array_equal(found["item_ids"], in_session["item_ids"])


@pytest.mark.parametrize(
    ("rule", "gamma", "asks"),
    [
        *[("like_odds", 1.0, True), ("like_odds", 0.0, False), ("like_rate", 1.0, False)],
        *[("difference", 0.5, True), ("posterior", 2, True), ("posterior", 0.0, False)],
    ],
)
def test_a_ranker_knows_whether_its_two_lists_differ(model: PNFRec, rule: str, gamma: float, asks: bool) -> None:
    assert Ranker(model, VOCABULARY, rule, gamma).asks_dislikes == asks
