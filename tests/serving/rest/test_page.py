"""The page, and what it asks for. How it looks is for eyes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.rest import page
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

FILES = ("/", "/page/page.css", "/page/page.js")


def test_its_files_come_from_here_alone(web: Web) -> None:
    for path in FILES:
        answer = web.get(path)
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        # Nothing of it names another place, by which somebody would learn who looks.
        assert not re.search(rb"https?:|//[a-z]", answer.content), path
    assert web.get("/").headers["content-type"].startswith("text/html")
    named = re.findall(rb'(?:src|href)="(/[^"]+)"', web.get("/").content)
    assert {*FILES} - {"/"} == {name.decode() for name in named}


def test_each_part_that_the_script_names_is_on_the_page(web: Web) -> None:
    script, html = web.get("/page/page.js").content.decode(), web.get("/").content.decode()
    named = set(re.findall(r'(?:byId|fill)\("([a-z-]+)"', script))
    assert named <= set(re.findall(r'id="([a-z-]+)"', html))
    assert {"search", "found", "items", "without", "moves", "notice"} <= named
    # What comes from titles is put in as text, never as a part of the page.
    assert "innerHTML" not in script


def items(web: Web, query: str) -> list[tuple[str, str]]:
    answer = web.get(f"/page/items?{query}")
    assert (answer.status, answer.json["version"]) == (200, "1")
    return [(item["id"], item["title"]) for item in answer.json["items"]]


def test_items_are_found_by_words_of_their_title_or_id(web: Web) -> None:
    assert items(web, "q=alien") == [("a", "Alien (1979)"), ("d", "Alien 3 (1992)")]
    assert items(web, "q=3+ALIEN") == [("d", "Alien 3 (1992)")]
    assert items(web, "q=blanca") == [("c", "Casablanca (1942)")]
    assert items(web, "q=films") == items(web, "q=+") == items(web, "") == []
    # By ids, as a link to the page has them; what is unknown is left out.
    assert items(web, "id=d&id=zzz&id=e") == [("d", "Alien 3 (1992)"), ("e", "")]


def test_no_more_items_are_found_than_are_shown(web: Web) -> None:
    assert len(items(web, "q=a")) <= 12


def lists(web: Web, **body: Any) -> Any:
    answer = web.post("/page/lists", body)
    assert answer.status == 200, answer.content
    return answer.json


def test_without_dislikes_there_is_one_list(web: Web) -> None:
    found = lists(web, liked=["a"])
    # The tiny model adds 1000 for its own weight. From a: b 3, c 1, then d and e with 0.
    assert [(item["id"], item["title"], item["score"], item["before"]) for item in found["items"]] == [
        ("b", "Brazil (1985)", 1003.0, 1),
        ("c", "Casablanca (1942)", 1001.0, 2),
        ("d", "Alien 3 (1992)", 1000.0, 3),
        ("e", "", 1000.0, 4),
    ]
    assert (found["fallback"], found["dislikes"], found["version"]) == (False, [], "1")
    assert lists(web)["fallback"] is True


def test_what_is_disliked_is_in_no_list(web: Web) -> None:
    found = lists(web, liked=["a"], disliked=["b", "zzz"])
    assert [item["id"] for item in found["items"]] == ["c", "d", "e"]
    assert [(item["id"], item["after"]) for item in found["without"]] == [("c", 1), ("d", 2), ("e", 3)]
    # The tiny model's order does not depend on dislikes.
    assert [(each["id"], each["moved"]) for each in found["dislikes"]] == [("b", []), ("zzz", [])]


def test_what_moved_farthest_comes_first() -> None:
    before, after = ["a", "b", "c", "d"], ["d", "b", "a", "e"]
    # c is further down than can be told; e came up from there.
    assert page._moves(before, after) == [("c", 3, None), ("e", None, 4), ("d", 4, 1), ("a", 1, 3)]
    assert page._moves(before, before) == []
    # What is shown neither before nor after is nobody's concern.
    others = [str(number) for number in range(10)]
    assert page._moves([*others, "x", "y"], [*others, "y", "x"]) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "The body is not JSON"),
        ([], "`liked` must be a list of 200 ids at most."),
        ({"liked": "a"}, "`liked` must be a list of 200 ids at most."),
        ({"disliked": [1]}, "`disliked` must be a list of 20 ids at most."),
        ({"disliked": ["a"] * 21}, "`disliked` must be a list of 20 ids at most."),
    ],
)
def test_what_it_cannot_use_is_told(web: Web, body: Any, error: str) -> None:
    answer = web.post("/page/lists", body)
    assert (answer.status, answer.error[: len(error)]) == (400, error)


@pytest.fixture
def plain(base: Path, tmp_path: Path) -> Iterator[Web]:
    """A server with a token, and one setting: whether the page is shown."""
    file = tmp_path / "tokens"
    file.write_text("secret-token")
    settings = ServerSettings(
        str(base), port=0, poll_seconds=60, token_file=str(file), rest=RestSettings(port=0, page=True)
    )
    server = RecommenderServer.of(settings)
    server.start()
    yield Web(server)
    server.stop(grace_seconds=0)


def test_what_it_asks_for_needs_the_token_that_the_server_asks_for(plain: Web) -> None:
    assert [plain.get(path).status for path in (*FILES, "/healthz", "/readyz")] == [200] * 5
    for method, path in (
        ("GET", "/page/items?q=a"),
        ("POST", "/page/lists"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/models/pnfrec"),
        ("GET", "/v1/models/pnfrec/metadata"),
        ("POST", "/v1/models/pnfrec:predict"),
    ):
        refused = plain.ask(method, path, {} if method == "POST" else None)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer"), path
        assert "this server asks for a token" in refused.error
        body: Any = {"inputs": {}} if "predict" in path else {} if method == "POST" else None
        allowed = plain.ask(method, path, body, authorization="Bearer secret-token")
        assert allowed.status in (200, 400), path
        assert plain.ask(method, path, body, authorization="Bearer wrong").status == 401
    counted = {"face": "rest", "method": "Predict", "signature": "serving_default", "code": "UNAUTHENTICATED"}
    registry = plain.server.faces.metrics.registry
    assert registry.get_sample_value("pnfrec_calls_total", counted) == 2


def test_it_is_off_unless_it_is_asked_for(base: Path) -> None:
    server = RecommenderServer.of(ServerSettings(str(base), port=0, poll_seconds=60, rest=RestSettings(port=0)))
    server.start()
    try:
        web = Web(server)
        assert [web.get(path).status for path in (*FILES, "/page/items?q=a")] == [404] * 4
    finally:
        server.stop(grace_seconds=0)
