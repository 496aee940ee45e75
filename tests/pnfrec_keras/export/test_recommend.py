"""The signature `recommend` against the plain definition, in TensorFlow 2 and in a TF1-style session."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pnfrec_core import schema
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.export.asking import IDS, ITEMS, VOCABULARY, call, request
from tests.pnfrec_keras.export.sessions import Session
from tests.pnfrec_keras.ranking.test_restrict import greedy

pytestmark = pytest.mark.tensorflow

GROUPS = {item: f"g{place % 3}" for place, item in enumerate(IDS) if place % 4}
GROUPED = dataclasses.replace(VOCABULARY, groups=GROUPS)
GAMMA = 0.7
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def export(model: PNFRec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model"
    export_saved_model(model, GROUPED, path, rule="like_odds", gamma=GAMMA)
    return path


@pytest.fixture(scope="module")
def asks(export: Path) -> list[Ask]:
    session = Session(export)
    return [lambda signature, inputs: call(export, signature, inputs), session.call]


def grid(rows: list[list[str]]) -> Any:
    return request(rows, rows, [1])["positive_item_ids"]


@dataclasses.dataclass(frozen=True)
class User:
    """One row of a query."""

    liked: list[str]
    disliked: list[str]
    excluded: list[str]
    allowed: list[str]
    k: int
    gamma: float
    most: int


def full(users: list[User]) -> dict[str, Any]:
    return {
        "positive_item_ids": grid([user.liked for user in users]),
        "negative_item_ids": grid([user.disliked for user in users]),
        "exclude_item_ids": grid([user.excluded for user in users]),
        "allow_item_ids": grid([user.allowed for user in users]),
        "k": np.array([user.k for user in users], np.int32),
        "gamma": np.array([user.gamma for user in users], np.float32),
        "max_per_group": np.array([user.most for user in users], np.int32),
    }


# Longer than the model reads, repeated, unknown and empty ids.
_IDS = st.lists(st.sampled_from([*IDS, "nobody", ""]), max_size=8)
_ALLOWED = _IDS | st.just(["nobody"]) | st.just(IDS[:20])
_USERS = st.builds(
    User, _IDS, _IDS, st.one_of(_IDS, st.just(IDS)), _ALLOWED, st.integers(0, 40),
    st.sampled_from([0.0, 0.5, float("nan")]), st.integers(0, 3),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(users=st.lists(_USERS, min_size=1, max_size=3))
def test_the_list_is_the_greedy_choice_of_what_is_allowed(asks: list[Ask], users: list[User]) -> None:
    answers = [ask(schema.RECOMMEND_SIGNATURE, full(users)) for ask in asks]
    for name, value in answers[0].items():
        np.testing.assert_array_equal(value, answers[1][name])
    for row, user in enumerate(users):
        alone = {name: value[row : row + 1] for name, value in full(users).items()}
        # The order and scores of the whole catalogue come from the other signature.
        asked = {name: alone[name] for name in ("positive_item_ids", "negative_item_ids", "gamma")}
        every = asks[0]("with_negatives", {**asked, "exclude_item_ids": grid([[]]), "k": np.array([ITEMS], np.int32)})
        expected = listed(user, every)
        found = asks[0](schema.RECOMMEND_SIGNATURE, alone)
        count = int(found["count"][0])
        assert [item.decode() for item in found["item_ids"][0][:count]] == expected
        assert [group.decode() for group in found["groups"][0][:count]] == [GROUPS.get(item, "") for item in expected]
        assert not any(found["item_ids"][0][count:])
        assert not found["scores_without_rule"][0][count:].any()
        assert found["unknown_allowed"].tolist() == [sum(item == "nobody" for item in user.allowed)]
        assert found["known_items"].tolist() == every["known_items"].tolist()
        # In a batch the scores may differ in their last bits (docs/guides/serving.md), and with them near-ties alone.
        assert int(answers[0]["count"][row]) == count


def listed(user: User, every: dict[str, Any]) -> list[str]:
    """The list by the definition: what is left, allowed and finds room in its group, best first."""
    order = [item.decode() for item in every["item_ids"][0][: int(every["count"][0])]]
    asked = [item for item in user.allowed if item]
    left = [item for item in order if item not in user.excluded and (not asked or item in asked)]
    groups = [0, *({"g0": 1, "g1": 2, "g2": 3}.get(GROUPS.get(item, ""), 0) for item in left)]
    taken = greedy([0.0, *range(len(left), 0, -1)], groups, user.k, user.most)
    return [left[place - 1] for place in taken]


def test_without_a_wish_it_is_with_negatives(asks: list[Ask]) -> None:
    user = User([IDS[0], IDS[3]], [IDS[7]], [IDS[9]], [], 12, float("nan"), 0)
    inputs = full([user])
    told = {name: inputs[name] for name in inputs if name not in ("allow_item_ids", "max_per_group")}
    expected = asks[0]("with_negatives", told)
    found = asks[0](schema.RECOMMEND_SIGNATURE, inputs)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name])


def test_the_score_before_the_rule_is_that_of_weight_0(asks: list[Ask]) -> None:
    user = User([IDS[0], IDS[3]], [IDS[7], IDS[8]], [], [], ITEMS, float("nan"), 0)
    found = asks[0](schema.RECOMMEND_SIGNATURE, full([user]))
    plain = asks[0](schema.RECOMMEND_SIGNATURE, full([dataclasses.replace(user, gamma=0.0)]))
    before = dict(zip(found["item_ids"][0], found["scores_without_rule"][0], strict=True))
    without = dict(zip(plain["item_ids"][0], plain["scores"][0], strict=True))
    assert before == without
    # A probability is below 1, so that the rule lowers every item.
    count = int(found["count"][0])
    assert (found["scores"][0][:count] < found["scores_without_rule"][0][:count]).all()


@pytest.mark.parametrize("most", [-1, 1])
def test_a_cap_that_could_not_act_is_refused(model: PNFRec, tmp_path: Path, most: int) -> None:
    export_saved_model(model, VOCABULARY, tmp_path / "model")
    inputs = full([User([IDS[0]], [], [], [], 3, 0.0, most)])
    said = "must be 0, for as many as there are" if most < 0 else "The items of this model have no groups"
    for ask in (lambda *given: call(tmp_path / "model", *given), Session(tmp_path / "model").call):
        with pytest.raises(tf.errors.InvalidArgumentError, match=said):
            ask(schema.RECOMMEND_SIGNATURE, inputs)
        assert ask(schema.RECOMMEND_SIGNATURE, {**inputs, "max_per_group": np.array([0], np.int32)})["count"] == [3]


@pytest.mark.parametrize(
    ("rule", "recency", "trend"), [("like_rate", 0.0, 0), ("popularity", 1.5, 0), ("posterior", 0.0, 7)]
)
def test_an_index_of_the_vectors_gives_the_lists_of_serving_default(
    model: PNFRec, tmp_path: Path, rule: str, recency: float, trend: int
) -> None:
    if trend:
        model = PNFRec(ITEMS, max_length=4, dim=8, trend_days=float(trend))
        for weight in model.trend_weights.values():
            weight.assign(np.linspace(-1, 1, ITEMS + 1))
    vocabulary = dataclasses.replace(VOCABULARY, recent_positive_counts=np.arange(ITEMS))
    export_saved_model(model, vocabulary, tmp_path / "model", rule=rule, gamma=0.5, recency=recency)
    histories = [[IDS[1], IDS[4]], [IDS[9]]]
    users = call(tmp_path / "model", schema.USERS_SIGNATURE, {"positive_item_ids": grid(histories)})
    items = call(tmp_path / "model", schema.ITEMS_SIGNATURE, {"item_ids": np.array([], object)})
    assert [item.decode() for item in items["item_ids"]] == IDS
    assert items["known"].all()
    assert users["known_items"].tolist() == [2, 1]
    scores = users["vectors"].astype(np.float64) @ items["vectors"].T.astype(np.float64)
    served = call(tmp_path / "model", "serving_default", request(histories, [[], []], [ITEMS]))
    for row, history in enumerate(histories):
        places = [IDS.index(item.decode()) for item in served["item_ids"][row][: served["count"][row]]]
        assert len(places) == ITEMS - len(history)
        np.testing.assert_allclose(served["scores"][row][: len(places)], scores[row][places], rtol=1e-5, atol=1e-6)


def test_vectors_of_named_items_come_in_their_order(export: Path) -> None:
    every = call(export, schema.ITEMS_SIGNATURE, {"item_ids": np.array([], object)})["vectors"]
    named = np.array([IDS[5], "nobody", IDS[0], ""], object)
    found = call(export, schema.ITEMS_SIGNATURE, {"item_ids": named})
    assert found["known"].tolist() == [True, False, True, False]
    np.testing.assert_array_equal(found["vectors"], [every[5], np.zeros(9), every[0], np.zeros(9)])


def test_groups_survive_the_vocabulary_file(tmp_path: Path) -> None:
    GROUPED.write(tmp_path / "items.jsonl")
    assert Vocabulary.read(tmp_path / "items.jsonl").groups == GROUPS
