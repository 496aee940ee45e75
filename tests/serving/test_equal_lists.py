"""One history, one list: whichever way a model is asked.

`tf.saved_model.load`, a TF1-style session, the server over gRPC (both clients) and over HTTP, and the gate's ranks.
"""

import asyncio
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.aio import AsyncRecommenderClient
from serving.client import RecommenderClient
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings

pytestmark = pytest.mark.tensorflow

ITEMS, LENGTH = 30, 4
IDS = [f"0{number}" if number % 2 else f"é{number}" for number in range(1, ITEMS + 1)]
GROUPS = {item: f"g{place % 3}" for place, item in enumerate(IDS) if place % 4}


@dataclasses.dataclass(frozen=True)
class Query:
    """One user's question."""

    liked: list[str]
    disliked: list[str]
    excluded: list[str]
    allowed: list[str] | None
    k: int
    most: int

    def inputs(self) -> dict[str, Any]:
        """The tensors of `recommend`."""
        ids = {
            "positive_item_ids": self.liked,
            "negative_item_ids": self.disliked,
            "exclude_item_ids": self.excluded,
            "allow_item_ids": self.allowed or [],
        }
        rows = {name: np.array(value, object).reshape(1, len(value)) for name, value in ids.items()}
        rows |= {"k": np.array([self.k], np.int32), "max_per_group": np.array([self.most], np.int32)}
        return {**rows, "gamma": np.array([np.nan], np.float32)}


List = list[tuple[str, float]]
Way = Callable[[Query], List]


def listed(outputs: dict[str, Any]) -> List:
    count = int(outputs["count"][0])
    ids, scores = outputs["item_ids"][0][:count], outputs["scores"][0][:count]
    return [(item.decode(), float(score)) for item, score in zip(ids, scores, strict=True)]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    keras.utils.set_random_seed(5)
    counts = np.arange(ITEMS, 0, -1) + ITEMS
    vocabulary = Vocabulary(IDS, counts, np.roll(np.arange(ITEMS, 0, -1), 3), groups=GROUPS)
    path = tmp_path_factory.mktemp("export") / "1"
    export_saved_model(PNFRec(ITEMS, max_length=LENGTH, dim=8, k=10), vocabulary, path, rule="like_odds", gamma=0.7)
    return path


@pytest.fixture(scope="module")
def server(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderServer]:
    base = tmp_path_factory.mktemp("base")
    shutil.copytree(export, base / "1")
    running = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    running.start()
    yield running
    running.stop(grace_seconds=0)


@pytest.fixture(scope="module")
def ways(export: Path, server: RecommenderServer) -> Iterator[dict[str, Way]]:
    from tests.pnfrec_keras.export.asking import call
    from tests.pnfrec_keras.export.sessions import Session
    from tests.serving.rest.conftest import Web

    session, web = Session(export), Web(server)

    def over_http(query: Query) -> List:
        def text(value: Any) -> Any:
            # NaN is no JSON: TensorFlow Serving writes and reads it bare, as Python does.
            return value.tolist()

        inputs = {name: text(value) for name, value in query.inputs().items()}
        answer = web.predict({"signature_name": "recommend", "inputs": inputs})
        assert answer.status == 200, answer.content
        outputs = json.loads(answer.content)["outputs"]
        count = outputs["count"][0]
        ids, scores = outputs["item_ids"][0][:count], outputs["scores"][0][:count]
        return [(item, float(np.float32(score))) for item, score in zip(ids, scores, strict=True)]

    def arguments(query: Query) -> dict[str, Any]:
        return {"negative": query.disliked, "allow": query.allowed, "max_per_group": query.most, "explain": True}

    async def asked(query: Query) -> List:
        async with AsyncRecommenderClient(server.address, timeout=60) as client:
            return (await client.recommend(query.liked, query.excluded, query.k, **arguments(query))).items

    with RecommenderClient(server.address, timeout=60) as client:
        yield {
            "tf.saved_model.load": lambda query: listed(call(export, "recommend", query.inputs())),
            "a TF1-style session": lambda query: listed(session.call("recommend", query.inputs())),
            "gRPC": lambda query: client.recommend(query.liked, query.excluded, query.k, **arguments(query)).items,
            "gRPC with asyncio": lambda query: asyncio.run(asked(query)),
            "HTTP": over_http,
        }


# None, one, longer than the model reads, repeated, unknown; everything excluded; some, or only unknown ids, allowed.
_IDS = st.lists(st.sampled_from([*IDS, "nobody"]), max_size=8)
_ALLOWED = st.none() | st.lists(st.sampled_from([*IDS, "nobody"]), min_size=1, max_size=20)
_QUERIES = st.builds(
    Query, _IDS, _IDS, _IDS | st.just(IDS), _ALLOWED, st.integers(1, 40), st.integers(0, 2)
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=_QUERIES)
def test_every_way_gives_the_same_list(ways: dict[str, Way], query: Query) -> None:
    first, *others = ways
    expected = ways[first](query)
    for name in others:
        assert ways[name](query) == expected, name


def test_the_gate_ranks_as_the_list_does(export: Path, ways: dict[str, Way]) -> None:
    """The place in the list of each item, against the rank that the gate gives it as a target."""
    from tests.pnfrec_keras.export.asking import call
    from tests.pnfrec_keras.writing import evaluation_example

    for liked, disliked in (([IDS[0], IDS[4]], [IDS[7]]), ([IDS[2]] * 2, [])):
        found = ways["gRPC"](Query(liked, disliked, [], None, ITEMS, 0))
        seen = [*liked, *disliked]
        examples = [evaluation_example(liked, seen, item, 1) for item, _ in found]
        ranks = call(export, "rank_examples", {"examples": np.array(examples, object)})["rank"]
        assert ranks.tolist() == list(range(1, len(found) + 1))


def test_why_the_padding_of_tensorflow_serving_stays_off(export: Path) -> None:
    """It repeats the first element of a row at its end (`pad_variable_length_inputs`, TensorFlow Serving 2.20)."""
    from tests.pnfrec_keras.export.asking import call

    def best(history: list[str]) -> List:
        return listed(call(export, "recommend", Query(history, [], [], None, ITEMS, 0).inputs()))

    short = [IDS[2], IDS[9]]
    assert best([*short, "", ""]) == best(short)
    assert best([*short, short[0], short[0]]) != best(short)


def test_the_batching_that_is_shipped_leaves_it_off() -> None:
    import serving

    text = (Path(serving.__file__).parent / "batching.config").read_text(encoding="utf-8")
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    assert "pad_variable_length_inputs: false" in lines
