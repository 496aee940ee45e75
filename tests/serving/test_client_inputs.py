"""What a client is given that cannot be sent: refused before anything is sent, by name, and without a secret."""

from collections.abc import Callable
from typing import Any

import pytest

from serving.client import RecommenderClient

SECRET = "0123456789abcdef"
# Nobody listens there: what is asked of it fails otherwise.
NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize("target", ["", "http://127.0.0.1:8500", "https://models.example:8500"])
def test_a_target_is_no_url(target: str) -> None:
    with pytest.raises(ValueError, match=r"`target` must be host:port, without a scheme such as http://\. Received: "):
        RecommenderClient(target)


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET} {SECRET}", f"{SECRET}\u00fc", ""])
def test_a_token_that_no_header_carries_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="`token` must be of letters") as caught:
        RecommenderClient(NOWHERE, token=token)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Shop", "a"), ("x shop", "a"), ("", "a"), ("x-shop", "\u00fc"), ("x-shop", b"a"), ("x-bin", "a")],
)
def test_metadata_that_cannot_be_sent_is_named_without_the_token(name: str, value: str | bytes) -> None:
    with pytest.raises(ValueError, match=f"The pair {name!r} of `metadata` cannot be sent") as caught:
        RecommenderClient(NOWHERE, token=SECRET, metadata=[("x-fine", "b c"), ("y-bin", b"\xff"), (name, value)])
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_time_limit_is_a_finite_one(timeout: float) -> None:
    with RecommenderClient(NOWHERE) as client, pytest.raises(ValueError, match="finite number of seconds above 0"):
        client.recommend(["a"], timeout=timeout)


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda client: client.recommend(None), TypeError, "`positive` must be a sequence of item ids.*None"),
        (lambda client: client.recommend(iter(["a"])), TypeError, "`positive` must be a sequence of item ids"),
        (lambda client: client.recommend(["a"], exclude=iter("b")), TypeError, "`exclude` must be a sequence"),
        (lambda client: client.recommend_batch(iter([["a"]])), TypeError, "`positives` must be a list of histories"),
        (lambda client: client.recommend_batch([["a"]], iter([[]])), TypeError, "`excludes` must be a list of hist"),
        (lambda client: client.recommend(["\ud800"]), ValueError, "`positive` holds an id with half a character"),
        (lambda client: client.recommend(["a"], user_key=7), TypeError, "`user_key` must be a text. Received: 7"),
    ],
)
def test_what_is_no_history_is_named(
    ask: Callable[[RecommenderClient], Any], error: type[Exception], said: str
) -> None:
    with RecommenderClient(NOWHERE) as client, pytest.raises(error, match=said):
        ask(client)
