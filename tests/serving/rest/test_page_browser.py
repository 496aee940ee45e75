"""The page in a real browser. Without Chromium these tests are skipped: the others look at what it is told."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.server import RecommenderServer
from tests.serving.rest import browser as browsers
from tests.serving.rest.browser import Browser
from tests.serving.rest.page_model import ODD_ID, ODD_TITLE, scores, server_of

LABELS = {"stable": 1, "canary": 2}
PROGRAM = browsers.find()
pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason=f"No Chromium is installed ({', '.join(browsers.NAMES)}), and {browsers.VARIABLE} names none.",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    started = Browser(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderServer]:
    """A server of version 1, which is stable, and version 2, the canary."""
    running = server_of(tmp_path_factory.mktemp("both"), versions=(1, 2), labels=LABELS)
    yield running
    running.stop(grace_seconds=0)


@pytest.fixture
def show(browser: Browser, both: RecommenderServer) -> Callable[..., None]:
    """Shows the page of a server with a history, at a size."""

    def opened(history: str = "", server: RecommenderServer = both, width: int = 1100, touch: bool = False) -> None:
        assert server.faces.http is not None
        browser.problems.clear()
        browser.size(width, touch=touch)
        browser.open(f"{server.faces.http.url}/{history}")
        browser.wait("document.querySelector('#lists .ranked li') || !document.getElementById('access').hidden")

    return opened


def texts(browser: Browser, selector: str) -> list[str]:
    found: list[str] = browser.js(f"[...document.querySelectorAll({selector!r})].map((each) => each.innerText)")
    return found


def titled(name: str) -> str:
    """The button of an accessible name."""
    return f"document.querySelector(`button[aria-label={name!r}]`)"


def found_for(browser: Browser, text: str) -> list[str]:
    """Types into the search, and waits for what is found."""
    browser.click("document.getElementById('search')")
    browser.js("document.getElementById('search').select(); document.getElementById('found-note').textContent = ''")
    browser.write(text)
    browser.wait("document.getElementById('found-note').textContent")
    return texts(browser, "#found .title")


def settle(browser: Browser) -> None:
    browser.wait("!document.getElementById('lists').hasAttribute('aria-busy')")


def first_titles(browser: Browser) -> list[list[str]]:
    return [texts(browser, f"#lists section:nth-of-type({number}) > ol:first-of-type .title") for number in (1, 2)]


def plain(disliked: list[str], strength: float, told: list[str]) -> list[str]:
    """The list by the model's definition, as the page names its items."""
    names = {"i05": ODD_TITLE, ODD_ID: ODD_ID}
    listed = [item for item in scores(disliked, strength) if item not in told][:10]
    return [names.get(item, f"Film {int(item[1:])} (20{item[1:]})" if item[0] == "i" else item) for item in listed]


def test_what_is_found_is_marked_and_both_lists_follow(browser: Browser, show: Callable[..., None]) -> None:
    show()
    assert texts(browser, "#lists h2") == ["stable version 1", "canary version 2"]
    assert found_for(browser, "film 1") == [f"Film {number} (20{number:02})" for number in (1, 10, 11, 12, 13, 14)]
    browser.click(titled("Like Film 10 (2010)"))
    browser.click(titled("Dislike Film 1 (2001)"))
    settle(browser)
    assert (texts(browser, "#liked .title"), texts(browser, "#disliked .title")) == (
        ["Film 10 (2010)"],
        ["Film 1 (2001)"],
    )
    assert first_titles(browser) == [plain(["i01"], strength, ["i01", "i10"]) for strength in (1.0, 2.0)]
    assert browser.js(titled("Dislike Film 1 (2001)") + ".getAttribute('aria-pressed')") == "true"
    # Order is that of marking; a second mark of the other kind takes the first away.
    found_for(browser, "film 3")
    browser.click(titled("Like Film 3 (2003)"))
    settle(browser)
    assert texts(browser, "#liked li .rank") == ["1", "2"]
    assert texts(browser, "#liked .title") == ["Film 10 (2010)", "Film 3 (2003)"]
    browser.click(titled("Remove Film 10 (2010)"))
    settle(browser)
    assert texts(browser, "#liked .title") == ["Film 3 (2003)"]
    assert browser.js("location.hash") == "#liked=i03&disliked=i01"
    assert browser.problems == []


def test_places_before_and_after_are_told_and_what_came_in_or_fell_out(
    browser: Browser, show: Callable[..., None]
) -> None:
    show("#disliked=i01&disliked=i02")
    rows = texts(browser, "#lists section:nth-of-type(1) > ol:first-of-type li")
    shown = [" ".join(row.split()) for row in rows]
    # By hand: i03 keeps its 13 and its place; i06 keeps its 10, and is passed by nobody.
    assert shown[0] == "1 Film 3 (2003) i03 · score 13.000 Like Dislike"
    assert shown[1].startswith("2 Film 6 (2006) i06 · score 10.000 ▲ 4 → 2")
    assert shown[3].startswith("4 Film 4 (2004) i04 · score 12.000 → 6.000 ▼ 2 → 4")
    assert "came in" in next(row for row in shown if ODD_ID in row)
    fell = texts(browser, "#lists section:nth-of-type(1) h3 + ol li")
    assert texts(browser, "#lists section:nth-of-type(1) h3") == ["Fell out"]
    assert " ".join(fell[0].split()).startswith("Film 11 (2011) i11 ▼ 9 → 11")


