"""The page, and what it asks for. How it looks is for eyes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import wire
from serving.rest.calls import Calls
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

FILES = ("/", "/page/page.css", "/page/page.js", "/page/icon.svg")
SECURITY = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"),
    *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    *("require-trusted-types-for 'script'", "trusted-types 'none'"),
)


def test_its_files_come_from_here_alone(web: Web) -> None:
    for path in FILES:
        answer = web.get(path)
        assert answer.status == 200
        assert answer.headers["content-security-policy"] == "; ".join(SECURITY)
        assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == (
            "nosniff",
            "no-referrer",
        )
        # Nothing of it names another place, by which somebody would learn who looks.
        content = answer.content.replace(b'xmlns="http://www.w3.org/2000/svg"', b"")
        assert not re.search(rb"https?:|//[a-z]", content), path
    assert web.get("/").headers["content-type"].startswith("text/html")
    # What stands in the page itself would not be let in.
    assert not re.search(rb"<script>|<style|style=|\son[a-z]+=", web.get("/").content)
    named = re.findall(rb'(?:src|href)="(/[^"]+)"', web.get("/").content)
    assert {*FILES} - {"/"} == {name.decode() for name in named}


def test_each_part_that_the_script_names_is_on_the_page(web: Web) -> None:
    script, html = web.get("/page/page.js").content.decode(), web.get("/").content.decode()
    named = set(re.findall(r'(?:byId|redraw)\("([a-z-]+)"', script))
    assert named <= set(re.findall(r'id="([a-z-]+)"', html))
    assert {"search", "found", "lists", "view", "notice", "access", "token"} <= named
    # What comes from titles is put in as text, never as a part of the page.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)


def items(web: Web, query: str) -> list[tuple[str, str]]:
    answer = web.get(f"/page/items?{query}")
    assert answer.status == 200
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


def ranked(web: Web, **body: Any) -> Any:
    answer = web.post("/page/lists", body)
    assert answer.status == 200, answer.content
    (found,) = answer.json["lists"]
    return found


def test_the_list_of_a_model_that_moves_nothing(web: Web) -> None:
    found = ranked(web, liked=["a"])
    # The tiny model adds 1000 for its own weight. From a: b 3, c 1, then d and e with 0.
    assert [(item["id"], item["title"], item["score"], item["before"]) for item in found["items"]] == [
        ("b", "Brazil (1985)", 1003.0, 1),
        ("c", "Casablanca (1942)", 1001.0, 2),
        ("d", "Alien 3 (1992)", 1000.0, 3),
        ("e", "", 1000.0, 4),
    ]
    assert [item["score_before"] for item in found["items"]] == [3.0, 1.0, 0.0, 0.0]
    assert (found["fallback"], found["dislikes"], found["fell"], found["version"]) == (False, [], [], "1")
    assert ranked(web)["fallback"] is True


def test_what_is_disliked_is_in_no_list(web: Web) -> None:
    found = ranked(web, liked=["a"], disliked=["b", "zzz"])
    assert [item["id"] for item in found["items"]] == ["c", "d", "e"]
    # The tiny model's order does not depend on dislikes.
    assert [
        (each["id"], [(item["id"], item["after"]) for item in each["items"]], each["came"])
        for each in found["dislikes"]
    ] == [(name, [("c", 1), ("d", 2), ("e", 3)], []) for name in ("b", "zzz")]


def test_a_model_that_does_not_read_dislikes_leaves_them_out(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranked(web, liked=["a"], disliked=["b"])["reads_dislikes"] is True
    monkeypatch.setattr(Calls, "has_signature", lambda *_: False)
    found = ranked(web, liked=["a"], disliked=["b"])
    assert found["reads_dislikes"] is False
    assert [(item["id"], item["score"]) for item in found["items"]] == [("c", 1.0), ("d", 0.0), ("e", 0.0)]


def test_which_signatures_there_are_is_asked_of_the_version_that_serves(web: Web) -> None:
    assert web.server.faces.app is not None
    calls = Calls(web.server._services, web.server.faces.metrics)
    own, other = wire.model_spec("pnfrec"), wire.model_spec("films")
    assert [calls.has_signature(own, name) for name in ("with_negatives", "films")] == [True, False]
    assert calls.has_signature(other, "with_negatives") is False


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
    assert [plain.get(path).status for path in (*FILES, "/healthz", "/readyz")] == [200] * 6
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
        assert [web.get(path).status for path in (*FILES, "/page/items?q=a")] == [404] * 5
    finally:
        server.stop(grace_seconds=0)
