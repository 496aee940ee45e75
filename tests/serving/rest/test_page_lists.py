"""What the page is told of its lists: stable and canary side by side, what the rule moved, and each dislike."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pnfrec_core import marking, schema
from serving.rest import page_lists
from tests.serving.rest.conftest import Web
from tests.serving.rest.page_model import IDS, ODD_ID, ODD_TITLE, TITLES, scores, server_of

Begin = Callable[..., Web]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begins servers of the page's model, as `server_of`."""
    with contextlib.ExitStack() as stack:

        def start(**arguments: Any) -> Web:
            server = server_of(tmp_path, **arguments)
            stack.callback(server.stop, grace_seconds=0)
            return Web(server)

        yield start


def lists(web: Web, **body: Any) -> list[Any]:
    answer = web.post("/page/lists", body)
    assert answer.status == 200, answer.content
    return list(answer.json["lists"])


def plain(disliked: list[str], weight: float, told: list[str]) -> list[str]:
    """The list by the model's definition, without what is told."""
    return [item for item in scores(disliked, weight) if item not in told]


def test_the_version_that_serves_is_shown_where_no_label_is(begin: Begin) -> None:
    web = begin(versions=(1, 2))
    (one,) = lists(web, liked=["i01"])
    assert (one["version"], one["labels"], one["reads_dislikes"], one["fallback"]) == ("2", [], True, False)
    assert [item["id"] for item in one["items"]] == IDS[1:11]


def test_labels_are_shown_side_by_side(begin: Begin) -> None:
    web = begin(versions=(1, 2), labels={"stable": 1, "canary": 2})
    stable, canary = lists(web, liked=["i01"], disliked=["i02"])
    assert [(each["labels"], each["version"]) for each in (stable, canary)] == [(["stable"], "1"), (["canary"], "2")]
    for found, strength in ((stable, 1.0), (canary, 2.0)):
        assert [item["id"] for item in found["items"]] == plain(["i02"], strength, ["i01", "i02"])[:10]
    assert [item["id"] for item in stable["items"]] != [item["id"] for item in canary["items"]]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ({"stable": 1}, [(["stable"], "1")]),
        ({"canary": 2}, [(["canary"], "2")]),
        ({"stable": 1, "canary": 1}, [(["stable", "canary"], "1")]),
        ({"other": 1}, [([], "2")]),
    ],
)
def test_one_label_or_one_version_is_one_list(begin: Begin, labels: dict[str, int], shown: Any) -> None:
    web = begin(versions=(1, 2), labels=labels)
    assert [(each["labels"], each["version"]) for each in lists(web)] == shown


def test_a_label_whose_version_is_not_loaded_is_told_beside_the_other(tmp_path: Path, begin: Begin) -> None:
    web = begin(versions=(1, 2), labels={"stable": 1, "canary": 2})
    marking.label(tmp_path, "canary", 1)
    web.server.versions._labels["canary"] = 3
    stable, canary = lists(web, liked=["i01"])
    assert stable["version"] == "1"
    assert canary["labels"] == ["canary"]
    assert canary["error"].startswith("The version labelled canary is not loaded. Servable not found")
    # Titles are still found, and what nobody has fails with the reason.
    assert web.get("/page/items?q=film+2").json["items"]
    web.server.versions._labels["stable"] = 3
    answer = web.post("/page/lists", {})
    assert (answer.status, answer.error[:44]) == (404, "The version labelled stable is not loaded. S")


def test_each_item_has_its_place_and_score_before_the_rule_and_after(begin: Begin) -> None:
    (found,) = lists(begin(), liked=["i15"], disliked=["i01", "i02"])
    after, before = plain(["i01", "i02"], 1.0, ["i01", "i02"]), plain([], 0.0, ["i01", "i02"])
    lowered, own = scores(["i01", "i02"], 1.0), scores([], 0.0)
    assert found["items"] == [
        {
            "id": item,
            "title": TITLES.get(item, ""),
            "score": lowered[item],
            "score_before": own[item],
            "before": before.index(item) + 1,
        }
        for item in after[:10]
    ]
    # By hand: i03, i06, i09, i12 keep 13, 10, 7, 4; i04 falls from 12 to 6, to place 4 from 2.
    assert [(item["id"], item["before"]) for item in found["items"][:5]] == [
        ("i03", 1), ("i06", 4), ("i09", 7), ("i04", 2), ("i05", 3),
    ]  # fmt: skip
    came_in = [item["id"] for item in found["items"] if item["before"] > 10]
    assert came_in == [ODD_ID]
    assert [(item["id"], item["from"], item["to"]) for item in found["fell"]] == [("i11", 9, 11)]