def test_a_dislike_is_left_out_and_taken_back(browser: Browser, show: Callable[..., None]) -> None:
    told = ["i01", "i02"]
    show("#disliked=i01&disliked=i02")
    assert "stable: moves" in texts(browser, "#disliked li")[0]
    browser.click(titled("Show the lists without disliking Film 1 (2001)"))
    assert first_titles(browser) == [plain(["i02"], strength, told) for strength in (1.0, 2.0)]
    assert texts(browser, "#view")[0].startswith("Without your dislike of Film 1 (2001).")
    assert browser.js("document.activeElement.getAttribute('aria-pressed')") == "true"
    browser.click(titled("Back to all dislikes"))
    assert first_titles(browser) == [plain(told, strength, told) for strength in (1.0, 2.0)]
    assert browser.js("document.getElementById('view').hidden") is True


def test_all_of_it_goes_by_keyboard(browser: Browser, show: Callable[..., None]) -> None:
    show()
    found_for(browser, "film 1")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        browser.press(key)
    settle(browser)
    assert texts(browser, "#liked .title") == ["Film 10 (2010)"]
    # The focus is still there, so that the next key acts beside it.
    for key in ("ArrowDown", "Tab", "Enter"):
        browser.press(key)
    settle(browser)
    assert texts(browser, "#disliked .title") == ["Film 11 (2011)"]
    for key in ("ArrowUp", "ArrowUp", "ArrowUp"):
        browser.press(key)
    assert browser.js("document.activeElement.id") == "search"


def test_a_small_screen_is_touched_and_nothing_is_beside_it(browser: Browser, show: Callable[..., None]) -> None:
    show("#disliked=i01&disliked=i02", width=390, touch=True)
    found_for(browser, "<b>")
    browser.click(titled(f"Like {ODD_TITLE}".replace('"', '\\"')).replace("'", '"'), touch=True)
    settle(browser)
    assert texts(browser, "#liked .title") == [ODD_TITLE]
    tops = "[...document.querySelectorAll('#lists section')].map((each) => Math.round(each.getBoundingClientRect().{}))"
    assert browser.js("document.documentElement.scrollWidth") == browser.js("innerWidth") == 390
    left, right = browser.js(tops.format("left"))
    assert left == right
    assert browser.js("Math.min(...[...document.querySelectorAll('button')].filter((each) => each.offsetParent)"
                      ".map((each) => Math.min(each.offsetWidth, each.offsetHeight)))") >= 36  # fmt: skip
    browser.size(1100)
    (left, right), (one, other) = browser.js(tops.format("left")), browser.js(tops.format("top"))
    assert left < right
    assert one == other


def test_titles_and_ids_are_texts(browser: Browser, show: Callable[..., None]) -> None:
    show(f"#liked=i05&disliked={ODD_ID.replace('#', '')}")
    settle(browser)
    assert texts(browser, "#liked .title") == [ODD_TITLE]
    assert texts(browser, "#disliked .title") == [ODD_ID]
    found_for(browser, "script")
    assert browser.js("[document.title, document.scripts.length, document.querySelectorAll('b').length]") == [
        "Recommendations", 1, 0,
    ]  # fmt: skip
    # What the policy refuses, and what the script does wrong, would be told here.
    assert browser.problems == []


def test_everything_has_a_name_and_each_scheme_its_colours(browser: Browser, show: Callable[..., None]) -> None:
    show("#liked=i05&disliked=i01")
    found_for(browser, "film")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    kinds = ("button", "searchbox", "textbox", "list", "region")
    named = [
        (each["role"]["value"], each["name"]["value"]) for each in nodes if each.get("role", {}).get("value") in kinds
    ]
    assert {kind for kind, _ in named} >= {"button", "searchbox", "region"}
    assert [each for each in named if each[0] != "list" and not each[1]] == []
    assert ("button", "Dislike Film 1 (2001)") in named
    grounds = []
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        grounds.append(browser.js("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(251, 251, 249)", "rgb(21, 23, 26)"]


def test_a_token_is_asked_for_and_a_wrong_one_told(browser: Browser, show: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("right")
    server = server_of(tmp_path / "base", token_file=str(tmp_path / "tokens"))
    try:
        show("#liked=i02", server)
        notice = "document.getElementById('notice').textContent"
        browser.wait(f'{notice} === "Give the server\'s token first."')
        for token, told in (("wrong", "The server does not know this token."), ("right", "")):
            browser.click("document.getElementById('token')")
            browser.js("document.getElementById('token').select()")
            browser.write(token)
            browser.press("Enter")
            browser.wait(f"{notice} === {told!r}")
        browser.wait("document.querySelector('#lists .ranked li')")
        assert texts(browser, "#liked .title") == ["Film 2 (2002)"]
        assert browser.js("document.getElementById('access').hidden") is True
        # One version without a label is one list.
        assert texts(browser, "#lists h2") == ["Served version 1"]
    finally:
        server.stop(grace_seconds=0)


def test_what_goes_wrong_is_told_in_words(browser: Browser, show: Callable[..., None], tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = server_of(tmp_path)
        stack.callback(server.stop, grace_seconds=0)
        show("#liked=i02&liked=nobody", server)
        browser.wait("document.getElementById('notice').textContent.includes('does not know it: nobody')")
        found_for(browser, "film")
        for number in range(1, 22):
            browser.js(f"put('disliked', {{id: 'x{number}', title: ''}})")
        browser.wait("document.getElementById('notice').textContent.includes('a list of 20 ids at most')")
        assert browser.js("document.getElementById('notice').className") == "wrong"
        server.stop(grace_seconds=0)
        browser.click(titled("Like Film 1 (2001)"))
        browser.wait("document.getElementById('notice').textContent.includes('does not answer')")
        # What the address says is not lost by it.
        browser.js("location.hash = '#liked=i05'")
        browser.wait("document.getElementById('liked').textContent.includes('i05')")
        browser.wait("document.getElementById('notice').textContent.includes('does not answer')")
        browser.js("put('liked', {id: 'i06', title: ''})")
        assert browser.js("location.hash") == "#liked=i05&liked=i06"
