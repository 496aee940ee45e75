"""The last line of a run names what that run pushed."""

import click
import pytest

from pipeline import summary


def test_the_version_is_the_one_that_the_pusher_names() -> None:
    pushed = {"pushed": 1, "pushed_destination": "/serving/1795898744001", "pushed_version": "1795898744001"}
    assert summary._pushed({**pushed, "is_new": 1}) == "Pushed: /serving/1795898744001"
    assert summary._pushed({**pushed, "is_new": 0}) == "Nothing new to push: /serving/1795898744001 is this model"


def test_a_pusher_that_names_none_is_an_error() -> None:
    with pytest.raises(click.ClickException, match="did not say which version"):
        summary._pushed({})
