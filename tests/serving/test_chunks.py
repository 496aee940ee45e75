"""Large batches are cut into calls, and their answers come in the order of the histories."""

import asyncio
from typing import Any

import pytest

from serving import wire
from serving.aio import AsyncRecommenderClient
from serving.client import RecommenderClient
from serving.dialogue import Dialogue
from serving.server import RecommenderServer

HISTORIES = [["a"], ["b"], [], ["a", "b"], ["e"], ["?"], ["c"]]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_a_batch_in_parts_is_the_batch(server: RecommenderServer, client: RecommenderClient, rows: int) -> None:
    excludes, negatives = [["b"], [], ["a"], [], [], [], ["d"]], [[], ["c"], [], [], ["a"], [], []]
    ks = [1, 2, 3, 4, 5, 1, 2]
    for arguments in ({}, {"negatives": negatives}, {"negatives": negatives, "gamma": 0.5}):
        whole = client.recommend_batch(HISTORIES, excludes, ks, **arguments)  # type: ignore[arg-type]
        with RecommenderClient(server.address, timeout=60, rows_per_call=rows) as cut:
            assert cut.recommend_batch(HISTORIES, excludes, ks, **arguments) == whole  # type: ignore[arg-type]
            assert cut.recommend_batch(HISTORIES) == client.recommend_batch(HISTORIES)

        async def ask(arguments: Any = arguments) -> Any:
            async with AsyncRecommenderClient(server.address, timeout=60, rows_per_call=rows) as cut:
                return await cut.recommend_batch(HISTORIES, excludes, ks, **arguments), await cut.recommend_batch([])

        assert asyncio.run(ask()) == (whole, [])


def test_the_twin_for_asyncio_answers_as_the_client(server: RecommenderServer, client: RecommenderClient) -> None:
    async def ask() -> list[Any]:
        async with AsyncRecommenderClient(server.address, timeout=60) as twin:
            lists = await asyncio.gather(*(twin.recommend(history, k=2) for history in HISTORIES))
            return [
                lists,
                await twin.recommend(["a"], ["c"], 2, negative=["b"], gamma=0.5),
                await twin.metadata(),
                await twin.status(),
            ]

    assert asyncio.run(ask()) == [
        [client.recommend(history, k=2) for history in HISTORIES],
        client.recommend(["a"], ["c"], 2, negative=["b"], gamma=0.5),
        client.metadata(),
        client.status(),
    ]


def sizes(made: list[tuple[Any, int]]) -> list[tuple[int, int, list[int]]]:
    """Rows as told, rows of the message and its `k`."""
    return [
        (
            rows,
            int(request.inputs["positive_item_ids"].tensor_shape.dim[0].size),
            list(request.inputs["k"].int_val),
        )
        for request, rows in made
    ]


def test_parts_have_the_rows_that_are_asked_for_and_their_own_k() -> None:
    dialogue = Dialogue("pnfrec", rows_per_call=3)
    assert sizes(dialogue.predictions(HISTORIES, None, 4, None, None)) == [
        (3, 3, [4] * 3),
        (3, 3, [4] * 3),
        (1, 1, [4]),
    ]
    assert sizes(dialogue.predictions(HISTORIES, None, range(7), None, None)) == [
        (3, 3, [0, 1, 2]),
        (3, 3, [3, 4, 5]),
        (1, 1, [6]),
    ]
    assert sizes(dialogue.predictions(HISTORIES[:3], None, [4], None, None)) == [(3, 3, [4] * 3)]
    assert dialogue.predictions([], None, 4, None, None) == []


@pytest.mark.parametrize(
    ("excludes", "k", "negatives"), [([["a"]], 1, None), (None, [1, 2], None), (None, 1, [["a"], ["b"]])]
)
def test_rows_that_do_not_agree_are_told_before_the_first_part_is_asked(excludes: Any, k: Any, negatives: Any) -> None:
    with pytest.raises(ValueError, match="7 rows of `positive`"):
        Dialogue("pnfrec", rows_per_call=3).predictions(HISTORIES, excludes, k, negatives, None)


def test_a_wrong_last_row_is_told_before_the_first_part_is_asked() -> None:
    with pytest.raises(TypeError, match="Received: 'inception'"):
        Dialogue("pnfrec", rows_per_call=3).predictions([*HISTORIES, "inception"], None, 1, None, None)


def test_a_label_names_the_version_and_contradicts_a_number() -> None:
    spec = Dialogue("films", label="canary").spec("with_negatives")
    assert spec == wire.ModelSpec(name="films", version_label="canary", signature_name="with_negatives")
    with pytest.raises(ValueError, match=r"Give `version` or `label`, not both\. Received: 3 and 'stable'"):
        Dialogue("pnfrec", version=3, label="stable")


@pytest.mark.parametrize(
    ("client", "name"), [(RecommenderClient, "rows_per_call"), (AsyncRecommenderClient, "calls_at_once")]
)
def test_sizes_below_one_are_refused(client: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1. Received: 0"):
        client("localhost:1", **{name: 0})