def test_without_recommend_the_scores_before_are_those_of_weight_0(begin: Begin) -> None:
    web = begin(signatures=(schema.SERVING_SIGNATURE, schema.NEGATIVES_SIGNATURE))
    (found,) = lists(web, disliked=["i01"])
    own = scores([], 0.0)
    assert [item["score_before"] for item in found["items"]] == [own[item["id"]] for item in found["items"]]


def test_each_dislike_is_left_out_once(begin: Begin) -> None:
    told = ["i01", "i02"]
    (found,) = lists(begin(), disliked=told)
    with_all = plain(told, 1.0, told)
    assert [each["id"] for each in found["dislikes"]] == told
    for left_out, other in (told, told[::-1]):
        without = plain([other], 1.0, told)
        (each,) = [each for each in found["dislikes"] if each["id"] == left_out]
        assert [item["id"] for item in each["items"]] == without[:10]
        assert [item["after"] for item in each["items"]] == [with_all.index(item["id"]) + 1 for item in each["items"]]
        assert [item["score"] for item in each["items"]] == [scores([other], 1.0)[item] for item in without[:10]]
        assert [(item["id"], item["from"], item["to"]) for item in each["came"]] == [
            (item, without.index(item) + 1, place)
            for place, item in enumerate(with_all[:10], start=1)
            if item not in without[:10]
        ]
    assert any(each["came"] for each in found["dislikes"])


def test_a_place_beyond_what_is_asked_for_is_not_known(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_lists, "DEEP", 10)
    web = begin()
    (found,) = lists(web, disliked=["i01", "i02", "i05"])
    assert web.post("/page/lists", {}).json["deep"] == 10
    assert [item["id"] for item in found["items"] if item["before"] is None] == [ODD_ID]
    assert [(item["id"], item["from"], item["to"]) for item in found["fell"]] == [("i11", 8, None)]


def test_titles_of_both_versions_are_searched(begin: Begin) -> None:
    web = begin(versions=(1, 2), labels={"stable": 1, "canary": 2})
    assert web.get("/page/items?q=only").json["items"] == [{"id": "new", "title": "Only the canary knows it"}]
    found = web.get("/page/items?q=film").json
    assert (len(found["items"]), found["more"]) == (12, True)
    assert web.get("/page/items?q=film+14").json["more"] is False


def test_titles_go_out_as_they_are_and_the_page_holds_none(begin: Begin) -> None:
    web = begin()
    assert web.get("/page/items?q=%3Cb%3E").json["items"] == [{"id": "i05", "title": ODD_TITLE}]
    (found,) = lists(web)
    assert {item["title"] for item in found["items"] if item["id"] == "i05"} == {ODD_TITLE}
    answer = web.get("/page/items?q=script")
    assert answer.headers["content-type"] == "application/json"
    assert [item["id"] for item in answer.json["items"]] == [ODD_ID]


def test_without_titles_nothing_is_searched_and_that_is_told(tmp_path: Path, begin: Begin) -> None:
    web = begin()
    (tmp_path / "1" / "assets.extra" / "items.jsonl").unlink()
    answer = web.get("/page/items?q=film")
    assert (answer.status, answer.error[:59]) == (404, "The version shown has no assets.extra/items.jsonl, so that ")
    # What a link names is taken as it is, and the lists are shown by id.
    assert web.get("/page/items?id=i03").json["items"] == [{"id": "i03", "title": ""}]
    assert lists(web)[0]["items"][0]["title"] == ""


def test_titles_that_cannot_be_read_for_a_while_come_back(tmp_path: Path) -> None:
    base = tmp_path / "base"
    server = server_of(base, versions=(1, 2), labels={"stable": 1, "canary": 2})
    try:
        web = Web(server)
        # As a disk that is away for a while, which changes nothing of what serves.
        base.rename(tmp_path / "away")
        assert web.get("/page/items?q=film").status == 404
        (tmp_path / "away").rename(base)
        assert [each["id"] for each in web.get("/page/items?q=film+13").json["items"]] == ["i13"]
        # What was read stays.
        base.rename(tmp_path / "away")
        assert [each["id"] for each in web.get("/page/items?q=canary").json["items"]] == ["new"]
    finally:
        server.stop(grace_seconds=0)
